// The mathematics of one neighbour, one source of it for all machines. `Number` is a number of one
// neighbour, or a vector register of those of several; T is a plain number.
//
// In an unnamed namespace, as instruction_sets.h asks.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "kernels.h"

namespace mlip {
namespace {

// Where a distance lies in the radial table: t in -1..1 along an interval, the last one beyond the
// end.
template <class T>
MLIP_BOTH inline T place_in_table(T r, T intervals_per_length, int32_t last, int32_t& interval) {
  const T place = r * intervals_per_length;
  interval = place < last ? static_cast<int32_t>(place) : last;
  return 2 * (place - interval) - 1;
}

// A polynomial in t: the coefficient of t^k is at(k).
template <class Number, int Degree, class T, class At>
MLIP_BOTH inline Number polynomial(T t, At at) {
  Number value = at(Degree);
  for (int k = Degree - 1; k >= 0; --k) value = value * t + at(k);
  return value;
}

// The same, and its derivative.
template <class Number, int Degree, class T, class At>
MLIP_BOTH inline Number polynomial_with_slope(T t, At at, Number& slope) {
  Number value = at(Degree);
  slope = Number{};
  for (int k = Degree - 1; k >= 0; --k) {
    slope = slope * t + value;
    value = value * t + at(k);
  }
  return value;
}

// Y_lm of unit vectors, by the recursion in harmonics.h. `out.load(lm)` reads what was stored by
// `out.store(lm, value)`.
template <class Number, class T, class Out>
MLIP_BOTH inline void recursion(const HarmonicTables<T>& tables, Number x, Number y, Number z,
                                Out out) {
  const T* next = tables.recursion;
  out.store(0, Number{} + *next++);
  for (int l = 1; l <= tables.l_max; ++l) {
    const int row = l * l + l, below = (l - 1) * (l - 1) + l - 1,
              second = (l - 2) * (l - 2) + l - 2;
    for (int m = 0; m < l; ++m) {
      const Number along = z * *next++;
      const T back = *next++;  // 0 for m = l - 1, of which `second` has none
      const bool both = m < l - 1;
      for (int signed_m = m; signed_m >= -m; signed_m -= m ? 2 * m : 1) {
        Number value = along * out.load(below + signed_m);
        if (both) value -= out.load(second + signed_m) * back;
        out.store(row + signed_m, value);
      }
    }
    const Number cosine = out.load(below + l - 1) * *next++;
    Number sine = {};
    if (l > 1) sine = out.load(below - (l - 1)) * next[-1];
    out.store(row + l, x * cosine - y * sine);
    out.store(row - l, y * cosine + x * sine);
  }
}

// dE/d(vector) from the sum `along` of dE/dc dR/dr Y, and the sums `by` of dE/dc R times the
// gradients of the solid harmonics: (radial part) u + (the part of the rest across u) / r.
template <class T>
MLIP_BOTH inline void join_gradient(T along, const T by[3], const T u[3], T inverse_r, T out[3]) {
  const T radial = along - (by[0] * u[0] + by[1] * u[1] + by[2] * u[2]) * inverse_r;
  for (int c = 0; c < 3; ++c) out[c] = radial * u[c] + by[c] * inverse_r;
}

}  // namespace
}  // namespace mlip
