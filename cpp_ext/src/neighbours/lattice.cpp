#include "lattice.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "vector3.h"

namespace mlip {
namespace {

// Below this ratio of volume to product of lengths, rounding leaves no independent directions.
constexpr double kSingular = 1e-12;
// A replacement must be shorter by more than rounding, else equal lengths would alternate for ever.
constexpr double kShorter = 1.0 - 1e-10;
constexpr int kRounds = 1000;
// Whole numbers up to here are exact in double precision.
constexpr double kWhole = 4e15;
// Å. Squares of lengths stay far from overflow, and no crystal is that large.
constexpr double kLongest = 1e15;

// Recomputed from the given cell each time, so that rounding does not pile up.
void set_row(Lattice& lattice, int row, const double cell[9]) {
  for (int c = 0; c < 3; ++c) {
    long double sum = 0;
    for (int k = 0; k < 3; ++k) {
      if (lattice.in_cell[row][k] != 0) {
        sum += static_cast<long double>(lattice.in_cell[row][k]) * cell[3 * k + c];
      }
    }
    lattice.basis[row][c] = static_cast<double>(sum);
  }
}

// Adds m times row b and n times row c to row a if that makes a shorter.
bool shorten(Lattice& lattice, int a, int b, double m, int c, double n, const double cell[9]) {
  const Lattice before = lattice;
  for (int k = 0; k < 3; ++k) {
    const double sum =
        lattice.in_cell[a][k] + m * lattice.in_cell[b][k] + n * lattice.in_cell[c][k];
    if (!(std::fabs(sum) < kWhole)) {
      lattice = before;
      return false;
    }
    lattice.in_cell[a][k] = static_cast<int64_t>(sum);
  }
  set_row(lattice, a, cell);
  if (dot(lattice.basis[a], lattice.basis[a]) < kShorter * dot(before.basis[a], before.basis[a])) {
    return true;
  }
  lattice = before;
  return false;
}

bool shorten_pairs(Lattice& lattice, const double cell[9]) {
  bool changed = false;
  for (int a = 0; a < lattice.rank; ++a) {
    for (int b = 0; b < lattice.rank; ++b) {
      if (a == b) continue;
      const double* v = lattice.basis[b];
      const double m = std::nearbyint(dot(lattice.basis[a], v) / dot(v, v));
      if (m != 0) changed |= shorten(lattice, a, b, -m, b, 0, cell);
    }
  }
  return changed;
}

// In three dimensions pairs are not enough: a vector may still be shortened by both others at once.
bool shorten_triples(Lattice& lattice, const double cell[9]) {
  for (int a = 0; a < 3; ++a) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    for (int m = -1; m <= 1; m += 2) {
      for (int n = -1; n <= 1; n += 2) {
        if (shorten(lattice, a, b, m, c, n, cell)) return true;
      }
    }
  }
  return false;
}

void complete(Lattice& lattice) {
  if (lattice.rank == 0) {
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c) lattice.basis[r][c] = r == c;
    }
    return;
  }
  if (lattice.rank == 1) {
    const double* v = lattice.basis[0];
    int least = 0;
    for (int c = 1; c < 3; ++c) {
      if (std::fabs(v[c]) < std::fabs(v[least])) least = c;
    }
    double axis[3] = {0, 0, 0};
    axis[least] = 1;
    cross(v, axis, lattice.basis[1]);
    scale(lattice.basis[1], 1 / length(lattice.basis[1]));
  }
  if (lattice.rank < 3) {
    cross(lattice.basis[0], lattice.basis[1], lattice.basis[2]);
    scale(lattice.basis[2], 1 / length(lattice.basis[2]));
  }
}

void set_dual(Lattice& lattice) {
  for (int r = 0; r < 3; ++r) {
    cross(lattice.basis[(r + 1) % 3], lattice.basis[(r + 2) % 3], lattice.dual[r]);
    scale(lattice.dual[r], 1 / dot(lattice.dual[r], lattice.basis[r]));
  }
}

// Compares directions only: needles and plates are no less regular than cubes.
bool singular(const Lattice& lattice) {
  double unit[3][3];
  for (int r = 0; r < lattice.rank; ++r) {
    const double* v = lattice.basis[r];
    const double largest = std::fmax(std::fabs(v[0]), std::fmax(std::fabs(v[1]), std::fabs(v[2])));
    if (!(largest > 0)) return true;
    for (int c = 0; c < 3; ++c) unit[r][c] = v[c] / largest;  // squares of v may overflow
    scale(unit[r], 1 / length(unit[r]));
  }
  if (lattice.rank < 2) return false;
  double normal[3];
  cross(unit[0], unit[1], normal);
  const double volume = lattice.rank == 2 ? length(normal) : std::fabs(dot(normal, unit[2]));
  return !(volume > kSingular);
}

}  // namespace

Lattice reduced_lattice(const double cell[9], const bool periodic[3]) {
  Lattice lattice = {};
  for (int k = 0; k < 9; ++k) {
    if (!std::isfinite(cell[k])) throw std::invalid_argument("the cell is not finite");
  }
  for (int k = 0; k < 3; ++k) {
    if (!periodic[k]) continue;
    for (int c = 0; c < 3; ++c) {
      if (std::fabs(cell[3 * k + c]) > kLongest) {
        throw std::invalid_argument("cell vector " + std::to_string(k) + " is longer than 1e15 Å");
      }
    }
    lattice.in_cell[lattice.rank][k] = 1;
    set_row(lattice, lattice.rank++, cell);
  }
  if (singular(lattice)) {
    throw std::invalid_argument(
        "the cell is singular along its periodic directions: a periodic vector is zero, or they "
        "are linearly dependent; give a full cell or switch pbc off there");
  }
  for (int round = 0; round < kRounds; ++round) {
    const bool changed = shorten_pairs(lattice, cell);
    if (!changed && (lattice.rank < 3 || !shorten_triples(lattice, cell))) break;
  }
  complete(lattice);
  set_dual(lattice);
  return lattice;
}

}  // namespace mlip
