// A GPU as a machine (pipeline.h of each subject), on the processor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "crews.h"

// Memory, and a sort.
struct OnProcessor {
  void carry(void* to, const void* from, int64_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }

  template <class Number>
  Number value_at(const Number* at) {
    return *at;
  }

  // Edges by sender.
  template <class Edges, class Orders>
  void sort(const Edges& edges, const Orders& orders) {
    const int64_t n = edges.n_edges;
    std::copy_n(orders.numbers, n, orders.by_sender);
    std::stable_sort(orders.by_sender, orders.by_sender + n,
                     [&](int32_t a, int32_t b) { return orders.senders[a] < orders.senders[b]; });
    for (int64_t k = 0; k < n; ++k) {
      orders.sorted_senders[k] = orders.senders[orders.by_sender[k]];
    }
  }

  template <class Stage, class Crew>
  void in_crews(int64_t n, int64_t rooms, const Stage& stage, const Crew& crew) {
    crew.run(static_cast<int>(n),
             [&](int i, const auto& members) { stage(i, i % rooms, members); });
  }
};

// One after the other, in a random order.
struct Shuffled : OnProcessor {
  std::mt19937_64 random;

  explicit Shuffled(uint64_t seed = 7) : random(seed) {}

  template <class Stage>
  void for_each(int64_t n, const Stage& stage) {
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), int64_t{0});
    std::shuffle(order.begin(), order.end(), random);
    for (const int64_t i : order) stage(i);
  }

  template <class Stage>
  void for_each_in_crews(int64_t n, int64_t rooms, const Stage& stage) {
    in_crews(n, rooms, stage, ShuffledCrew{random});
  }
};

// The threads of a crew at once.
struct InCrews : Shuffled {
  template <class Stage>
  void for_each_in_crews(int64_t n, int64_t rooms, const Stage& stage) {
    in_crews(n, rooms, stage, ThreadedCrew{});
  }
};
