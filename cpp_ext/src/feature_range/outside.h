// How many of the features of one atom are not between their bounds: a loop in one copy per
// instruction set (instruction_sets.h).
#pragma once

#include <cstdint>

namespace mlip {

int64_t outside_avx2(const float* features, const double* lower, const double* upper, int64_t n);
int64_t outside_avx2(const double* features, const double* lower, const double* upper, int64_t n);

namespace {

template <class Real>
int64_t outside(const Real* features, const double* lower, const double* upper, int64_t n) {
  int64_t count = 0;
  for (int64_t f = 0; f < n; ++f) {
    count += !((features[f] >= lower[f]) & (features[f] <= upper[f]));  // as what is not a number
  }
  return count;
}

}  // namespace
}  // namespace mlip
