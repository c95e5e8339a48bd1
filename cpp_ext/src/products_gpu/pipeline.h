// The stages one after the other, on any `Machine`:
//
//   machine.for_each(n, stage)         stage(0), ..., stage(n - 1), in any order
//   machine.carry(to, from, n)         n bytes there
//   machine.value_at(pointer)          a number from there
//
// A GPU is one (products.cu); the tests have others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "products/problems.h"
#include "stages.h"

namespace mlip::gpu {

// Derivatives by weights are added up in parts of no fewer atoms, no more parts, and no more
// memory, unless one alone takes more.
constexpr int64_t kFewestAtoms = 8, kMostParts = 128, kMostBytesOfParts = int64_t{64} << 20;

template <class T>
struct ProductArrays {
  uint64_t* failure;
  ProductOrders<T> orders;
  char* tables;  // where they begin
  int64_t n_parts, n_weights;
  T* parts;
};

template <class T, class Memory>
ProductArrays<T> product_arrays_in(Memory& memory, const ProductTable<T>& table,
                                   const ProductInput<T>& in, bool weights_wanted) {
  ProductArrays<T> arrays;
  arrays.failure = memory.template take<uint64_t>(1);
  const ProductTables<T> tables(table, in.is_square());
  mlip::gpu::Memory none;
  tables.place(none);
  arrays.tables = memory.template take<char>(none.bytes);
  mlip::gpu::Memory block{arrays.tables};
  arrays.orders = tables.place(block);
  arrays.n_weights = table.n_paths * in.n_elements * in.n_channels;
  const int64_t bytes = std::max<int64_t>(1, arrays.n_weights * sizeof(T));
  arrays.n_parts = std::max<int64_t>(
      1, std::min({in.n_atoms / kFewestAtoms, kMostParts, kMostBytesOfParts / bytes}));
  arrays.parts = memory.template take<T>(weights_wanted ? arrays.n_parts * arrays.n_weights : 0);
  return arrays;
}

// Throws std::invalid_argument as the processor does; then the tables are there.
template <class T, class Machine>
void prepare(const ProductTable<T>& table, const ProductInput<T>& in,
             const ProductArrays<T>& arrays, Machine& machine) {
  check_terms(table);
  if (in.n_atoms == 0) return;  // then nothing tells a square from a product, and no term is read
  const std::vector<char> packed = ProductTables<T>(table, in.is_square()).packed();
  machine.carry(arrays.tables, packed.data(), static_cast<int64_t>(packed.size()));
  machine.carry(arrays.failure, &kNoFailure, sizeof kNoFailure);
  machine.for_each(in.n_atoms, CheckElements{in.elements, in.n_elements, arrays.failure});
  const uint64_t failure = machine.value_at(arrays.failure);
  if (failure == kNoFailure) return;
  throw std::invalid_argument(unknown_element(
      static_cast<int64_t>(failure), machine.value_at(in.elements + failure), in.n_elements));
}

template <class T>
ProductFactors<Still<T>> at_rest(const ProductInput<T>& in) {
  return {{in.a},       {in.is_square() ? in.a : in.b},
          {in.weights}, in.elements,
          in.n_atoms,   in.n_elements,
          in.n_channels};
}

template <class T>
ProductFactors<InMotion<T>> in_motion(const ProductInput<T>& in, const ProductInput<T>& along) {
  const InMotion<T> a = {in.a, along.a}, b = {in.b, along.b};
  return {a,
          in.is_square() ? a : b,
          {in.weights, along.weights},
          in.elements,
          in.n_atoms,
          in.n_elements,
          in.n_channels};
}

template <class Array, class T, class Machine>
void multiply(const ProductFactors<Array>& factors, const ProductArrays<T>& arrays, T* out,
              Machine& machine) {
  const OrderedTerms<T>& terms = arrays.orders.of_out;
  machine.for_each(ProductPlace::threads(terms.count, factors.row()),
                   Multiply<Array>{factors, terms, out});
}

template <class Array, class T, class Machine>
void multiply_back(const ProductFactors<Array>& factors, const ProductArrays<T>& arrays,
                   const T* by_out, const ProductGradients<T>& gradients, Machine& machine) {
  const ProductOrders<T>& orders = arrays.orders;
  machine.for_each(ProductPlace::threads(orders.of_a.count, factors.row()),
                   BackToFactor<Array>{factors, orders.of_a, factors.b, by_out, gradients.a});
  machine.for_each(ProductPlace::threads(orders.of_b.count, factors.row()),
                   BackToFactor<Array>{factors, orders.of_b, factors.a, by_out, gradients.b});
  if (gradients.weights == nullptr) return;
  const int64_t n_parts = arrays.n_parts;
  machine.for_each(n_parts * orders.of_paths.count * factors.n_channels,
                   BackToWeights<Array>{factors, orders.of_paths, by_out, n_parts, arrays.parts});
  machine.for_each(arrays.n_weights,
                   AddParts<T>{arrays.parts, n_parts, arrays.n_weights, gradients.weights});
}

}  // namespace mlip::gpu
