// What SOAP on a GPU reads and works in. All sizes follow from the basis and the numbers of atoms
// and edges, so that memory is asked for once.
#pragma once

#include <cstdint>

#include "mlip/soap.h"
#include "soap/feature_order.h"
#include "soap/kernels.h"

namespace mlip::gpu {

// Neighbours of an atom that are treated at once.
constexpr int kTogether = 32;

// Terms of the gradients of solid harmonics, sorted by (lower, axis): those of both are
// terms[first[3 * lower + axis]] up to, not including, the next one's.
template <class T>
struct LoweringTable {
  const Lowering<T>* terms;
  const int32_t* first;
};

template <class T>
struct SoapInput {
  SoapBasis<T> basis;
  SoapEdges<T> edges;
  HarmonicTables<T> harmonics;  // without its terms of lowering
  LoweringTable<T> lowering;
  int row;

  SoapInput(const SoapBasis<T>& basis_, const SoapEdges<T>& edges_)
      : basis(basis_), edges(edges_), harmonics{}, lowering{}, row(soap_row(basis_.n_max)) {}

  MLIP_BOTH int degrees() const { return basis.l_max + 1; }
  MLIP_BOTH int density_size() const { return degrees() * degrees() * row; }
};

// Edges by row, the number of an atom and a species to which they lead: atom * n_species + species.
struct SortedEdges {
  uint64_t* failure;             // the least of the words below, or kNoFailure
  uint32_t *rows, *sorted_rows;  // [n_edges]
  int32_t *numbers, *order;      // [n_edges]; the latter by row, in each row ascending
};

template <class Memory>
SortedEdges sorted_edges_in(Memory& memory, int64_t n_edges) {
  SortedEdges sorted;
  sorted.failure = memory.template take<uint64_t>(1);
  sorted.rows = memory.template take<uint32_t>(n_edges);
  sorted.sorted_rows = memory.template take<uint32_t>(n_edges);
  sorted.numbers = memory.template take<int32_t>(n_edges);
  sorted.order = memory.template take<int32_t>(n_edges);
  return sorted;
}

// Where one atom at a time is worked on: its densities [lm][row], and some of its neighbours.
template <class T>
struct Room {
  int32_t* first;      // [n_species + 1] where its sorted edges to each species begin
  int32_t* present;    // [n_species] the species that it sees, its own among them
  int32_t* n_present;  // [1]
  T* density;          // [species present]
  T* channels;         // [channels] mixed densities
  T* total;            // [1]
  T *x, *y, *z;        // [kTogether] unit vectors
  T *inverse_r, *along;
  int32_t* interval;  // [kTogether] of the radial table; -1 beyond the cutoff
  T* harmonics;       // [lm][kTogether]
  T* radial;          // [kTogether][l][row]
  // Only to go back.
  T *by_channels, *by_total, *by_density;  // dE/d(density)
  T* lowered;                              // [lm][4][row], of one species
  T* slopes;                               // [kTogether][l][row]
  T* parts;                                // [l][4][kTogether]
};

template <class T, class Memory>
MLIP_BOTH Room<T> room_in(Memory& memory, const SoapInput<T>& in, bool back) {
  const SoapBasis<T>& basis = in.basis;
  const int64_t species = basis.n_species, degrees = in.degrees(), size = in.density_size();
  const int64_t channels = basis.mixing == nullptr ? 0 : basis.channels;
  const int64_t total = basis.with_total ? size : 0, radial = kTogether * degrees * in.row;
  Room<T> room;
  room.first = memory.template take<int32_t>(species + 1);
  room.present = memory.template take<int32_t>(species);
  room.n_present = memory.template take<int32_t>(1);
  room.density = memory.template take<T>(species * size);
  room.channels = memory.template take<T>(channels * size);
  room.total = memory.template take<T>(total);
  for (T** one : {&room.x, &room.y, &room.z, &room.inverse_r, &room.along}) {
    *one = memory.template take<T>(kTogether);
  }
  room.interval = memory.template take<int32_t>(kTogether);
  room.harmonics = memory.template take<T>(degrees * degrees * kTogether);
  room.radial = memory.template take<T>(radial);
  room.by_channels = memory.template take<T>(back ? channels * size : 0);
  room.by_total = memory.template take<T>(back ? total : 0);
  room.by_density = memory.template take<T>(back ? species * size : 0);
  room.lowered = memory.template take<T>(back ? 4 * size : 0);
  room.slopes = memory.template take<T>(back ? radial : 0);
  room.parts = memory.template take<T>(back ? degrees * 4 * kTogether : 0);
  return room;
}

}  // namespace mlip::gpu
