#include "atoms.h"

namespace mlip {

NamedKernels avx512_kernels() { return {"avx512", kernels<double>(), kernels<float>()}; }

}  // namespace mlip
