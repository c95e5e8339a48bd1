// The radial functions of one neighbour, one source of them for all machines. `Number` is a number
// of one neighbour, or a vector register of those of several; T is a plain number.
//
// In an unnamed namespace, as instruction_sets.h asks.
#pragma once

#include <cstdint>

#include "host_device.h"

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

}  // namespace
}  // namespace mlip
