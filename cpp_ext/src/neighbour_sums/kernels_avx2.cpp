// The loops of sums over neighbours in AVX2.
#include "loops.h"

namespace mlip {

void sum_kernels_avx2(SumKernels<float>& out) { out = SumLoops<float, 32>::all("avx2"); }
void sum_kernels_avx2(SumKernels<double>& out) { out = SumLoops<double, 32>::all("avx2"); }

}  // namespace mlip
