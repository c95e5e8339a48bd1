// Products of equivariant features, channel by channel, and their first and second derivatives.
//
//   out[k][i][c] = sum over the terms of k:
//                  weights[path][element of i][c] factor a[first][i][c] b[second][i][c]
//
// for atoms i and channels c. A term belongs to a path (l1, l2, l3), a component k of the result
// and components `first` and `second` of the factors; `factor` is a Clebsch-Gordan coefficient. The
// square of a is the product of a with itself.
//
// Plain C++17: no torch, no Python, no global state. T is float or double.
#pragma once

#include <cstdint>

namespace mlip {

struct ProductTerm {
  int32_t path, out, first, second;
};

// Everything is borrowed.
template <class T>
struct ProductTable {
  // Terms of one path and component of the result stand side by side.
  const ProductTerm* terms;
  const T* factors;  // [n_terms]
  int64_t n_terms;
  int n_paths, n_first, n_second, n_out;  // numbers of components
};

template <class T>
struct ProductInput {
  const T* a;               // [n_first][n_atoms][n_channels]
  const T* b;               // [n_second][n_atoms][n_channels]; null for the square of a
  const T* weights;         // [n_paths][n_elements][n_channels]
  const int64_t* elements;  // [n_atoms], 0 to n_elements - 1
  int64_t n_atoms, n_elements, n_channels;

  bool is_square() const { return b == nullptr; }
};

// Derivatives by a, b and the weights, in their shapes. That of b is null for a square, whose
// derivative by a is whole; that of the weights if it is not wanted.
template <class T>
struct ProductGradients {
  T *a, *b, *weights;
};

// All of them throw std::invalid_argument if a term or an element is out of range. `threads` is the
// most that may be used. Results do not depend on it, but for the last digits of those for weights.
template <class T>
void product(const ProductTable<T>& table, const ProductInput<T>& in, int threads, T* out);

// From dE/d(out) to dE/da, dE/db and dE/d(weights).
template <class T>
void product_gradients(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                       int threads, const ProductGradients<T>& gradients);

// With L = the sum of the gradients above times `along` (its weights may be null, which stands for
// zero): the derivatives of L by by_out, a, b and the weights.
template <class T>
void product_second(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                    const ProductInput<T>& along, int threads, T* by_by_out,
                    const ProductGradients<T>& gradients);

}  // namespace mlip
