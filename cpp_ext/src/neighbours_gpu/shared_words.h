// Words of memory that many threads change at once. Only the least or the largest value stays, so
// that the order of the threads does not matter.
#pragma once

#include <cstdint>
#include <cstring>

#include "host_device.h"
#include "problems.h"

namespace mlip::gpu {

MLIP_BOTH inline void raise_to(uint64_t* word, uint64_t value) {
#ifdef __CUDA_ARCH__
  // Looking first spares most of the atomic operations.
  if (value > *const_cast<volatile uint64_t*>(word)) {
    atomicMax(reinterpret_cast<unsigned long long*>(word), value);
  }
#else
  if (value > *word) *word = value;
#endif
}

MLIP_BOTH inline void lower_to(uint64_t* word, uint64_t value) {
#ifdef __CUDA_ARCH__
  atomicMin(reinterpret_cast<unsigned long long*>(word), value);
#else
  if (value < *word) *word = value;
#endif
}

// Numbers as words of the same order; no number is coded as 0.
MLIP_BOTH inline uint64_t ordered(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint64_t sign = uint64_t{1} << 63;
  return bits & sign ? ~bits : bits | sign;
}

MLIP_BOTH inline double from_ordered(uint64_t word) {
  const uint64_t sign = uint64_t{1} << 63;
  const uint64_t bits = word & sign ? word ^ sign : ~word;
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Problems as words: the least is the one that a search of one structure after the other meets
// first. `structure` and `which` must be below 2^30.
constexpr uint64_t kNoFailure = ~uint64_t{0};

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
