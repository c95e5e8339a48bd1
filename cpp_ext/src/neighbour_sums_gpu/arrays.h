// What sums over neighbours on a GPU work in. All sizes follow from those of the input, so that
// memory is asked for once.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "mlip/neighbour_sums.h"

namespace mlip::gpu {

// Threads that work on channels side by side, and edges that a crew treats together.
constexpr int kSideBySide = 32, kEdgesTogether = 8;

// A shape, and what follows from it, as numbers that any machine can read.
struct SumSizes {
  int l_max, l_sent, n_harmonics, n_weights;
  int64_t n_channels, table_row;

  explicit SumSizes(const SumShape& shape)
      : l_max(shape.l_max),
        l_sent(shape.l_sent),
        n_harmonics(shape.n_harmonics()),
        n_weights(shape.n_weights()),
        n_channels(shape.n_channels),
        table_row(sum_table_row(shape.n_channels)) {}
};

// Edges in two orders: by centre, as they are given, and by sender.
struct SumOrders {
  uint64_t* failure;
  int32_t* of_centre;  // [n_centres + 1] the first edge of each
  // Only for derivatives by what is sent:
  uint32_t *senders, *sorted_senders;  // [n_edges]
  int32_t *numbers, *by_sender;        // [n_edges]; the latter by sender, of each one ascending
  int32_t* of_sender;                  // [n_senders + 1] where those of each begin
};

template <class Memory>
SumOrders sum_orders_in(Memory& memory, const SumEdges& edges, bool sent_wanted) {
  const int64_t n_edges = sent_wanted ? edges.n_edges : 0;
  SumOrders orders;
  orders.failure = memory.template take<uint64_t>(1);
  orders.of_centre = memory.template take<int32_t>(edges.n_centres + 1);
  orders.senders = memory.template take<uint32_t>(n_edges);
  orders.sorted_senders = memory.template take<uint32_t>(n_edges);
  orders.numbers = memory.template take<int32_t>(n_edges);
  orders.by_sender = memory.template take<int32_t>(n_edges);
  orders.of_sender = memory.template take<int32_t>(sent_wanted ? edges.n_senders + 1 : 0);
  return orders;
}

// Numbers that a crew adds up for some edges: for each harmonic, then for the distance.
inline int64_t room_size(const SumShape& shape) {
  return int64_t{shape.n_harmonics() + 1} * kEdgesTogether * kSideBySide;
}

// What the distances and directions of edges give.
template <class T>
struct Expansion {
  int32_t* interval;  // [n_edges] of the table; -1 beyond the cutoff
  T* along;           // [n_edges] -1 to 1 along it
  T* harmonics;       // [n_harmonics][n_edges]
  // Only to go back: dE/d(harmonic), and dE/dt of the place in the table.
  T *by_harmonics, *by_along;
};

template <class T, class Memory>
Expansion<T> expansion_in(Memory& memory, const SumShape& shape, int64_t n_edges, bool back) {
  Expansion<T> expansion;
  expansion.interval = memory.template take<int32_t>(n_edges);
  expansion.along = memory.template take<T>(n_edges);
  expansion.harmonics = memory.template take<T>(shape.n_harmonics() * n_edges);
  expansion.by_harmonics = memory.template take<T>(back ? shape.n_harmonics() * n_edges : 0);
  expansion.by_along = memory.template take<T>(back ? n_edges : 0);
  return expansion;
}

}  // namespace mlip::gpu
