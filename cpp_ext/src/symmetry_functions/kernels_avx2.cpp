#include "atoms.h"

namespace mlip {

NamedKernels avx2_kernels() { return {"avx2", kernels<double>(), kernels<float>()}; }

}  // namespace mlip
