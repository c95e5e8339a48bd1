// The reduction itself (lattice.h), for the processor and for a GPU.
#pragma once

#include <cmath>
#include <cstdint>

#include "host_device.h"
#include "lattice.h"
#include "problems.h"
#include "vector3.h"

namespace mlip {
namespace reduction {

// Below this ratio of volume to product of lengths, rounding leaves no independent directions.
constexpr double kSingular = 1e-12;
// A replacement must be shorter by more than rounding, else equal lengths would alternate for ever.
constexpr double kShorter = 1.0 - 1e-10;
constexpr int kRounds = 1000;
// Whole numbers up to here are exact in double precision.
constexpr double kWhole = 4e15;
// Å. Squares of lengths stay far from overflow, and no crystal is that large.
constexpr double kLongest = 1e15;

// A product and a sum with the error that rounding made (Ogita, Rump and Oishi, SIAM J. Sci.
// Comput. 26, 1955 (2005)): the sum of products below is right to the last digit, or nearly so.
struct Exact {
  double value, error;
};

MLIP_BOTH inline Exact product(double a, double b) {
  const double p = a * b;
  return {p, std::fma(a, b, -p)};
}

MLIP_BOTH inline Exact sum(double a, double b) {
  const double s = a + b, added = s - a;
  return {s, (a - (s - added)) + (b - added)};
}

// Recomputed from the given cell each time, so that rounding does not pile up.
MLIP_BOTH inline void set_row(Lattice& lattice, int row, const double cell[9]) {
  for (int c = 0; c < 3; ++c) {
    Exact total = {0, 0};
    for (int k = 0; k < 3; ++k) {
      if (lattice.in_cell[row][k] == 0) continue;
      const Exact term = product(static_cast<double>(lattice.in_cell[row][k]), cell[3 * k + c]);
      const Exact next = sum(total.value, term.value);
      total = {next.value, total.error + (next.error + term.error)};
    }
    lattice.basis[row][c] = total.value + total.error;
  }
}

// Adds m times row b and n times row c to row a if that makes a shorter.
MLIP_BOTH inline bool shorten(Lattice& lattice, int a, int b, double m, int c, double n,
                              const double cell[9]) {
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

MLIP_BOTH inline bool shorten_pairs(Lattice& lattice, const double cell[9]) {
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
MLIP_BOTH inline bool shorten_triples(Lattice& lattice, const double cell[9]) {
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

MLIP_BOTH inline void complete(Lattice& lattice) {
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

MLIP_BOTH inline void set_dual(Lattice& lattice) {
  for (int r = 0; r < 3; ++r) {
    cross(lattice.basis[(r + 1) % 3], lattice.basis[(r + 2) % 3], lattice.dual[r]);
    scale(lattice.dual[r], 1 / dot(lattice.dual[r], lattice.basis[r]));
  }
}

// Compares directions only: needles and plates are no less regular than cubes.
MLIP_BOTH inline bool singular(const Lattice& lattice) {
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

}  // namespace reduction

struct Reduction {
  Problem problem;
  int which;  // cell vector
};

// Fills `lattice` with what `reduced_lattice` promises, or says why it cannot.
MLIP_BOTH inline Reduction reduce(const double cell[9], const bool periodic[3], Lattice& lattice) {
  lattice = {};
  for (int k = 0; k < 9; ++k) {
    if (!finite(cell[k])) return {Problem::kCellNotFinite, 0};
  }
  for (int k = 0; k < 3; ++k) {
    if (!periodic[k]) continue;
    for (int c = 0; c < 3; ++c) {
      if (std::fabs(cell[3 * k + c]) > reduction::kLongest) return {Problem::kVectorTooLong, k};
    }
    lattice.in_cell[lattice.rank][k] = 1;
    reduction::set_row(lattice, lattice.rank++, cell);
  }
  if (reduction::singular(lattice)) return {Problem::kSingular, 0};
  for (int round = 0; round < reduction::kRounds; ++round) {
    const bool changed = reduction::shorten_pairs(lattice, cell);
    if (!changed && (lattice.rank < 3 || !reduction::shorten_triples(lattice, cell))) break;
  }
  reduction::complete(lattice);
  reduction::set_dual(lattice);
  return {Problem::kNone, 0};
}

}  // namespace mlip
