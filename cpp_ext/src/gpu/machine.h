// A GPU as the machine that stages run on (pipeline.h of each subject); for files that nvcc
// compiles.
#pragma once

#include <cstdint>

#include "copy.h"
#include "launch.h"
#include "sort.h"

namespace mlip::cuda {

struct Gpu {
  cudaStream_t stream;
  void* room = nullptr;  // for sorting
  size_t room_bytes = 0;

  template <class Stage>
  void for_each(int64_t n, const Stage& stage) {
    cuda::for_each(n, stage, stream);
  }

  template <class Stage>
  void for_each_in_crews(int64_t n, int64_t rooms, const Stage& stage) {
    cuda::for_each_in_crews(n, rooms, stage, stream);
  }

  template <class T>
  void carry(T* to, const T* from, int64_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
  }

  template <class Number>
  Number value_at(const Number* at) {
    return cuda::value_at(at, stream);
  }

  void sort(const Sort& given) { cuda::sort(given, room, room_bytes, stream); }
};

}  // namespace mlip::cuda
