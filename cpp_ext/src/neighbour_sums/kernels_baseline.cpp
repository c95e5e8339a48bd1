// The loops of sums over neighbours in the platform's baseline instructions, and the choice among
// all copies.
#include "instruction_sets.h"
#include "loops.h"

namespace mlip {

#ifdef MLIP_X86
void sum_kernels_avx2(SumKernels<float>& out);
void sum_kernels_avx2(SumKernels<double>& out);
void sum_kernels_avx512(SumKernels<float>& out);
void sum_kernels_avx512(SumKernels<double>& out);
#endif

template <class T>
SumKernels<T> sum_kernels(int level) {
  SumKernels<T> chosen = SumLoops<T, 16>::all("baseline");
#ifdef MLIP_X86
  if (level >= 2 && has_avx512()) {
    sum_kernels_avx512(chosen);
  } else if (level >= 1 && has_avx2()) {
    sum_kernels_avx2(chosen);
  }
#else
  (void)level;
#endif
  return chosen;
}

template SumKernels<float> sum_kernels(int);
template SumKernels<double> sum_kernels(int);

}  // namespace mlip
