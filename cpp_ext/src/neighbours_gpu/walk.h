// From a centre through the bins around it. The threads of a group, `Lanes`, take the points of a
// bin side by side; a group of one is the same walk on the processor.
#pragma once

#include <cstdint>

#include "arrays.h"
#include "bins.h"
#include "definition.h"
#include "vector3.h"

namespace mlip::gpu {

// Whole cell vectors added to the neighbour of a hit.
MLIP_BOTH inline void shift_of(const Hit& hit, const Lattice& lattice, const int64_t* shifts,
                               int64_t shift[3]) {
  const int64_t *centre = shifts + 3 * int64_t{hit.centre},
                *other = shifts + 3 * int64_t{hit.other};
  for (int k = 0; k < 3; ++k) {
    shift[k] = other[k] - centre[k];
    for (int r = 0; r < 3; ++r) shift[k] += hit.image[r] * lattice.in_cell[r][k];
  }
}

template <class Lanes, class Emit>
struct Walk {
  const Input& in;
  const Arrays& work;
  const Plan& plan;
  const Lanes& lanes;
  const Emit& emit;  // emit(k, hit) is called for the k-th neighbour that is found
  Point centre = {};
  Hit hit = {};
  int64_t found = 0;
  double sure = plan.sure, possible = plan.possible;

  // All bins in reach; returns the number of pairs.
  MLIP_BOTH int64_t around(int32_t p) {
    centre = work.points[p];
    hit.centre = centre.atom;
    const Axis* axes = plan.axes;
    Run runs[3];
    for (int r = 0; r < 3; ++r) {
      runs[r] = run_of(axes[r], dot(plan.lattice.dual[r], centre.position));
    }
    for (int64_t z = 0; z < runs[2].count; ++z) {
      const Place at_z = place_of(axes[2], runs[2].first + z);
      hit.image[2] = static_cast<int32_t>(at_z.image);
      for (int64_t y = 0; y < runs[1].count; ++y) {
        const Place at_y = place_of(axes[1], runs[1].first + y);
        hit.image[1] = static_cast<int32_t>(at_y.image);
        row((at_z.bin * axes[1].number + at_y.bin) * axes[0].number, runs[0], p);
      }
    }
    return found;
  }

  // A row of bins that follow one another in memory, but for where it leaves the cell.
  MLIP_BOTH void row(int64_t first_bin, const Run& run, int32_t p) {
    const int64_t end = run.first + run.count;
    for (int64_t x = run.first; x < end;) {
      const Place at = place_of(plan.axes[0], x);
      const int64_t to_border = plan.axes[0].number - at.bin;
      const int64_t bins = to_border < end - x ? to_border : end - x;
      hit.image[0] = static_cast<int32_t>(at.image);
      const int32_t* start = work.start + plan.first_bin + first_bin + at.bin;
      scan(start[0], start[bins], p);
      x += bins;
    }
  }

  MLIP_BOTH void scan(int32_t begin, int32_t end, int32_t p) {
    const double (&b)[3][3] = plan.lattice.basis;
    const bool home = hit.image[0] == 0 && hit.image[1] == 0 && hit.image[2] == 0;
    double from[3];
    for (int c = 0; c < 3; ++c) {
      from[c] = centre.position[c];
      if (!home) {
        from[c] -= hit.image[0] * b[0][c] + hit.image[1] * b[1][c] + hit.image[2] * b[2][c];
      }
    }
    // All lanes take every turn: they count together what they found.
    for (int64_t q = begin; q < end; q += lanes.number()) {
      const int64_t own = q + lanes.own();
      const bool near = own < end && !(home && own == p) && within(own, from);
      int total;
      const int before = lanes.ranked(near, total);
      if (near) emit(found + before, hit);
      found += total;
    }
  }

  MLIP_BOTH bool within(int64_t q, const double from[3]) {
    const Point other = work.points[q];
    hit.other = other.atom;
    double v[3];
    for (int c = 0; c < 3; ++c) v[c] = other.position[c] - from[c];
    const double r2 = dot(v, v);
    return r2 < sure || (r2 < possible && as_defined());
  }

  // The numbers as given settle what rounding of the wrapped ones leaves open.
  MLIP_BOTH bool as_defined() const {
    int64_t shift[3];
    shift_of(hit, plan.lattice, work.shifts, shift);
    const double* positions = in.structures.positions;
    return within_as_defined(
        positions + 3 * int64_t{hit.centre}, positions + 3 * int64_t{hit.other}, shift,
        in.structures.cells + 9 * int64_t{centre.structure}, in.cutoff * in.cutoff);
  }
};

template <class Lanes, class Emit>
MLIP_BOTH int64_t walk(const Input& in, const Arrays& work, int32_t p, const Lanes& lanes,
                       const Emit& emit) {
  const Plan& plan = work.plans[work.points[p].structure];
  return Walk<Lanes, Emit>{in, work, plan, lanes, emit}.around(p);
}

}  // namespace mlip::gpu
