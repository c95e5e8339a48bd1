// Arithmetic of three numbers.
#pragma once

#include <cmath>

#include "host_device.h"

namespace mlip {

MLIP_BOTH inline double dot(const double* a, const double* b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

MLIP_BOTH inline double length(const double* a) { return std::sqrt(dot(a, a)); }

MLIP_BOTH inline void cross(const double* a, const double* b, double* out) {
  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

MLIP_BOTH inline void scale(double* a, double factor) {
  for (int c = 0; c < 3; ++c) a[c] *= factor;
}

}  // namespace mlip
