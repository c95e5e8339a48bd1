// Numbers brought from the memory of a GPU.
#pragma once

#include <cstdint>

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Waits for the stream.
void copy_to_host(void* to, const void* from, int64_t bytes, CUstream_st* stream);

template <class Number>
Number value_at(const Number* at, CUstream_st* stream) {
  Number value;
  copy_to_host(&value, at, sizeof value, stream);
  return value;
}

}  // namespace mlip::cuda
