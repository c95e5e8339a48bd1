// Edges looked at and brought in order, each by a thread.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "arrays.h"
#include "gpu/count_before.h"
#include "gpu/shared_words.h"
#include "neighbour_sums/problems.h"

namespace mlip::gpu {

// What can be wrong, in the order in which the processor would find it: first with each edge in
// turn, then with the vectors.
enum class SumProblem : uint64_t { kAtoms, kOrder };

MLIP_BOTH inline uint64_t coded_edge(int64_t edge, SumProblem problem) {
  return static_cast<uint64_t>(edge) << 1 | static_cast<uint64_t>(problem);
}

constexpr uint64_t kVectorFailure = uint64_t{1} << 62;

template <class T>
MLIP_BOTH inline T length_of(const T* v) {
  return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

// For each edge; vectors may be null.
template <class T>
struct CheckSums {
  SumEdges edges;
  const T* vectors;
  T longest;  // the largest number
  uint64_t* failure;

  MLIP_BOTH void operator()(int64_t e) const {
    const int64_t i = edges.centres[e], j = edges.neighbours[e];
    if (i < 0 || i >= edges.n_centres || j < 0 || j >= edges.n_senders) {
      lower_to(failure, coded_edge(e, SumProblem::kAtoms));
    } else if (e > 0 && i < edges.centres[e - 1]) {
      lower_to(failure, coded_edge(e, SumProblem::kOrder));
    }
    if (vectors == nullptr) return;
    const T r = length_of(vectors + 3 * e);
    if (!(r > 0 && r <= longest)) lower_to(failure, kVectorFailure | static_cast<uint64_t>(e));
  }
};

// Throws std::invalid_argument, as the processor does.
template <class T, class Machine>
void raise_if_failed(const SumEdges& edges, const T* vectors, const uint64_t* at,
                     Machine& machine) {
  const uint64_t failure = machine.value_at(at);
  if (failure == kNoFailure) return;
  const bool of_vector = failure & kVectorFailure;
  const auto e = static_cast<int64_t>(of_vector ? failure ^ kVectorFailure : failure >> 1);
  const int64_t i = machine.value_at(edges.centres + e), j = machine.value_at(edges.neighbours + e);
  if (of_vector) {
    T v[3];
    for (int c = 0; c < 3; ++c) v[c] = machine.value_at(vectors + 3 * e + c);
    throw std::invalid_argument(no_direction_between(i, j, length_of(v) == 0));
  }
  if (failure == coded_edge(e, SumProblem::kAtoms)) {
    throw std::invalid_argument(no_such_edge(edges, e, i, j));
  }
  throw std::invalid_argument(not_sorted(e, i, machine.value_at(edges.centres + e - 1)));
}

// For each edge, to be sorted by sender.
struct NumberEdges {
  SumEdges edges;
  SumOrders orders;

  MLIP_BOTH void operator()(int64_t e) const {
    orders.senders[e] = static_cast<uint32_t>(edges.neighbours[e]);
    orders.numbers[e] = static_cast<int32_t>(e);
  }
};

// Edges that are right, by centre and, if wanted, by sender.
template <class Machine>
void put_in_order(const SumEdges& edges, const SumOrders& orders, bool by_sender,
                  Machine& machine) {
  machine.for_each(edges.n_centres + 1,
                   CountBefore<int64_t, int32_t>{edges.centres, edges.n_edges, orders.of_centre});
  if (!by_sender) return;
  machine.for_each(edges.n_edges, NumberEdges{edges, orders});
  machine.sort(edges, orders);
  machine.for_each(
      edges.n_senders + 1,
      CountBefore<uint32_t, int32_t>{orders.sorted_senders, edges.n_edges, orders.of_sender});
}

}  // namespace mlip::gpu
