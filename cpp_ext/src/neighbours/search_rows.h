// The walk over rows of cells, shared by all instruction sets. `Scan` tests one run of points.
// Included once in each search_*.cpp; see search.h for why it calls nothing.
#pragma once

#include "search.h"

namespace mlip {
namespace {

inline int32_t clamped(double cell, int32_t number) {
  const double last = number - 1;
  return static_cast<int32_t>(cell > 0 ? (cell < last ? cell : last) : 0);
}

// How far (Å) a coordinate is from the nearest side of a cell; 0 inside it.
inline double distance_to_cell(double coordinate, double low, double edge) {
  const double below = low - coordinate, above = coordinate - (low + edge);
  const double outside = below > above ? below : above;
  return outside > 0 ? outside : 0;
}

template <class Scan>
struct RowSearch {
  const Grid& grid;
  const Limits& limits;
  Found& found;
  const double reach2 = limits.reach * limits.reach;

  void scan(int32_t centre, int32_t begin, int32_t end) {
    if (begin >= end) return;
    if (found.room - found.size < end - begin + kOverrun) {
      found.grow(&found, end - begin + kOverrun);
    }
    found.size += Scan::run(grid, limits, centre, begin, end, found.data + found.size);
  }

  // One row of cells along x, of which the centre sees `width` to either side. The centre itself,
  // if it is in the row, is left out.
  void row(int32_t centre, int64_t first_cell, double width) {
    const double x = (grid.x[centre] - grid.origin[0]) * grid.inverse_edge[0];
    const double reach = width * grid.inverse_edge[0];
    const int32_t begin = grid.start[first_cell + clamped(x - reach, grid.number[0])];
    const int32_t end = grid.start[first_cell + clamped(x + reach, grid.number[0]) + 1];
    if (begin <= centre && centre < end) {
      scan(centre, begin, centre);
      scan(centre, centre + 1, end);
    } else {
      scan(centre, begin, end);
    }
  }

  void around(int32_t centre) {
    const double y = grid.y[centre], z = grid.z[centre];
    const int32_t z_last = last_cell(2, z), y_first = first_cell(1, y), y_last = last_cell(1, y);
    for (int32_t iz = first_cell(2, z); iz <= z_last; ++iz) {
      const double dz = distance_to_cell(z, grid.origin[2] + iz * grid.edge[2], grid.edge[2]);
      for (int32_t iy = y_first; iy <= y_last; ++iy) {
        const double dy = distance_to_cell(y, grid.origin[1] + iy * grid.edge[1], grid.edge[1]);
        const double width2 = reach2 - dz * dz - dy * dy;
        if (width2 <= 0) continue;
        row(centre, (static_cast<int64_t>(iz) * grid.number[1] + iy) * grid.number[0],
            __builtin_sqrt(width2));
      }
    }
  }

  int32_t first_cell(int c, double coordinate) const {
    return clamped((coordinate - limits.reach - grid.origin[c]) * grid.inverse_edge[c],
                   grid.number[c]);
  }

  int32_t last_cell(int c, double coordinate) const {
    return clamped((coordinate + limits.reach - grid.origin[c]) * grid.inverse_edge[c],
                   grid.number[c]);
  }
};

template <class Scan>
void search_rows(const Grid& grid, const Limits& limits, const int32_t* centres, int64_t n_centres,
                 int32_t* counts, Found& found) {
  RowSearch<Scan> search{grid, limits, found};
  for (int64_t c = 0; c < n_centres; ++c) {
    const int64_t before = found.size;
    search.around(centres[c]);
    counts[c] = static_cast<int32_t>(found.size - before);
  }
}

}  // namespace
}  // namespace mlip
