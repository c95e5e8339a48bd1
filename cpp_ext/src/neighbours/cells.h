// Points sorted into a grid of cells, so that those near a centre lie together in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "images.h"

namespace mlip {

// The points of cell (ix, iy, iz) are start[c] up to start[c + 1], c = (iz * ny + iy) * nx + ix: a
// row of cells along x is one run of points.
struct Cells {
  std::vector<double> x, y, z;  // and kPadding more: vector loads read past the last point
  std::vector<int32_t> source;  // which of the points given each is
  std::vector<int32_t> start;
  std::vector<int32_t> centres;  // the points that are atoms themselves, ascending
  int32_t number[3];             // of cells along x, y, z
  double origin[3], edge[3];     // Å
  double extent;                 // Å, of the grid along its longest side

  // Scratch of `sort_into_cells`, kept to be used again.
  std::vector<int32_t> cell_of_point, next;
  int64_t bytes() const;
};

constexpr int kPadding = 8;

// Sorts `points` into cells as wide as `reach` (Å) or, along x, a fraction of it; wider if most
// would be empty. Points that are farther apart than `reach` along a direction may be moved along
// it, staying farther apart than `reach`: so two atoms at the ends of the world cost no more memory
// than two neighbours. Changes positions of `points`.
void sort_into_cells(Points& points, double reach, Cells& cells);

}  // namespace mlip
