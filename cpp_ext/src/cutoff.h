// One cutoff function. A plain struct, since files compiled for wider instruction sets read it.
#pragma once

#include "mlip/cutoffs.h"

namespace mlip {

struct Cutoff {
  CutoffKind kind;
  double radius;
  double inner;  // radius up to which the weight is one
};

}  // namespace mlip
