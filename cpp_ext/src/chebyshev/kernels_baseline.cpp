// The loops of Chebyshev descriptors in the platform's baseline instructions, and the choice among
// all copies.
#include "instruction_sets.h"
#include "loops.h"

namespace mlip {

#ifdef MLIP_X86
void chebyshev_kernels_avx2(ChebyshevKernels<float>& out);
void chebyshev_kernels_avx2(ChebyshevKernels<double>& out);
void chebyshev_kernels_avx512(ChebyshevKernels<float>& out);
void chebyshev_kernels_avx512(ChebyshevKernels<double>& out);
#endif

template <class Real>
ChebyshevKernels<Real> chebyshev_kernels(int level) {
  ChebyshevKernels<Real> chosen = all_kernels<Real>("baseline");
#ifdef MLIP_X86
  if (level >= 2 && has_avx512()) {
    chebyshev_kernels_avx512(chosen);
  } else if (level >= 1 && has_avx2()) {
    chebyshev_kernels_avx2(chosen);
  }
#else
  (void)level;
#endif
  return chosen;
}

template ChebyshevKernels<float> chebyshev_kernels(int);
template ChebyshevKernels<double> chebyshev_kernels(int);

}  // namespace mlip
