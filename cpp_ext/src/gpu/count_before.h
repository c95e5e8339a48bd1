// Where what belongs together begins among sorted numbers.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace mlip::gpu {

// How many of the ascending numbers are less than `limit`.
template <class Number>
MLIP_BOTH inline int64_t count_before(const Number* ascending, int64_t n, int64_t limit) {
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (static_cast<int64_t>(ascending[middle]) < limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// The same for each k up to, and with, the number of them.
template <class Number, class Count>
struct CountBefore {
  const Number* ascending;
  int64_t n;
  Count* before;

  MLIP_BOTH void operator()(int64_t k) const {
    before[k] = static_cast<Count>(count_before(ascending, n, k));
  }
};

}  // namespace mlip::gpu
