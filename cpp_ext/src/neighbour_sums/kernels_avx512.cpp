// The loops of sums over neighbours in AVX-512.
#include "loops.h"

namespace mlip {

void sum_kernels_avx512(SumKernels<float>& out) { out = SumLoops<float, 64>::all("avx512"); }
void sum_kernels_avx512(SumKernels<double>& out) { out = SumLoops<double, 64>::all("avx512"); }

}  // namespace mlip
