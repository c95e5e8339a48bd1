// The loops of products in AVX-512.
#include "loops.h"

namespace mlip {

void product_kernels_avx512(ProductKernels<float>& out) {
  out = ProductLoops<float, 64>::all("avx512");
}
void product_kernels_avx512(ProductKernels<double>& out) {
  out = ProductLoops<double, 64>::all("avx512");
}

}  // namespace mlip
