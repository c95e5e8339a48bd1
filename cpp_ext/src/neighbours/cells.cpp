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

  explicit Extent(const std::vector<Point>& points) {
    for (int c = 0; c < 3; ++c) {
      double least = points[0].position[c], most = least;
      for (const Point& point : points) {
        least = std::min(least, point.position[c]);
        most = std::max(most, point.position[c]);
      }
      low[c] = least;
      length[c] = most - least;
    }
  }
};

double number_of_cells(const Extent& extent, const double edge[3], double number[3]) {
  for (int c = 0; c < 3; ++c) number[c] = std::floor(extent.length[c] / edge[c]) + 1;
  return number[0] * number[1] * number[2];
}

// Closes gaps wider than `reach` along coordinate c, down to a little more than `reach`.
void close_gaps(std::vector<Point>& points, int c, double reach) {
  std::vector<int32_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return points[a].position[c] < points[b].position[c]; });
  double previous = points[order[0]].position[c];  // as given
  double run = previous, run_moved = 0;            // where the present run of near points starts
  for (const int32_t p : order) {
    const double given = points[p].position[c];
    if (given - previous > 1.01 * reach) {
      run_moved += (previous - run) + 1.01 * reach;
      run = given;
    }
    previous = given;
    points[p].position[c] = (given - run) + run_moved;
  }
}

void choose_grid(std::vector<Point>& points, double reach, Cells& cells) {
  const double n = static_cast<double>(points.size());
  const double most = n <= kOneCell ? 1 : std::min(kCellsPerPoint * n, kMostCells);
  double edge[3] = {reach / kPerReach[0], reach / kPerReach[1], reach / kPerReach[2]};
  double number[3];
  Extent extent(points);
  if (!(number_of_cells(extent, edge, number) <= most)) {
    if (!(extent.length[0] + extent.length[1] + extent.length[2] < n * reach)) {
      for (int c = 0; c < 3; ++c) close_gaps(points, c, reach);
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
                              (start.capacity() + centres.capacity() + cell_of_point.capacity() +
                               next.capacity() + source.capacity()) *
                                  sizeof(int32_t));
}

void sort_into_cells(Points& points, double reach, Cells& cells) {
  const int64_t n = points.size();
  cells.centres.clear();
  if (n == 0) return;
  choose_grid(points.all, reach, cells);
  const int64_t n_cells = static_cast<int64_t>(cells.number[0]) * cells.number[1] * cells.number[2];
  cells.start.assign(n_cells + 1, 0);
  cells.cell_of_point.resize(n);
  for (int64_t p = 0; p < n; ++p) {
    const double* position = points.all[p].position;
    const int32_t ix = cell_along(cells, 0, position[0]);
    const int32_t iy = cell_along(cells, 1, position[1]);
    const int32_t iz = cell_along(cells, 2, position[2]);
    cells.cell_of_point[p] = (iz * cells.number[1] + iy) * cells.number[0] + ix;
    ++cells.start[cells.cell_of_point[p] + 1];
  }
  std::partial_sum(cells.start.begin(), cells.start.end(), cells.start.begin());
  cells.next.assign(cells.start.begin(), cells.start.end() - 1);
  cells.x.resize(n + kPadding);
  cells.y.resize(n + kPadding);
  cells.z.resize(n + kPadding);
  cells.source.resize(n);
  for (int64_t p = 0; p < n; ++p) {
    const int32_t to = cells.next[cells.cell_of_point[p]]++;
    cells.x[to] = points.all[p].position[0];
    cells.y[to] = points.all[p].position[1];
    cells.z[to] = points.all[p].position[2];
    cells.source[to] = static_cast<int32_t>(p);
  }
  for (int64_t q = 0; q < n; ++q) {
    if (points.all[cells.source[q]].is_atom) cells.centres.push_back(static_cast<int32_t>(q));
  }
}

}  // namespace mlip
