// The vector of an edge, one source of it for all machines.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace mlip {

MLIP_BOTH inline bool is_below(int64_t index, int64_t size) { return index >= 0 && index < size; }

// v = to - from + row h.
MLIP_BOTH inline void vector_of_edge(const double* from, const double* to, const int64_t* row,
                                     const double* h, double* v) {
  const auto a = static_cast<double>(row[0]), b = static_cast<double>(row[1]),
             c = static_cast<double>(row[2]);
  for (int d = 0; d < 3; ++d) v[d] = (to[d] - from[d]) + (a * h[d] + b * h[3 + d] + c * h[6 + d]);
}

}  // namespace mlip
