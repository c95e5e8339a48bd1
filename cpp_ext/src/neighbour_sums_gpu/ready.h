// The memory that sums over neighbours on a GPU work in; for files that nvcc compiles.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gpu/memory.h"
#include "machine.h"
#include "mlip/neighbour_sums_cuda.h"
#include "pipeline.h"

namespace mlip::cuda {

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
    check_sizes(edges);
    machine.stream = place.stream;
    orders = gpu::sum_orders_in(memory, edges, task.sent_wanted);
    if (task.sent_wanted) machine.find_room(edges, orders, memory);
    const int64_t size = gpu::room_size(shape), bytes = size * static_cast<int64_t>(sizeof(T));
    const int64_t chunks = (edges.n_edges + gpu::kEdgesTogether - 1) / gpu::kEdgesTogether;
    rooms.number = std::max<int64_t>(1, std::min({kMostRooms, chunks, kMostBytesOfRooms / bytes}));
    rooms.at = memory.take<T>(task.gradients ? rooms.number * size : 0);
  }
};

}  // namespace mlip::cuda
