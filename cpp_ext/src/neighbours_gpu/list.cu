// The stages as kernels, and the memory they work in.
#include <cub/device/device_scan.cuh>
#include <stdexcept>

#include "gpu/launch.h"
#include "gpu/memory.h"
#include "gpu/sort.h"
#include "mlip/neighbours_cuda.h"
#include "pipeline.h"

namespace mlip::cuda {
namespace {

constexpr int kWarp = 32;

// A warp as a group of threads (walk.h). All its lanes are always there: kernels give a whole warp
// work or none.
struct Warp {
  MLIP_BOTH int number() const { return kWarp; }

  MLIP_BOTH int own() const {
#ifdef __CUDA_ARCH__
    return static_cast<int>(threadIdx.x % kWarp);
#else
    return 0;
#endif
  }

  // How many lanes before this one say yes, and how many do in total.
  MLIP_BOTH int ranked([[maybe_unused]] bool yes, int& total) const {
#ifdef __CUDA_ARCH__
    const unsigned all = __ballot_sync(0xffffffffu, yes);
    total = __popc(all);
    return __popc(all & ((1u << own()) - 1));
#else
    total = 0;
    return 0;
#endif
  }
};

template <class Stage>
__global__ void __launch_bounds__(kThreads) run_in_warps(Stage stage, int64_t n) {
  const int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  if (i < n) stage(i, Warp{});
}

// The machine of pipeline.h. `room` is for what the sort and the sum need themselves.
struct Gpu {
  cudaStream_t stream;
  void* room;
  size_t room_bytes;

  template <class Stage>
  void for_each(int64_t n, const Stage& stage) {
    cuda::for_each(n, stage, stream);
  }

  template <class Stage>
  void for_each_in_groups(int64_t n, const Stage& stage) {
    if (n == 0) return;
    run_in_warps<<<blocks(n * kWarp), kThreads, 0, stream>>>(stage, n);
    check(cudaGetLastError());
  }

  void sort(const gpu::Arrays& work, int64_t n_atoms, int64_t n_bins) {
    if (n_atoms > 0) sort_in(room, room_bytes, work, n_atoms, n_bins);
  }

  void add_up(int64_t* numbers, int64_t n) { check(add_up_in(room, room_bytes, numbers, n)); }

  // With no room, these set `bytes` to what they need.
  void sort_in(void* in, size_t& bytes, const gpu::Arrays& work, int64_t n_atoms,
               int64_t n_bins) const {
    const Sort by_bin = {work.bin_of_atom,  work.sorted_bins, work.atoms,
                         work.sorted_atoms, n_atoms,          static_cast<uint64_t>(n_bins)};
    cuda::sort(by_bin, in, bytes, stream);
  }

  cudaError_t add_up_in(void* in, size_t& bytes, int64_t* numbers, int64_t n) const {
    return cub::DeviceScan::ExclusiveSum(in, bytes, numbers, numbers, static_cast<int>(n), stream);
  }
};

struct Ready {
  gpu::Input in;
  gpu::Arrays work;
  Gpu machine;
  int64_t bytes;
};

Ready prepared(const Search& search) {
  const int64_t n_atoms = search.n_atoms, n_structures = search.structures.n_structures;
  if (n_atoms > gpu::kMostAtoms || n_structures > gpu::kMostAtoms) {
    throw std::invalid_argument("more than 2^29 atoms or structures for one search on a GPU");
  }
  gpu::Memory memory = {static_cast<char*>(search.workspace)};
  Ready ready = {{search.structures, n_atoms, search.cutoff},
                 gpu::arrays_in(memory, n_atoms, n_structures),
                 {search.stream, nullptr, 0},
                 0};
  size_t to_sort = 0, to_add_up = 0;
  const int64_t n_bins = gpu::bins_before(n_atoms, n_structures);
  ready.machine.sort_in(nullptr, to_sort, ready.work, n_atoms, n_bins);
  check(ready.machine.add_up_in(nullptr, to_add_up, ready.work.first_pair, n_atoms + 1));
  ready.machine.room_bytes = to_sort > to_add_up ? to_sort : to_add_up;
  ready.machine.room = memory.take<char>(static_cast<int64_t>(ready.machine.room_bytes));
  ready.bytes = memory.bytes;
  return ready;
}

}  // namespace

int64_t workspace_bytes(int64_t n_atoms, int64_t n_structures) {
  Search search = {};
  search.n_atoms = n_atoms;
  search.structures.n_structures = n_structures;
  return prepared(search).bytes;
}

int64_t find(const Search& search) {
  check_cutoff(search.cutoff);
  if (search.structures.n_structures == 0) {
    if (search.n_atoms != 0) raise(Problem::kBorders);
    return 0;
  }
  Ready ready = prepared(search);
  gpu::find(ready.in, ready.work, ready.machine);
  gpu::Report report;
  check(cudaMemcpyAsync(&report, ready.work.report, sizeof report, cudaMemcpyDeviceToHost,
                        search.stream));
  check(cudaStreamSynchronize(search.stream));
  gpu::raise_if_failed(report);
  return report.n_pairs;
}

int64_t scratch_bytes(int64_t n_pairs) { return n_pairs * static_cast<int64_t>(sizeof(gpu::Hit)); }

void write(const Search& search, int64_t n_pairs, void* scratch, const PairArrays& out) {
  if (n_pairs == 0) return;
  Ready ready = prepared(search);
  gpu::write(ready.in, ready.work, static_cast<gpu::Hit*>(scratch), n_pairs, out, ready.machine);
}

const char* problem_with(int device) {
  int before = 0;
  cudaError_t result = cudaGetDevice(&before);
  if (result == cudaSuccess) result = cudaSetDevice(device);
  if (result == cudaSuccess) {
    cudaFuncAttributes attributes;
    result = cudaFuncGetAttributes(&attributes, run<gpu::Begin>);
    cudaSetDevice(before);
  }
  if (result == cudaSuccess) return nullptr;
  cudaGetLastError();  // the next call must not see this one's error
  return cudaGetErrorString(result);
}

}  // namespace mlip::cuda
