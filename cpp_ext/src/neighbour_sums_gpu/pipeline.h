// The stages one after the other, on any `Machine`:
//
//   machine.for_each(n, stage)                   stage(0), ..., stage(n - 1), in any order
//   machine.for_each_in_crews(n, rooms, stage)   the same, each by a crew: stage(i, room, crew)
//   machine.carry(to, from, n)                   n bytes there
//   machine.value_at(pointer)                    a number from there
//   machine.sort(edges, orders)                  senders and numbers into sorted_senders and
//                                                by_sender, equal ones left in their order
//
// A GPU is one (machine.h); the tests have others.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "back.h"
#include "expand.h"
#include "orders.h"
#include "sums.h"
#include "terms.h"

namespace mlip::gpu {

// Where crews work: `number` rooms of room_size numbers.
template <class T>
struct SumRooms {
  T* at;
  int64_t number;
};

// Throws std::invalid_argument as the processor does; then edges are in order. Vectors may be null.
template <class T, class Machine>
void bring_in_order(const SumEdges& edges, const T* vectors, const SumOrders& orders,
                    bool sent_wanted, Machine& machine) {
  constexpr T kLongest = std::numeric_limits<T>::max();
  machine.carry(orders.failure, &kNoFailure, sizeof kNoFailure);
  machine.for_each(edges.n_edges, CheckSums<T>{edges, vectors, kLongest, orders.failure});
  raise_if_failed(edges, vectors, orders.failure, machine);
  put_in_order(edges, orders, sent_wanted, machine);
}

template <class Terms, class T, class Machine>
void add_up(const Terms& terms, const SumOrders& orders, T* sums, Machine& machine) {
  const SumSizes& shape = terms.shape;
  machine.for_each(SumPlace::threads(terms.edges.n_centres, shape.n_weights, shape.n_channels),
                   AddUp<Terms>{terms, orders.of_centre, sums});
}

// by_sent is null if it is not wanted.
template <class Terms, class To, class T, class Machine>
void back(const Terms& terms, const SumOrders& orders, const T* by_sums, const To& to,
          T* by_harmonics, T* by_along, T* by_sent, const SumRooms<T>& rooms, Machine& machine) {
  const SumSizes& shape = terms.shape;
  const SumEdges& edges = terms.edges;
  const BySums<T> by = {by_sums, edges.n_centres, shape.n_channels};
  using Edges = BackToEdges<Terms, To>;
  machine.for_each_in_crews(Edges::chunks(edges.n_edges), rooms.number,
                            Edges{terms, by, to, by_harmonics, by_along, rooms.at});
  if (by_sent == nullptr) return;
  machine.for_each(SumPlace::threads(edges.n_senders, shape.l_sent + 1, shape.n_channels),
                   BackToSent<Terms>{terms, orders, by, by_sent});
}

// ------------------------------------------------------------------------ weights that are given

template <class T>
GivenTerms<Still<T>> at_rest(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in) {
  return {SumSizes(shape), edges, {in.weights}, {in.harmonics}, {in.sent}};
}

template <class T>
GivenTerms<InMotion<T>> in_motion(const SumShape& shape, const SumEdges& edges,
                                  const SumInput<T>& in, const SumInput<T>& along) {
  return {SumSizes(shape),
          edges,
          {in.weights, along.weights},
          {in.harmonics, along.harmonics},
          {in.sent, along.sent}};
}

template <class Array, class T, class Machine>
void back_to_given(const GivenTerms<Array>& terms, const SumOrders& orders, const T* by_sums,
                   const SumGradients<T>& gradients, const SumRooms<T>& rooms, Machine& machine) {
  const IntoWeights<T> to = {gradients.weights, terms.shape.n_weights, terms.shape.n_channels};
  T* const no_along = nullptr;
  back(terms, orders, by_sums, to, gradients.harmonics, no_along, gradients.sent, rooms, machine);
}

// ------------------------------------------------------------- weights that are radial functions

// Numbers of the harmonics, where they are carried to, and what edges are expanded into.
template <class T>
struct Expanding {
  SumHarmonics<T> numbers;
  char* packed;
  HarmonicTables<T> harmonics;
  Expansion<T> expansion;

  template <class Memory>
  Expanding(Memory& memory, const SumShape& shape, int64_t n_edges, bool back)
      : numbers(shape.l_max) {
    mlip::gpu::Memory none;
    numbers.place(none);
    packed = memory.template take<char>(none.bytes);
    mlip::gpu::Memory block{packed};
    harmonics = numbers.place(block);
    expansion = expansion_in<T>(memory, shape, n_edges, back);
  }
};

template <class T, class Machine>
TabulatedTerms<T> expand(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                         const T* vectors, const T* sent, const Expanding<T>& in,
                         Machine& machine) {
  const std::vector<char> packed = in.numbers.packed();
  machine.carry(in.packed, packed.data(), static_cast<int64_t>(packed.size()));
  machine.for_each(edges.n_edges,
                   Expand<T>{edges.n_edges, vectors, table, in.harmonics, in.expansion});
  return {SumSizes(shape), edges, table, in.expansion, sent};
}

template <class T, class Machine>
void back_to_vectors(const TabulatedTerms<T>& terms, const T* vectors, const Expanding<T>& in,
                     const SumOrders& orders, const T* by_sums, T* by_vectors, T* by_sent,
                     const SumRooms<T>& rooms, Machine& machine) {
  const Expansion<T>& expansion = in.expansion;
  back(terms, orders, by_sums, IntoPlace<T>{}, expansion.by_harmonics, expansion.by_along, by_sent,
       rooms, machine);
  const int64_t n = terms.edges.n_edges;
  machine.for_each(n,
                   BackToVectors<T>{n, vectors, terms.table, in.harmonics, expansion, by_vectors});
}

}  // namespace mlip::gpu
