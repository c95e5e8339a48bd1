// Parts of one block of memory.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace mlip::gpu {

// With no memory to share out, it adds up how much there must be.
struct Memory {
  static constexpr int64_t kAlignment = 256;
  char* at = nullptr;
  int64_t bytes = 0;

  template <class T>
  MLIP_BOTH T* take(int64_t n) {
    T* const part = reinterpret_cast<T*>(at ? at + bytes : nullptr);
    bytes += (n * static_cast<int64_t>(sizeof(T)) + kAlignment - 1) / kAlignment * kAlignment;
    return part;
  }
};

}  // namespace mlip::gpu
