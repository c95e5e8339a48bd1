// Stages as kernels; for files that nvcc compiles.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "host_device.h"

namespace mlip::cuda {

inline void check(cudaError_t result) {
  if (result == cudaSuccess) return;
  throw std::runtime_error(std::string("mlip on the GPU: ") + cudaGetErrorString(result));
}

constexpr int kThreads = 256;

inline unsigned blocks(int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

template <class Stage>
__global__ void __launch_bounds__(kThreads) run(Stage stage, int64_t n) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) stage(i);
}

// stage(0), ..., stage(n - 1), each by a thread.
template <class Stage>
void for_each(int64_t n, const Stage& stage, cudaStream_t stream) {
  if (n == 0) return;
  run<<<blocks(n), kThreads, 0, stream>>>(stage, n);
  check(cudaGetLastError());
}

// A block of threads that work together: `for_each(n, work)` does work(0), ..., work(n - 1), each
// by one of them, and ends when all is done and seen by all. The code around it is run by all of
// them and must decide the same: what it reads is written once for each stage, by an earlier
// for_each.
constexpr int kCrew = 128;

struct Crew {
  template <class Work>
  MLIP_BOTH void for_each([[maybe_unused]] int n, [[maybe_unused]] const Work& work) const {
#ifdef __CUDA_ARCH__
    for (int k = static_cast<int>(threadIdx.x); k < n; k += kCrew) work(k);
    __syncthreads();
#endif
  }
};

template <class Stage>
__global__ void __launch_bounds__(kCrew) run_in_crews(Stage stage, int64_t n) {
  for (int64_t i = blockIdx.x; i < n; i += gridDim.x) {
    stage(i, blockIdx.x, Crew{});
    __syncthreads();  // the next one writes to the same room
  }
}

// stage(i, room, crew) for all i < n, by as many crews as there are rooms to work in.
template <class Stage>
void for_each_in_crews(int64_t n, int64_t rooms, const Stage& stage, cudaStream_t stream) {
  if (n == 0) return;
  run_in_crews<<<static_cast<unsigned>(n < rooms ? n : rooms), kCrew, 0, stream>>>(stage, n);
  check(cudaGetLastError());
}

}  // namespace mlip::cuda
