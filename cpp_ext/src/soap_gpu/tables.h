// The numbers of the harmonics as a GPU reads them: one block of memory to carry over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "arrays.h"
#include "gpu/memory.h"
#include "harmonics.h"

namespace mlip::gpu {

template <class T>
class SoapTables {
 public:
  explicit SoapTables(int l_max) : l_max_(l_max) {
    const Harmonics<T> harmonics(l_max);
    const HarmonicTables<T> tables = harmonics.tables();
    const int n_recursion = (l_max + 1) * (l_max + 1);
    recursion_.assign(tables.recursion, tables.recursion + n_recursion);
    terms_.assign(tables.lowering, tables.lowering + tables.n_lowering);
    const auto target = [](const Lowering<T>& term) { return 3 * term.lower + term.axis; };
    std::stable_sort(terms_.begin(), terms_.end(),
                     [&](const auto& a, const auto& b) { return target(a) < target(b); });
    first_.assign(3 * (l_max + 1) * (l_max + 1) + 1, 0);
    for (const Lowering<T>& term : terms_) ++first_[target(term) + 1];
    for (size_t k = 1; k < first_.size(); ++k) first_[k] += first_[k - 1];
  }

  // Everything, in an order that `place` knows.
  std::vector<char> packed() const {
    Memory none;
    place(none, nullptr);
    std::vector<char> all(none.bytes);
    Memory memory{all.data()};
    put(memory, recursion_);
    put(memory, terms_);
    put(memory, first_);
    return all;
  }

  // Lets `in` point to what was packed into `memory`.
  void place(Memory& memory, SoapInput<T>* in) const {
    const T* const recursion = memory.take<T>(recursion_.size());
    const Lowering<T>* const terms = memory.take<Lowering<T>>(terms_.size());
    const int32_t* const first = memory.take<int32_t>(first_.size());
    if (in == nullptr) return;
    in->harmonics = {l_max_, recursion, nullptr, 0};
    in->lowering = {terms, first};
  }

 private:
  template <class Number>
  static void put(Memory& memory, const std::vector<Number>& numbers) {
    Number* const to = memory.take<Number>(numbers.size());
    if (!numbers.empty()) std::memcpy(to, numbers.data(), numbers.size() * sizeof(Number));
  }

  int l_max_;
  std::vector<T> recursion_;
  std::vector<Lowering<T>> terms_;
  std::vector<int32_t> first_;
};

}  // namespace mlip::gpu
