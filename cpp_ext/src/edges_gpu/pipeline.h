// The stages one after the other, on any `Machine`:
//
//   machine.for_each(n, stage)      stage(0), ..., stage(n - 1), in any order
//   machine.carry(to, from, n)      n bytes there
//   machine.value_at(pointer)       a number from there
//   machine.sort(edges, orders)     as in neighbour_sums_gpu/pipeline.h
//
// A GPU is one (neighbour_sums_gpu/machine.h); the tests have others.
#pragma once

#include <cstdint>

#include "checks.h"
#include "gpu/count_before.h"
#include "neighbour_sums_gpu/orders.h"
#include "stages.h"

namespace mlip::gpu {

inline SumEdges as_sums(const Edges& edges) {
  return {edges.centres, edges.neighbours, edges.n_edges, edges.n_atoms, edges.n_atoms};
}

// Where sums are worked on; vectors need only orders.failure.
struct EdgeSumPlace {
  SumOrders orders;
  int64_t* first_atom;          // [n_structures + 1]
  double *of_atoms, *of_parts;  // [n_atoms][9], [n_structures][kPartsOfStructure][9]
};

template <class Memory>
EdgeSumPlace edge_sum_place_in(Memory& memory, const Edges& edges) {
  EdgeSumPlace place;
  place.orders = sum_orders_in(memory, as_sums(edges), true);
  place.first_atom = memory.template take<int64_t>(edges.n_structures + 1);
  place.of_atoms = memory.template take<double>(9 * edges.n_atoms);
  place.of_parts = memory.template take<double>(9 * kPartsOfStructure * edges.n_structures);
  return place;
}

template <class Machine>
void write_vectors(const char* op, const Edges& edges, const double* positions, const double* cells,
                   const int64_t* rows, uint64_t* failure, double* vectors, Machine& machine) {
  machine.carry(failure, &kNoFailure, sizeof kNoFailure);
  machine.for_each(edges.n_edges, CheckEdges{edges, false, failure});
  raise_if_failed(op, edges, failure, machine);
  machine.for_each(edges.n_edges, WriteVector{edges, positions, cells, rows, vectors});
}

template <class Row, class Machine>
void write_sums(const char* op, const Edges& edges, const double* by_vectors, const Row* rows,
                const EdgeSumPlace& place, double* by_positions, double* by_cells,
                Machine& machine) {
  const SumOrders& orders = place.orders;
  machine.carry(orders.failure, &kNoFailure, sizeof kNoFailure);
  machine.for_each(edges.n_edges, CheckEdges{edges, true, orders.failure});
  machine.for_each(edges.n_atoms, CheckOrderOfAtoms{edges.structure, orders.failure});
  raise_if_failed(op, edges, orders.failure, machine);
  put_in_order(as_sums(edges), orders, true, machine);
  machine.for_each(edges.n_structures + 1,
                   CountBefore<int64_t, int64_t>{edges.structure, edges.n_atoms, place.first_atom});
  machine.for_each(3 * edges.n_atoms, SumAtAtom{orders, by_vectors, by_positions});
  machine.for_each(9 * edges.n_atoms, SumOfAtom<Row>{orders, by_vectors, rows, place.of_atoms});
  machine.for_each(9 * kPartsOfStructure * edges.n_structures,
                   SumOfPart{place.first_atom, place.of_atoms, place.of_parts});
  machine.for_each(9 * edges.n_structures, SumOfStructure{place.of_parts, by_cells});
}

}  // namespace mlip::gpu
