// What it means to be within the cutoff.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "vector3.h"

namespace mlip {

// Whether |other - centre + shift @ cell|^2 < cutoff2, by the numbers as given. Exchanging the
// atoms, with the opposite shift, gives the same answer.
MLIP_BOTH inline bool within_as_defined(const double centre[3], const double other[3],
                                        const int64_t shift[3], const double cell[9],
                                        double cutoff2) {
  double v[3];
  for (int c = 0; c < 3; ++c) {
    double moved = 0;
    for (int k = 0; k < 3; ++k) {
      if (shift[k] != 0) moved += static_cast<double>(shift[k]) * cell[3 * k + c];
    }
    v[c] = (other[c] - centre[c]) + moved;
  }
  return dot(v, v) < cutoff2;
}

}  // namespace mlip
