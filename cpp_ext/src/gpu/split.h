// Division with a remainder: how threads find what is theirs.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace mlip::gpu {

struct Split {
  int64_t quotient, remainder;

  // Of numbers that are not negative. GPUs divide those of 32 bits several times as fast.
  MLIP_BOTH Split(int64_t number, int64_t by) {
    if ((number | by) >> 32 == 0) {
      quotient = static_cast<uint32_t>(number) / static_cast<uint32_t>(by);
    } else {
      quotient = number / by;
    }
    remainder = number - quotient * by;
  }
};

}  // namespace mlip::gpu
