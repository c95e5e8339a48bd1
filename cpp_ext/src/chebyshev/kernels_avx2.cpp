// The loops of Chebyshev descriptors in AVX2.
#include "loops.h"

namespace mlip {

void chebyshev_kernels_avx2(ChebyshevKernels<float>& out) { out = all_kernels<float>("avx2"); }
void chebyshev_kernels_avx2(ChebyshevKernels<double>& out) { out = all_kernels<double>("avx2"); }

}  // namespace mlip
