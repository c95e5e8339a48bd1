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

struct Points {
  std::vector<double> x, y, z;
  std::vector<Image> image;

  void clear();
  void add(const double position[3], const Image& what);
  int64_t size() const { return static_cast<int64_t>(image.size()); }
};

// Fills `points`: first the atoms themselves, in order, then every image within `reach` (Å) of the
// box around them. `atom` of a point counts from `first_atom`.
// Returns the largest number (Å) that took part in a sum on the way to a difference of two points;
// rounding errors of distances are some 1e-16 of it.
// Throws std::invalid_argument if a position is not finite, so many cells away that nothing is left
// of its fraction, or more than 2^31 - 1 points are needed.
double place_images(const double* positions, int64_t n_atoms, int64_t first_atom,
                    const Lattice& lattice, const double cell[9], double reach, Points& points);

}  // namespace mlip
