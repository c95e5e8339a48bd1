// A GPU that sorts edges; for files that nvcc compiles.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>

#include "arrays.h"
#include "gpu/machine.h"
#include "gpu/memory.h"

namespace mlip::cuda {

inline void check_sizes(const SumEdges& edges) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (edges.n_edges > kMost || edges.n_senders > kMost || edges.n_centres > kMost) {
    throw std::invalid_argument("more than 2^31 edges or atoms for sums on a GPU");
  }
}

struct SumsGpu : Gpu {
  // With no room, sets `room_bytes` to what is needed.
  void sort(const SumEdges& edges, const gpu::SumOrders& orders) {
    if (edges.n_edges == 0) return;
    Gpu::sort({orders.senders, orders.sorted_senders, orders.numbers, orders.by_sender,
               edges.n_edges, static_cast<uint64_t>(edges.n_senders)});
  }

  // Takes what sorting needs.
  void find_room(const SumEdges& edges, const gpu::SumOrders& orders, gpu::Memory& memory) {
    sort(edges, orders);
    room = memory.take<char>(static_cast<int64_t>(room_bytes));
  }
};

}  // namespace mlip::cuda
