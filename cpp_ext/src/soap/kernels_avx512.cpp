// The loops of SOAP in AVX-512.
#include "loops.h"

namespace mlip {

void kernels_avx512(int n_max, Kernels<float>& out) { out = copies<float, 64>(n_max, "avx512"); }
void kernels_avx512(int n_max, Kernels<double>& out) { out = copies<double, 64>(n_max, "avx512"); }

}  // namespace mlip
