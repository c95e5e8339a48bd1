// Sorting numbers by 32-bit keys on a GPU, apart from its callers since it takes long to compile.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace mlip::cuda {

struct Sort {
  const uint32_t* keys;
  uint32_t* sorted_keys;
  const int32_t* numbers;
  int32_t* sorted_numbers;
  int64_t n;       // below 2^31
  uint64_t limit;  // keys are below
};

// Ascending; numbers of equal keys stay in their order. With no memory to work in, sets `bytes` to
// what is needed.
void sort(const Sort& given, void* memory, size_t& bytes, cudaStream_t stream);

}  // namespace mlip::cuda
