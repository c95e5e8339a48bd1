// The loops of products in AVX2.
#include "loops.h"

namespace mlip {

void product_kernels_avx2(ProductKernels<float>& out) {
  out = ProductLoops<float, 32>::all("avx2");
}
void product_kernels_avx2(ProductKernels<double>& out) {
  out = ProductLoops<double, 32>::all("avx2");
}

}  // namespace mlip
