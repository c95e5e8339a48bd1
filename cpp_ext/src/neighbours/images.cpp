#include "images.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "problems.h"
#include "vector3.h"

namespace mlip {
namespace {

struct Box {
  double low[3], high[3];
};

void check_finite(const double* positions, int64_t n_atoms) {
  // x - x is 0 unless x is infinite or NaN; one sum tests them all.
  double sum = 0;
  for (int64_t k = 0; k < 3 * n_atoms; ++k) sum += positions[k] - positions[k];
  if (sum == 0) return;
  for (int64_t k = 0; k < 3 * n_atoms; ++k) {
    if (!std::isfinite(positions[k])) raise(Problem::kPositionNotFinite, k / 3);
  }
}

// shift += count * (reduced vector r in whole vectors of the cell), exactly or not at all.
void add_shift(Image& image, const Lattice& lattice, int r, double count, int64_t atom) {
  for (int k = 0; k < 3; ++k) {
    const double sum = image.shift[k] + count * lattice.in_cell[r][k];
    if (!(std::fabs(sum) < kFarthest)) raise(Problem::kTooFar, atom);
    image.shift[k] = static_cast<int64_t>(sum);
  }
}

void add_wrapped(const double* given, int64_t atom, int64_t first_atom, const Lattice& lattice,
                 Points& points) {
  double position[3] = {given[0], given[1], given[2]};
  Image image = {first_atom + atom, {0, 0, 0}};
  for (int r = 0; r < lattice.rank; ++r) {
    const double wraps = std::floor(dot(lattice.dual[r], given));
    if (wraps == 0) continue;
    for (int c = 0; c < 3; ++c) position[c] -= wraps * lattice.basis[r][c];
    add_shift(image, lattice, r, -wraps, atom);
  }
  points.add(position, image);
}

Box box_around(const Points& points, int64_t n) {
  const std::vector<double>* coordinates[3] = {&points.x, &points.y, &points.z};
  Box box;
  for (int c = 0; c < 3; ++c) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (int64_t p = 0; p < n; ++p) {
      low = std::min(low, (*coordinates[c])[p]);
      high = std::max(high, (*coordinates[c])[p]);
    }
    box.low[c] = low;
    box.high[c] = high;
  }
  return box;
}

// Fractional coordinates of the wrapped atoms reach from low to high along each reduced vector; an
// image may matter if its own lie within `reach` of that.
struct Fractions {
  double low[3] = {0, 0, 0}, high[3] = {0, 0, 0};

  Fractions(const Points& points, int64_t n, const Lattice& lattice, double reach) {
    for (int r = 0; r < lattice.rank; ++r) {
      const double* dual = lattice.dual[r];
      double least = std::numeric_limits<double>::infinity(), most = -least;
      for (int64_t p = 0; p < n; ++p) {
        const double f = points.x[p] * dual[0] + points.y[p] * dual[1] + points.z[p] * dual[2];
        least = std::min(least, f);
        most = std::max(most, f);
      }
      const double margin = reach * length(dual) + kSlack;
      low[r] = least - margin;
      high[r] = most + margin;
    }
  }
};

void check_number(const Fractions& fractions, const Lattice& lattice, int64_t n_atoms) {
  double most = static_cast<double>(n_atoms);
  for (int r = 0; r < lattice.rank; ++r) most *= fractions.high[r] - fractions.low[r] + 1;
  if (!(most < kMostPoints)) raise(Problem::kTooManyImages);
}

void add_images_of(int64_t p, const Lattice& lattice, const Fractions& fractions, const Box& box,
                   Points& points) {
  const double home[3] = {points.x[p], points.y[p], points.z[p]};
  int first[3] = {0, 0, 0}, last[3] = {0, 0, 0};
  for (int r = 0; r < lattice.rank; ++r) {
    const double f = dot(lattice.dual[r], home);
    first[r] = static_cast<int>(std::ceil(fractions.low[r] - f));
    last[r] = static_cast<int>(std::floor(fractions.high[r] - f));
  }
  const auto& b = lattice.basis;
  int n[3];
  for (n[0] = first[0]; n[0] <= last[0]; ++n[0]) {
    for (n[1] = first[1]; n[1] <= last[1]; ++n[1]) {
      for (n[2] = first[2]; n[2] <= last[2]; ++n[2]) {
        if (n[0] == 0 && n[1] == 0 && n[2] == 0) continue;
        double position[3];
        bool near = true;
        for (int c = 0; c < 3; ++c) {
          position[c] = home[c] + (n[0] * b[0][c] + n[1] * b[1][c] + n[2] * b[2][c]);
          near &= position[c] >= box.low[c] && position[c] <= box.high[c];
        }
        if (!near) continue;
        Image image = points.image[p];
        for (int r = 0; r < lattice.rank; ++r) {
          if (n[r] != 0) add_shift(image, lattice, r, n[r], p);
        }
        points.add(position, image);
      }
    }
  }
}

double magnitude_of(const double* positions, int64_t n_atoms, const Lattice& lattice,
                    const double cell[9], const Points& points) {
  double farthest = 0;
  for (int c = 0; c < 3; ++c) {
    bool moves = false;  // else this coordinate stays as it was given
    for (int r = 0; r < lattice.rank; ++r) moves |= lattice.basis[r][c] != 0;
    for (int64_t a = 0; moves && a < n_atoms; ++a) {
      farthest = std::max(farthest, std::fabs(positions[3 * a + c]));
    }
  }
  double shift[3] = {0, 0, 0};
  for (const Image& image : points.image) {
    for (int k = 0; k < 3; ++k) {
      shift[k] = std::max(shift[k], std::fabs(static_cast<double>(image.shift[k])));
    }
  }
  for (int k = 0; k < 3; ++k) {
    if (shift[k] > 0) farthest += 2 * shift[k] * length(cell + 3 * k);
  }
  return farthest;
}

}  // namespace

void Points::clear() {
  x.clear();
  y.clear();
  z.clear();
  image.clear();
}

void Points::add(const double position[3], const Image& what) {
  x.push_back(position[0]);
  y.push_back(position[1]);
  z.push_back(position[2]);
  image.push_back(what);
}

double place_images(const double* positions, int64_t n_atoms, int64_t first_atom,
                    const Lattice& lattice, const double cell[9], double reach, Points& points) {
  points.clear();
  check_finite(positions, n_atoms);
  for (int64_t a = 0; a < n_atoms; ++a) {
    add_wrapped(positions + 3 * a, a, first_atom, lattice, points);
  }
  if (lattice.rank == 0 || n_atoms == 0) return 0;  // differences are those of the given numbers
  const Fractions fractions(points, n_atoms, lattice, reach);
  check_number(fractions, lattice, n_atoms);
  Box box = box_around(points, n_atoms);
  for (int c = 0; c < 3; ++c) {
    box.low[c] -= reach;
    box.high[c] += reach;
  }
  for (int64_t p = 0; p < n_atoms; ++p) add_images_of(p, lattice, fractions, box, points);
  return magnitude_of(positions, n_atoms, lattice, cell, points);
}

}  // namespace mlip
