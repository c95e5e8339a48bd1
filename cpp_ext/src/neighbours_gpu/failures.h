// Problems as words: the least is the one that a search of one structure after the other meets
// first. `structure` and `which` must be below 2^30.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "problems.h"

namespace mlip::gpu {

MLIP_BOTH inline uint64_t coded(Problem problem, int64_t structure, int64_t which) {
  const uint64_t mask = (uint64_t{1} << 30) - 1;
  return (static_cast<uint64_t>(structure) & mask) << 34 | static_cast<uint64_t>(problem) << 30 |
         (static_cast<uint64_t>(which) & mask);
}

struct Failure {
  Problem problem;
  int64_t structure, which;
};

inline Failure decoded(uint64_t failure) {
  const uint64_t mask = (uint64_t{1} << 30) - 1;
  return {static_cast<Problem>(failure >> 30 & 15), static_cast<int64_t>(failure >> 34),
          static_cast<int64_t>(failure & mask)};
}

}  // namespace mlip::gpu
