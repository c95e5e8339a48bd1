// The plan of all functions as a GPU reads it: one block of memory to carry over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "arrays.h"
#include "gpu/memory.h"

namespace mlip::gpu {

// Functions of a list that share a column would have to add to one number.
inline void check_columns(const std::vector<SymmetryFunction>& functions) {
  std::set<std::pair<int32_t, int32_t>> seen;
  for (const SymmetryFunction& f : functions) {
    if (!seen.insert({f.list, f.column}).second) {
      throw std::invalid_argument(
          "symmetry functions: two of a list have the same column, which is not possible on a GPU");
    }
  }
}

// Calls with_array(array, pointer of the view) for all arrays of a plan.
template <class WithArray>
void for_each_table(const PlanArrays& arrays, PlanView& view, WithArray with_array) {
  with_array(arrays.lists, view.lists);
  with_array(arrays.list_of_species, view.list_of_species);
  with_array(arrays.weights, view.weights);
  with_array(arrays.cutoffs, view.cutoffs);
  with_array(arrays.radial, view.radial);
  with_array(arrays.terms, view.terms);
  with_array(arrays.angular, view.angular);
  with_array(arrays.envelopes, view.envelopes);
  with_array(arrays.powers, view.powers);
  with_array(arrays.products, view.products);
}

// A view of the plan where it lies packed in `memory`, or will lie.
inline PlanView placed(const PlanArrays& arrays, Memory& memory) {
  PlanView view = arrays.view();
  for_each_table(arrays, view, [&](const auto& array, auto& pointer) {
    using Entry = typename std::decay_t<decltype(array)>::value_type;
    pointer = memory.take<Entry>(static_cast<int64_t>(array.size()));
  });
  return view;
}

inline std::vector<char> packed(const PlanArrays& arrays) {
  Memory none;
  placed(arrays, none);
  std::vector<char> all(none.bytes);
  Memory memory{all.data()};
  PlanView view = arrays.view();
  for_each_table(arrays, view, [&](const auto& array, auto&) {
    using Entry = typename std::decay_t<decltype(array)>::value_type;
    Entry* const to = memory.take<Entry>(static_cast<int64_t>(array.size()));
    if (!array.empty()) std::memcpy(to, array.data(), array.size() * sizeof(Entry));
  });
  return all;
}

inline Most most_of(const PlanArrays& plan, int neighbours) {
  Most most = {neighbours, 0, 0, 0, 0, 0};
  for (const FunctionList& list : plan.lists) {
    most.cutoffs = std::max(most.cutoffs, size(list.cutoffs));
  }
  most.bins = most.cutoffs * static_cast<int>(plan.weights.size());
  for (const AngularGroup& group : plan.angular) {
    const Range all = group.envelopes;
    const int first = plan.envelopes[all.first].products.first;
    most.envelopes = std::max(most.envelopes, size(all));
    most.powers = std::max(most.powers, size(group.powers));
    most.products = std::max(most.products, plan.envelopes[all.last - 1].products.last - first);
  }
  return most;
}

}  // namespace mlip::gpu
