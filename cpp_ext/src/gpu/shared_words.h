// Words of memory that many threads change at once. Only the least or the largest value stays, so
// that the order of the threads does not matter.
#pragma once

#include <cstdint>
#include <cstring>

#include "host_device.h"

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

// A word that is lowered to the least number of all that went wrong.
constexpr uint64_t kNoFailure = ~uint64_t{0};

}  // namespace mlip::gpu
