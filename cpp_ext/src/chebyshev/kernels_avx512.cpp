// The loops of Chebyshev descriptors in AVX-512.
#include "loops.h"

namespace mlip {

void chebyshev_kernels_avx512(ChebyshevKernels<float>& out) { out = all_kernels<float>("avx512"); }
void chebyshev_kernels_avx512(ChebyshevKernels<double>& out) {
  out = all_kernels<double>("avx512");
}

}  // namespace mlip
