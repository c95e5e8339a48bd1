// The terms of a product in the orders that a GPU needs, in one block of memory to carry over.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "gpu/memory.h"
#include "mlip/products.h"

namespace mlip::gpu {

// A term of a product; in a derivative by one factor, `second` is the component of the other.
template <class T>
struct OrderedTerm {
  int32_t path, out, first, second;
  T factor;
};

// Those that add to number k are terms[begin[k]] up to, not including, terms[begin[k + 1]].
template <class T>
struct OrderedTerms {
  const int32_t* begin;
  const OrderedTerm<T>* terms;
  int64_t count;  // of what they add to
};

// By components of the result, of a and of b, and by path.
template <class T>
struct ProductOrders {
  OrderedTerms<T> of_out, of_a, of_b, of_paths;
};

// Sorts the terms on the processor.
template <class T>
class ProductTables {
 public:
  ProductTables(const ProductTable<T>& table, bool square) : table_(table), square_(square) {}

  // Where everything is that was packed into `memory`. Reads no terms.
  template <class Memory>
  ProductOrders<T> place(Memory& memory) const {
    const int64_t n = table_.n_terms;
    ProductOrders<T> orders;
    orders.of_out = part(memory, table_.n_out, n);
    orders.of_a = part(memory, table_.n_first, square_ ? 2 * n : n);
    orders.of_b = part(memory, square_ ? 0 : table_.n_second, square_ ? 0 : n);
    orders.of_paths = part(memory, table_.n_paths, n);
    return orders;
  }

  // Of terms that are right.
  std::vector<char> packed() const {
    std::vector<OrderedTerm<T>> given, swapped;
    for (int64_t t = 0; t < table_.n_terms; ++t) {
      const auto [path, out, first, second] = table_.terms[t];
      given.push_back({path, out, first, second, table_.factors[t]});
      swapped.push_back({path, out, second, first, table_.factors[t]});
    }
    Memory none;
    place(none);
    std::vector<char> all(none.bytes);
    Memory memory{all.data()};
    using Term = OrderedTerm<T>;
    put(memory, table_.n_out, given, &Term::out);
    // A square changes with either of its factors.
    std::vector<Term> both = given;
    both.insert(both.end(), swapped.begin(), swapped.end());
    put(memory, table_.n_first, square_ ? both : given, &Term::first);
    put(memory, square_ ? 0 : table_.n_second, square_ ? std::vector<Term>() : swapped,
        &Term::first);
    put(memory, table_.n_paths, given, &Term::path);
    return all;
  }

 private:
  template <class Memory>
  static OrderedTerms<T> part(Memory& memory, int64_t count, int64_t n_terms) {
    const int32_t* const begin = memory.template take<int32_t>(count + 1);
    return {begin, memory.template take<OrderedTerm<T>>(n_terms), count};
  }

  // Terms by a member of theirs, those of equal ones in their order.
  static void put(Memory& memory, int64_t count, const std::vector<OrderedTerm<T>>& terms,
                  int32_t OrderedTerm<T>::* target) {
    std::vector<int32_t> begin(count + 1, 0);
    for (const OrderedTerm<T>& term : terms) ++begin[term.*target + 1];
    for (int64_t k = 0; k < count; ++k) begin[k + 1] += begin[k];
    int32_t* const to = memory.take<int32_t>(count + 1);
    std::memcpy(to, begin.data(), begin.size() * sizeof(int32_t));
    OrderedTerm<T>* const sorted = memory.take<OrderedTerm<T>>(terms.size());
    for (const OrderedTerm<T>& term : terms) sorted[begin[term.*target]++] = term;
  }

  const ProductTable<T>& table_;
  bool square_;
};

}  // namespace mlip::gpu
