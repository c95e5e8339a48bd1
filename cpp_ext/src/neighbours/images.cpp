#include "images.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

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

// The largest whole number not above x, |x| < kFarthest. Without SSE 4.1 std::floor is a call.
double floored(double x) {
  const double whole = static_cast<double>(static_cast<int64_t>(x));
  return whole > x ? whole - 1 : whole;
}

void add_wrapped(const double* given, int64_t atom, int64_t first_atom, const Lattice& lattice,
                 std::vector<Point>& wrapped) {
  Point point = {{given[0], given[1], given[2]}, {first_atom + atom, {0, 0, 0}}, true};
  for (int r = 0; r < lattice.rank; ++r) {
    const double fraction = dot(lattice.dual[r], given);
    if (!(std::fabs(fraction) < kFarthest)) raise(Problem::kTooFar, atom);
    const double wraps = floored(fraction);
    if (wraps == 0) continue;
    for (int c = 0; c < 3; ++c) point.position[c] -= wraps * lattice.basis[r][c];
    add_shift(point.image, lattice, r, -wraps, atom);
  }
  wrapped.push_back(point);
}

Box box_around(const std::vector<Point>& points, double margin) {
  Box box;
  for (int c = 0; c < 3; ++c) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Point& point : points) {
      low = std::min(low, point.position[c]);
      high = std::max(high, point.position[c]);
    }
    box.low[c] = low - margin;
    box.high[c] = high + margin;
  }
  return box;
}

// Fractional coordinates of the wrapped atoms reach from low to high along each reduced vector; an
// image may matter if its own lie within `reach` of that.
struct Fractions {
  double low[3] = {0, 0, 0}, high[3] = {0, 0, 0};

  Fractions(const std::vector<Point>& points, const Lattice& lattice, double reach) {
    for (int r = 0; r < lattice.rank; ++r) {
      const double* dual = lattice.dual[r];
      double least = std::numeric_limits<double>::infinity(), most = -least;
      for (const Point& point : points) {
        const double f = dot(point.position, dual);
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

struct Placing {
  const int64_t first_atom;
  const Lattice& lattice;
  const Fractions& fractions;
  const Box& box;

  bool in_box(const double position[3]) const {
    bool inside = true;
    for (int c = 0; c < 3; ++c) inside &= position[c] >= box.low[c] && position[c] <= box.high[c];
    return inside;
  }

  // Appends the atom and its images in the order of their multiples of the reduced vectors.
  void add_all_of(const Point& atom, std::vector<Point>& points) const {
    int first[3] = {0, 0, 0}, last[3] = {0, 0, 0}, n[3];
    for (int r = 0; r < lattice.rank; ++r) {
      const double f = dot(lattice.dual[r], atom.position);
      first[r] = static_cast<int>(-floored(f - fractions.low[r]));
      last[r] = static_cast<int>(floored(fractions.high[r] - f));
    }
    double along0[3], along1[3], position[3];
    for (n[0] = first[0]; n[0] <= last[0]; ++n[0]) {
      for (int c = 0; c < 3; ++c) along0[c] = atom.position[c] + n[0] * lattice.basis[0][c];
      for (n[1] = first[1]; n[1] <= last[1]; ++n[1]) {
        for (int c = 0; c < 3; ++c) along1[c] = along0[c] + n[1] * lattice.basis[1][c];
        for (n[2] = first[2]; n[2] <= last[2]; ++n[2]) {
          for (int c = 0; c < 3; ++c) position[c] = along1[c] + n[2] * lattice.basis[2][c];
          if (in_box(position)) add(atom, n, position, points);
        }
      }
    }
  }

  void add(const Point& atom, const int n[3], const double position[3],
           std::vector<Point>& points) const {
    Point point = {{position[0], position[1], position[2]}, atom.image, true};
    for (int r = 0; r < lattice.rank; ++r) {
      if (n[r] == 0) continue;
      add_shift(point.image, lattice, r, n[r], atom.image.atom - first_atom);
      point.is_atom = false;
    }
    points.push_back(point);
  }
};

bool lower_shift(const Point& a, const Point& b) {
  return std::lexicographical_compare(a.image.shift, a.image.shift + 3, b.image.shift,
                                      b.image.shift + 3);
}

double magnitude_of(const double* positions, int64_t n_atoms, const Lattice& lattice,
                    const double cell[9], const std::vector<Point>& points) {
  double farthest = 0;
  for (int c = 0; c < 3; ++c) {
    bool moves = false;  // else this coordinate stays as it was given
    for (int r = 0; r < lattice.rank; ++r) moves |= lattice.basis[r][c] != 0;
    for (int64_t a = 0; moves && a < n_atoms; ++a) {
      farthest = std::max(farthest, std::fabs(positions[3 * a + c]));
    }
  }
  double shift[3] = {0, 0, 0};
  for (const Point& point : points) {
    for (int k = 0; k < 3; ++k) {
      shift[k] = std::max(shift[k], std::fabs(static_cast<double>(point.image.shift[k])));
    }
  }
  for (int k = 0; k < 3; ++k) {
    if (shift[k] > 0) farthest += 2 * shift[k] * length(cell + 3 * k);
  }
  return farthest;
}

}  // namespace

int64_t Points::bytes() const {
  return static_cast<int64_t>((all.capacity() + wrapped.capacity()) * sizeof(Point) +
                              atoms.capacity() * sizeof(int32_t));
}

double place_images(const double* positions, int64_t n_atoms, int64_t first_atom,
                    const Lattice& lattice, const double cell[9], double reach, Points& points) {
  points.wrapped.clear();
  points.all.clear();
  points.atoms.resize(n_atoms);
  check_finite(positions, n_atoms);
  for (int64_t a = 0; a < n_atoms; ++a) {
    add_wrapped(positions + 3 * a, a, first_atom, lattice, points.wrapped);
  }
  if (lattice.rank == 0 || n_atoms == 0) {
    points.all.swap(points.wrapped);
    std::iota(points.atoms.begin(), points.atoms.end(), 0);
    return 0;  // differences are those of the given numbers
  }
  const Fractions fractions(points.wrapped, lattice, reach);
  check_number(fractions, lattice, n_atoms);
  const Box box = box_around(points.wrapped, reach);
  const Placing placing = {first_atom, lattice, fractions, box};
  for (int64_t a = 0; a < n_atoms; ++a) {
    const int64_t begin = points.size();
    placing.add_all_of(points.wrapped[a], points.all);
    const auto own = points.all.begin() + begin;
    if (!std::is_sorted(own, points.all.end(), lower_shift)) {
      std::sort(own, points.all.end(), lower_shift);
    }
    const auto atom =
        std::find_if(own, points.all.end(), [](const Point& point) { return point.is_atom; });
    points.atoms[a] = static_cast<int32_t>(atom - points.all.begin());
  }
  return magnitude_of(positions, n_atoms, lattice, cell, points.all);
}

}  // namespace mlip
