// The loops of products in the platform's baseline instructions, and the choice among all copies.
#include "instruction_sets.h"
#include "loops.h"

namespace mlip {

#ifdef MLIP_X86
void product_kernels_avx2(ProductKernels<float>& out);
void product_kernels_avx2(ProductKernels<double>& out);
void product_kernels_avx512(ProductKernels<float>& out);
void product_kernels_avx512(ProductKernels<double>& out);
#endif

template <class T>
ProductKernels<T> product_kernels(int level) {
  ProductKernels<T> chosen = ProductLoops<T, 16>::all("baseline");
#ifdef MLIP_X86
  if (level >= 2 && has_avx512()) {
    product_kernels_avx512(chosen);
  } else if (level >= 1 && has_avx2()) {
    product_kernels_avx2(chosen);
  }
#else
  (void)level;
#endif
  return chosen;
}

template ProductKernels<float> product_kernels(int);
template ProductKernels<double> product_kernels(int);

}  // namespace mlip
