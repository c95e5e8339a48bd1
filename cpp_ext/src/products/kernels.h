// The hot loops of products, for some channels of one atom at a time. One copy for each instruction
// set; `product_kernels` tells which of them runs here.
//
// Arrays are [component][kBlock]: channels side by side, padded with zeros. This header and the
// copies use nothing but raw pointers (instruction_sets.h says why).
#pragma once

#include <cstdint>

namespace mlip {

// Channels that are treated together.
constexpr int kBlock = 32;

// One row of the coupling matrix: a path and a component of the result.
struct CoupledRow {
  int32_t path, out;
};

// Places of what is multiplied, counted in numbers.
template <class T>
struct CoupledTerm {
  int32_t first, second;
  T factor;
};

// sums[k] of factor x[first] y[second] over the terms from begin[k] to begin[k + 1].
template <class T>
struct Couplings {
  const int32_t* begin;
  int64_t count;
  const CoupledTerm<T>* terms;
};

// The same terms three times: of each row of the coupling matrix, of each component of a, whose
// terms multiply a row with a component of b, and of each component of b, with one of a.
template <class T>
struct BlockTable {
  const CoupledRow* rows;
  Couplings<T> of_rows, of_a, of_b;
};

// Factors of a product, or anything in their shapes; the weights are [path][kBlock].
template <class T>
struct Factors {
  const T *a, *b, *weights;
};

// Where derivatives are added. For a square a and b are the same; weights are null if not wanted.
// `room` is for two numbers per row and channel of the block.
template <class T>
struct Sums {
  T *a, *b, *weights, *room;
};

template <class T>
struct ProductKernels {
  const char* name;
  // Adds to out; `room` as in Sums.
  void (*product)(const BlockTable<T>& table, const Factors<T>& in, T* room, T* out);
  // Adds to `to` the derivatives of sum(out by_out).
  void (*gradients)(const BlockTable<T>& table, const Factors<T>& in, const T* by_out,
                    const Sums<T>& to);
  // The same of those derivatives times `along`, whose weights may be null.
  void (*second)(const BlockTable<T>& table, const Factors<T>& in, const T* by_out,
                 const Factors<T>& along, T* by_by_out, const Sums<T>& to);
};

// Those that this machine runs fastest; levels as in soap/kernels.h.
constexpr int kBestProductLevel = 2;
template <class T>
ProductKernels<T> product_kernels(int level = kBestProductLevel);

}  // namespace mlip
