// What is said of terms and atoms that products cannot be made of.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "mlip/products.h"

namespace mlip {

inline std::string unknown_element(int64_t atom, int64_t element, int64_t n_elements) {
  return "atom " + std::to_string(atom) + " is of element " + std::to_string(element) + " of " +
         std::to_string(n_elements);
}

// Throws std::invalid_argument if a term is of components or a path that do not exist.
template <class T>
void check_terms(const ProductTable<T>& table) {
  const auto out_of = [](int32_t index, int n) { return index < 0 || index >= n; };
  for (int64_t t = 0; t < table.n_terms; ++t) {
    const ProductTerm& term = table.terms[t];
    if (out_of(term.path, table.n_paths) || out_of(term.out, table.n_out) ||
        out_of(term.first, table.n_first) || out_of(term.second, table.n_second)) {
      throw std::invalid_argument("term " + std::to_string(t) + " of the product is out of range");
    }
  }
}

}  // namespace mlip
