// Atoms wrapped into the reduced cell, and those of their images that are near enough to matter.
#pragma once

#include <cstdint>
#include <vector>

#include "lattice.h"

namespace mlip {

// Which atom a point is, and how many whole vectors of the given cell away from where it was given.
struct Image {
  int64_t atom;
  int64_t shift[3];
};

struct Point {
  double position[3];  // Å
  Image image;
  bool is_atom;  // the atom itself, wrapped; else one of its images
};

// In canonical order: by atom, then by shift, the first component first.
struct Points {
  std::vector<Point> all;
  std::vector<int32_t> atoms;  // which of them are the atoms themselves, in order
  std::vector<Point> wrapped;  // scratch of `place_images`, kept to be used again

  int64_t size() const { return static_cast<int64_t>(all.size()); }
  int64_t bytes() const;
};

// Fills `points` with the atoms, wrapped, and every image within `reach` (Å) of the box around
// them. `atom` of an image counts from `first_atom`.
// Returns the largest number (Å) that took part in a sum on the way to a difference of two points;
// rounding errors of distances are some 1e-16 of it.
// Throws std::invalid_argument if a position is not finite, so many cells away that nothing is left
// of its fraction, or more than 2^31 - 1 points are needed.
double place_images(const double* positions, int64_t n_atoms, int64_t first_atom,
                    const Lattice& lattice, const double cell[9], double reach, Points& points);

}  // namespace mlip
