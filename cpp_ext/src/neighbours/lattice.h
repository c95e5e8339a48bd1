// The periodic part of a cell in its shortest basis.
#pragma once

#include <cstdint>

namespace mlip {

struct Lattice {
  int rank;               // number of periodic directions; only the first `rank` rows below repeat
  double basis[3][3];     // rows: reduced lattice vectors, then unit vectors orthogonal to them
  double dual[3][3];      // rows: fractional coordinate r of x is dot(dual[r], x)
  int64_t in_cell[3][3];  // rows: reduced vector r in whole vectors of the cell as given
};

// Reduces the periodic rows of a cell so that no lattice vector is longer than it must be
// (Minkowski reduction; Nguyen and Stehle, ACM Trans. Algorithms 5, 46 (2009)). The search then
// costs the same for a skewed cell as for the compact one that describes the same crystal. Throws
// std::invalid_argument if the cell is not finite or its periodic rows are dependent.
// reduction.h has the same for a GPU.
Lattice reduced_lattice(const double cell[9], const bool periodic[3]);

}  // namespace mlip
