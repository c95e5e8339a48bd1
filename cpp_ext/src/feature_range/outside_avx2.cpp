// The loop over the features of an atom in AVX2.
#include "outside.h"

namespace mlip {

int64_t outside_avx2(const float* features, const double* lower, const double* upper, int64_t n) {
  return outside(features, lower, upper, n);
}

int64_t outside_avx2(const double* features, const double* lower, const double* upper, int64_t n) {
  return outside(features, lower, upper, n);
}

}  // namespace mlip
