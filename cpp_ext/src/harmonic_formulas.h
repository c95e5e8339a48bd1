// Spherical harmonics of one neighbour and their gradients, one source of them for all machines.
// `Number` is a number of one neighbour, or a vector register of those of several; T is a plain
// number.
//
// In an unnamed namespace, as instruction_sets.h asks.
#pragma once

#include <cstdint>

#include "harmonic_tables.h"
#include "host_device.h"

namespace mlip {
namespace {

// Every `step`-th number of an array, to be stored by the following.
template <class T>
struct Strided {
  T* at;
  int64_t step;
  MLIP_BOTH T load(int lm) const { return at[lm * step]; }
  MLIP_BOTH void store(int lm, T value) const { at[lm * step] = value; }
};

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

// The harmonics of one m, or of one -m, in a sum: what the lowest of them is to be multiplied with,
// from that of the degrees above, and its derivative by z.
template <class Number>
struct Column {
  Number value, slope, value_above, slope_above;

  template <class T>
  MLIP_BOTH void add(Number term, Number z, T along, T back) {
    const Number step = z * along;
    const Number next = term + step * value - value_above * back;
    const Number next_slope = step * slope + value * along - slope_above * back;
    value_above = value, slope_above = slope;
    value = next, slope = next_slope;
  }
};

// sum_lm at(lm) Y_lm of unit vectors, without the harmonics themselves: the recursion from its
// other end, C. W. Clenshaw, Math. Comput. 9, 118 (1955). `by` is the derivative by the unit
// vector, of which the part across the vector has a meaning.
template <class Number, class T, class At>
MLIP_BOTH inline Number sum_of_harmonics(const HarmonicTables<T>& tables, const Number (&u)[3],
                                         At at, Number (&by)[3]) {
  const T* const factors = tables.recursion;                   // of degree l from l^2 on
  Number sum = {}, cosine = Number{} + factors[0], sine = {};  // Y_mm and Y_m-m
  for (int c = 0; c < 3; ++c) by[c] = Number{};
  for (int m = 0; m <= tables.l_max; ++m) {
    Column<Number> up = {}, down = {};
    for (int l = tables.l_max; l >= m; --l) {
      const T along = l < tables.l_max ? factors[(l + 1) * (l + 1) + 2 * m] : 0;
      const T back = l + 1 < tables.l_max ? factors[(l + 2) * (l + 2) + 2 * m + 1] : 0;
      up.add(at(l * l + l + m), u[2], along, back);
      if (m > 0) down.add(at(l * l + l - m), u[2], along, back);
    }
    if (m > 0) {
      const T factor = factors[m * m + 2 * m];
      const Number x = cosine * factor, y = sine * factor;
      by[0] += (x * up.value + y * down.value) * T(m);
      by[1] += (x * down.value - y * up.value) * T(m);
      cosine = u[0] * x - u[1] * y;
      sine = u[1] * x + u[0] * y;
    }
    by[2] += cosine * up.slope + sine * down.slope;
    sum += cosine * up.value + sine * down.value;
  }
  return sum;
}

// dE/d(vector) from dE/dr, `along`, and the gradient `by` of solid harmonics at the unit vector u
// times what they are multiplied with: (radial part) u + (the part of the rest across u) / r.
template <class Number>
MLIP_BOTH inline void join_gradient(Number along, const Number by[3], const Number u[3],
                                    Number inverse_r, Number out[3]) {
  const Number radial = along - (by[0] * u[0] + by[1] * u[1] + by[2] * u[2]) * inverse_r;
  for (int c = 0; c < 3; ++c) out[c] = radial * u[c] + by[c] * inverse_r;
}

}  // namespace
}  // namespace mlip
