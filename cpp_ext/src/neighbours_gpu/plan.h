// From the cell and the extent of its atoms to the bins of a structure, and to how exact distances
// are.
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"
#include "gpu/shared_words.h"
#include "vector3.h"

namespace mlip::gpu {

// Bins along the directions for each reach of the cutoff. Finer ones along the first cost nothing,
// since bins along it follow one another in memory.
MLIP_BOTH constexpr double per_reach(int r) { return r == 0 ? 4 : 1; }

// Å along a reduced direction, as a length of the coordinate along it.
MLIP_BOTH inline double in_units(const Plan& plan, int r, double distance) {
  return distance * length(plan.lattice.dual[r]);
}

MLIP_BOTH inline double high(const Plan& plan, int r) {
  return from_ordered(plan.extremes[kHighAt + r]);
}

MLIP_BOTH inline double low(const Plan& plan, int r) {
  return -from_ordered(plan.extremes[kLowAt + r]);
}

// The most images to either side along reduced vector r.
MLIP_BOTH inline double most_images(const Plan& plan, int r, double cutoff) {
  return high(plan, r) - low(plan, r) + in_units(plan, r, cutoff * (1 + kMargin)) + kSlack;
}

// The largest number (Å) that can take part in a sum on the way to a difference of two points; not
// finite if shifts cannot be counted.
MLIP_BOTH inline double magnitude(const Plan& plan, const double cell[9], double cutoff) {
  if (plan.lattice.rank == 0) return 0;  // differences are those of the given numbers
  double farthest = std::fmax(0.0, from_ordered(plan.extremes[kFarthestAt]));
  for (int k = 0; k < 3; ++k) {
    double shift = from_ordered(plan.extremes[kShiftAt + k]);
    for (int r = 0; r < plan.lattice.rank; ++r) {
      const double steps = std::fabs(static_cast<double>(plan.lattice.in_cell[r][k]));
      if (steps > 0) shift += (most_images(plan, r, cutoff) + 1) * steps;
    }
    if (!(shift < kFarthest)) return INFINITY;
    if (shift > 0) farthest += 2 * shift * length(cell + 3 * k);
  }
  return farthest;
}

// As many bins as the reach asks for, but no more than there is room for.
MLIP_BOTH inline void choose_bins(Plan& plan, double reach, int64_t n_atoms) {
  const double room = static_cast<double>(most_bins(n_atoms));
  double number[3];
  for (int r = 0; r < 3; ++r) {
    Axis& axis = plan.axes[r];
    axis.repeats = r < plan.lattice.rank;
    axis.reach = in_units(plan, r, reach) * (1 + 1e-8) + (axis.repeats ? kSlack : 0);
    axis.per_unit = per_reach(r) / axis.reach;
    axis.number = 1;
    number[r] = axis.repeats ? std::floor(axis.per_unit)
                             : std::floor(high(plan, r) * axis.per_unit) -
                                   std::floor(low(plan, r) * axis.per_unit) + 1;
    if (!(number[r] <= room)) number[r] = room;
    if (number[r] < 1) number[r] = 1;
  }
  while (number[0] * number[1] * number[2] > room) {
    int most = 0;
    for (int r = 1; r < 3; ++r) {
      if (number[r] > number[most]) most = r;
    }
    number[most] = std::floor((number[most] + 1) / 2);
  }
  for (int r = 0; r < 3; ++r) {
    plan.axes[r].number = static_cast<int32_t>(number[r]);
    if (plan.axes[r].repeats) plan.axes[r].per_unit = number[r];
  }
}

// Completes the plan of a structure with at least one atom. The bounds are those of the search on
// the processor (list.cpp, images.cpp).
MLIP_BOTH inline Problem complete(Plan& plan, const double cell[9], int64_t n_atoms,
                                  double cutoff) {
  double images = static_cast<double>(n_atoms);
  for (int r = 0; r < plan.lattice.rank; ++r) {
    images *= most_images(plan, r, cutoff) + in_units(plan, r, cutoff * (1 + kMargin)) + 1;
  }
  if (plan.lattice.rank > 0 && !(images < kMostPoints)) return Problem::kTooManyImages;
  const double largest = magnitude(plan, cell, cutoff);
  if (!(kRounding * largest <= kMargin * cutoff)) return Problem::kRounding;
  const double error = kRounding * (largest + cutoff);
  const double sure = std::fmax(0.0, cutoff - error), possible = cutoff + error;
  plan.sure = sure * sure;
  plan.possible = possible * possible;
  choose_bins(plan, possible + 2 * error, n_atoms);  // wrapping may miss the cell by an error
  return Problem::kNone;
}

}  // namespace mlip::gpu
