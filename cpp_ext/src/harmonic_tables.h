// Numbers of the recursion for real spherical harmonics and for their gradients, as loops read
// them: raw pointers (instruction_sets.h says why). harmonics.h makes them.
#pragma once

#include <cstdint>

namespace mlip {

// One term of the gradients of solid harmonics: those of degree l are sums of harmonics of degree
// l - 1, d(r^l Y_upper)/dx_axis = sum of factor * r^(l-1) Y_lower.
template <class T>
struct Lowering {
  int32_t upper, lower, axis;
  T factor;
};

// Numbers of the recursion for harmonics, in the order in which they are used; see harmonics.h.
template <class T>
struct HarmonicTables {
  int l_max;
  const T* recursion;
  const Lowering<T>* lowering;
  int n_lowering;
};

}  // namespace mlip
