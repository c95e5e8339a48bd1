// The neighbours of atoms.
#pragma once

#include <cstdint>

namespace mlip {

// Everything is borrowed and only read.
template <class Real>
struct Environments {
  const Real* vectors;        // [n_edges][3] from an atom to its neighbour
  const int64_t* neighbours;  // [n_edges] which atom the neighbour is
  const int64_t* first_edge;  // [n_atoms + 1] where the edges of each atom begin
  const int64_t* species;     // [n_atoms] 0, 1, ...
  int64_t n_atoms;
};

// The same by a centre for each edge, in an order that never decreases.
template <class Real>
struct EdgesByCentre {
  const Real* vectors;                  // [n_edges][3]
  const int64_t *centres, *neighbours;  // [n_edges]
  const int64_t* species;               // [n_atoms]
  int64_t n_edges, n_atoms;
};

}  // namespace mlip
