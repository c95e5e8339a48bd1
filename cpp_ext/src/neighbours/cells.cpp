#include "cells.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlip {
namespace {

// With so few points, testing all of them is cheaper than sorting them.
constexpr int64_t kOneCell = 64;
// Cells per cutoff along x, y, z, by measurement: long runs of points suit wide instructions, and
// finer cells along x cost nothing, since the cells of a run follow one another in memory.
constexpr double kPerReach[3] = {6, 1, 1};
constexpr double kCellsPerPoint = 4;

// Some arrays of the grid are indexed by 32-bit numbers.
constexpr double kMostCells = 2e9;

struct Extent {
  double low[3], length[3];

  explicit Extent(const Points& points) {
    const std::vector<double>* coordinates[3] = {&points.x, &points.y, &points.z};
    for (int c = 0; c < 3; ++c) {
      const auto [least, most] =
          std::minmax_element(coordinates[c]->begin(), coordinates[c]->end());
      low[c] = *least;
      length[c] = *most - *least;
    }
  }
};

double number_of_cells(const Extent& extent, const double edge[3], double number[3]) {
  for (int c = 0; c < 3; ++c) number[c] = std::floor(extent.length[c] / edge[c]) + 1;
  return number[0] * number[1] * number[2];
}

// Closes gaps wider than `reach` along one coordinate, down to a little more than `reach`.
void close_gaps(std::vector<double>& coordinate, double reach) {
  std::vector<int32_t> order(coordinate.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return coordinate[a] < coordinate[b]; });
  double previous = coordinate[order[0]];  // as given
  double run = previous, run_moved = 0;    // where the present run of near points starts
  for (const int32_t p : order) {
    const double given = coordinate[p];
    if (given - previous > 1.01 * reach) {
      run_moved += (previous - run) + 1.01 * reach;
      run = given;
    }
    previous = given;
    coordinate[p] = (given - run) + run_moved;
  }
}

void choose_grid(Points& points, double reach, Cells& cells) {
  const double n = static_cast<double>(points.size());
  const double most = n <= kOneCell ? 1 : std::min(kCellsPerPoint * n, kMostCells);
  double edge[3] = {reach / kPerReach[0], reach / kPerReach[1], reach / kPerReach[2]};
  double number[3];
  Extent extent(points);
  if (!(number_of_cells(extent, edge, number) <= most)) {
    if (!(extent.length[0] + extent.length[1] + extent.length[2] < n * reach)) {
      close_gaps(points.x, reach);
      close_gaps(points.y, reach);
      close_gaps(points.z, reach);
      extent = Extent(points);
    }
    while (number_of_cells(extent, edge, number) > most) {
      for (double& e : edge) e *= 1.25;
    }
  }
  cells.extent = 0;
  for (int c = 0; c < 3; ++c) {
    cells.origin[c] = extent.low[c];
    cells.edge[c] = edge[c];
    cells.number[c] = static_cast<int32_t>(number[c]);
    cells.extent = std::max(cells.extent, extent.length[c]);
  }
}

int32_t cell_along(const Cells& cells, int c, double coordinate) {
  const double cell = (coordinate - cells.origin[c]) / cells.edge[c];
  return std::min(static_cast<int32_t>(cell), cells.number[c] - 1);
}

}  // namespace

int64_t Cells::bytes() const {
  return static_cast<int64_t>((x.capacity() + y.capacity() + z.capacity()) * sizeof(double) +
                              image.capacity() * sizeof(Image) +
                              (start.capacity() + centres.capacity() + cell_of_point.capacity() +
                               next.capacity() + source.capacity()) *
                                  sizeof(int32_t));
}

void sort_into_cells(Points& points, int64_t n_atoms, double reach, Cells& cells) {
  const int64_t n = points.size();
  cells.centres.clear();
  if (n == 0) return;
  choose_grid(points, reach, cells);
  const int64_t n_cells = static_cast<int64_t>(cells.number[0]) * cells.number[1] * cells.number[2];
  cells.start.assign(n_cells + 1, 0);
  cells.cell_of_point.resize(n);
  for (int64_t p = 0; p < n; ++p) {
    const int32_t ix = cell_along(cells, 0, points.x[p]);
    const int32_t iy = cell_along(cells, 1, points.y[p]);
    const int32_t iz = cell_along(cells, 2, points.z[p]);
    cells.cell_of_point[p] = (iz * cells.number[1] + iy) * cells.number[0] + ix;
    ++cells.start[cells.cell_of_point[p] + 1];
  }
  std::partial_sum(cells.start.begin(), cells.start.end(), cells.start.begin());
  cells.next.assign(cells.start.begin(), cells.start.end() - 1);
  cells.x.resize(n + kPadding);
  cells.y.resize(n + kPadding);
  cells.z.resize(n + kPadding);
  cells.image.resize(n);
  cells.source.resize(n);
  for (int64_t p = 0; p < n; ++p) {
    const int32_t to = cells.next[cells.cell_of_point[p]]++;
    cells.x[to] = points.x[p];
    cells.y[to] = points.y[p];
    cells.z[to] = points.z[p];
    cells.image[to] = points.image[p];
    cells.source[to] = static_cast<int32_t>(p);
  }
  for (int64_t p = 0; p < n; ++p) {
    if (cells.source[p] < n_atoms) cells.centres.push_back(static_cast<int32_t>(p));
  }
}

}  // namespace mlip
