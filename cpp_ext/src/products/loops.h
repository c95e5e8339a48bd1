// The hot loops themselves, for any width of vector registers. Included once in each kernels_*.cpp.
//
// All of them are sums of factor x y over the terms of a row, kept in registers, and products with
// weights before or after.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace mlip {
namespace {

template <class T, int Bytes>
struct ProductLoops {
  using Part = typename Simd<T, Bytes>::Vector;
  static constexpr int kWidth = Simd<T, Bytes>::kWidth;
  // Vectors that are treated together: registers hold several sums of so many.
  static constexpr int kParts = kBlock / kWidth < 4 ? kBlock / kWidth : 4;
  static constexpr int kStep = kParts * kWidth;

  static Part at(const T* from, int p) { return load<Part>(from + p * kWidth); }
  static void add(T* to, int p, Part value) {
    store(to + p * kWidth, load<Part>(to + p * kWidth) + value);
  }

  template <bool Add>
  static void couple(const Couplings<T>& sums, const T* x, const T* y, T* out) {
    for (int c = 0; c < kBlock; c += kStep) {
      for (int64_t k = 0; k < sums.count; ++k) {
        Part sum[kParts] = {};
        for (int32_t t = sums.begin[k]; t < sums.begin[k + 1]; ++t) {
          const CoupledTerm<T>& term = sums.terms[t];
          for (int p = 0; p < kParts; ++p) {
            sum[p] += at(x + term.first + c, p) * at(y + term.second + c, p) * term.factor;
          }
        }
        T* const to = out + k * kBlock + c;
        for (int p = 0; p < kParts; ++p) store(to + p * kWidth, Add ? at(to, p) + sum[p] : sum[p]);
      }
    }
  }

  // to += x y, for a block of channels
  static void add_product(const T* x, const T* y, T* to) {
    for (int p = 0; p < kBlock / kWidth; ++p) add(to, p, at(x, p) * at(y, p));
  }

  static void product(const BlockTable<T>& table, const Factors<T>& in, T* room, T* out) {
    couple<false>(table.of_rows, in.a, in.b, room);
    for (int64_t k = 0; k < table.of_rows.count; ++k) {
      const CoupledRow& row = table.rows[k];
      add_product(in.weights + row.path * kBlock, room + k * kBlock, out + row.out * kBlock);
    }
  }

  static void gradients(const BlockTable<T>& table, const Factors<T>& in, const T* by_out,
                        const Sums<T>& to) {
    T* const by_rows = to.room;
    scale(table, by_out, in.weights, by_rows);
    couple<true>(table.of_a, by_rows, in.b, to.a);
    couple<true>(table.of_b, by_rows, in.a, to.b);
    if (to.weights == nullptr) return;
    T* const rows = to.room + table.of_rows.count * kBlock;
    couple<false>(table.of_rows, in.a, in.b, rows);
    add_by_weights(table, by_out, rows, to.weights);
  }

  // by_rows = dE/d(row before its weight)
  static void scale(const BlockTable<T>& table, const T* by_out, const T* weights, T* by_rows) {
    for (int64_t k = 0; k < table.of_rows.count; ++k) {
      const CoupledRow& row = table.rows[k];
      const T *by = by_out + row.out * kBlock, *weight = weights + row.path * kBlock;
      for (int c = 0; c < kBlock; ++c) by_rows[k * kBlock + c] = by[c] * weight[c];
    }
  }

  static void add_by_weights(const BlockTable<T>& table, const T* by_out, const T* rows,
                             T* by_weights) {
    for (int64_t k = 0; k < table.of_rows.count; ++k) {
      const CoupledRow& row = table.rows[k];
      add_product(by_out + row.out * kBlock, rows + k * kBlock, by_weights + row.path * kBlock);
    }
  }

  static void second(const BlockTable<T>& table, const Factors<T>& in, const T* by_out,
                     const Factors<T>& along, T* by_by_out, const Sums<T>& to) {
    T *const by_rows = to.room, *const rows = to.room + table.of_rows.count * kBlock;
    scale(table, by_out, in.weights, by_rows);
    couple<true>(table.of_a, by_rows, along.b, to.a);
    couple<true>(table.of_b, by_rows, along.a, to.b);
    couple<false>(table.of_rows, along.a, in.b, rows);
    couple<true>(table.of_rows, in.a, along.b, rows);
    for (int64_t k = 0; k < table.of_rows.count; ++k) {
      const CoupledRow& row = table.rows[k];
      add_product(in.weights + row.path * kBlock, rows + k * kBlock, by_by_out + row.out * kBlock);
    }
    if (to.weights != nullptr) add_by_weights(table, by_out, rows, to.weights);
    if (along.weights == nullptr) return;
    product(table, {in.a, in.b, along.weights}, rows, by_by_out);
    scale(table, by_out, along.weights, by_rows);
    couple<true>(table.of_a, by_rows, in.b, to.a);
    couple<true>(table.of_b, by_rows, in.a, to.b);
  }

  static ProductKernels<T> all(const char* name) { return {name, product, gradients, second}; }
};

}  // namespace
}  // namespace mlip
