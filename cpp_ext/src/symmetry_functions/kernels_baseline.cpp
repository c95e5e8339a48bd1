#include "atoms.h"

namespace mlip {

NamedKernels baseline_kernels() { return {"baseline", kernels<double>(), kernels<float>()}; }

}  // namespace mlip
