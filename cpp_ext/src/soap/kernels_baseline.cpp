// The loops of SOAP in the platform's baseline instructions, and the choice among all copies.
#include "instruction_sets.h"
#include "loops.h"

namespace mlip {

#ifdef MLIP_X86
void kernels_avx2(int n_max, Kernels<float>& out);
void kernels_avx2(int n_max, Kernels<double>& out);
void kernels_avx512(int n_max, Kernels<float>& out);
void kernels_avx512(int n_max, Kernels<double>& out);
#endif

template <class T>
Kernels<T> kernels(int n_max, int level) {
  Kernels<T> chosen = copies<T, 16>(n_max, "baseline");
#ifdef MLIP_X86
  if (level >= 2 && has_avx512()) {
    kernels_avx512(n_max, chosen);
  } else if (level >= 1 && has_avx2()) {
    kernels_avx2(n_max, chosen);
  }
#else
  (void)level;
#endif
  return chosen;
}

template Kernels<float> kernels(int, int);
template Kernels<double> kernels(int, int);

}  // namespace mlip
