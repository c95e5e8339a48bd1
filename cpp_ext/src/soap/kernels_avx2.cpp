// The loops of SOAP in AVX2.
#include "loops.h"

namespace mlip {

void kernels_avx2(int n_max, Kernels<float>& out) { out = copies<float, 32>(n_max, "avx2"); }
void kernels_avx2(int n_max, Kernels<double>& out) { out = copies<double, 32>(n_max, "avx2"); }

}  // namespace mlip
