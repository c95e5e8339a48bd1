// The memory that sums over neighbours on a GPU work in; for files that nvcc compiles.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "gpu/machine.h"
#include "gpu/memory.h"
#include "mlip/neighbour_sums_cuda.h"
#include "pipeline.h"

namespace mlip::cuda {

// The machine of pipeline.h.
struct SumsGpu : Gpu {
  // With no room, sets `room_bytes` to what is needed.
  void sort(const SumEdges& edges, const gpu::SumOrders& orders) {
    if (edges.n_edges == 0) return;
    Gpu::sort({orders.senders, orders.sorted_senders, orders.numbers, orders.by_sender,
               edges.n_edges, static_cast<uint64_t>(edges.n_senders)});
  }
};

// More crews at once than any GPU has blocks for would only take memory.
constexpr int64_t kMostRooms = 2048, kMostBytesOfRooms = int64_t{64} << 20;

// Everything that calls of any kind work with.
template <class T>
struct SumsReady {
  SumsGpu machine;
  gpu::SumOrders orders;
  gpu::SumRooms<T> rooms;
  gpu::Memory memory;  // what follows is for tabulated weights

  SumsReady(const SumShape& shape, const SumEdges& edges, const SumsTask& task,
            const SumsPlace& place)
      : machine{}, memory{static_cast<char*>(place.workspace)} {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    if (edges.n_edges > kMost || edges.n_senders > kMost || edges.n_centres > kMost) {
      throw std::invalid_argument("more than 2^31 edges or atoms for sums on a GPU");
    }
    machine.stream = place.stream;
    orders = gpu::sum_orders_in(memory, edges, task.sent_wanted);
    if (task.sent_wanted) machine.sort(edges, orders);  // only tells what it needs
    machine.room = memory.take<char>(static_cast<int64_t>(machine.room_bytes));
    const int64_t size = gpu::room_size(shape), bytes = size * static_cast<int64_t>(sizeof(T));
    const int64_t chunks = (edges.n_edges + gpu::kEdgesTogether - 1) / gpu::kEdgesTogether;
    rooms.number = std::max<int64_t>(1, std::min({kMostRooms, chunks, kMostBytesOfRooms / bytes}));
    rooms.at = memory.take<T>(task.gradients ? rooms.number * size : 0);
  }
};

}  // namespace mlip::cuda
