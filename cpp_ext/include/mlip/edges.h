// The vectors of edges, which are linear in positions and cells, and the transpose of that map:
// from derivatives by vectors to those by positions, cells and strain.
//
// Plain C++17: no torch, no Python, no global state.
#pragma once

#include <cstdint>

namespace mlip {

// Everything is borrowed and only read.
struct Edges {
  const int64_t *centres, *neighbours;  // [n_edges]
  int64_t n_edges;
  const int64_t* structure;  // [n_atoms] the structure of each atom
  int64_t n_atoms, n_structures;
};

// Writes vectors [n_edges][3], from the positions r [n_atoms][3] and the cells h
// [n_structures][3][3] of which edges count rows n [n_edges][3]:
//
//   v_e = r_neighbour - r_centre + n_e h
//
// `threads` is the most that may be used; small inputs use one. Results do not depend on it. Throws
// std::invalid_argument if an edge does not join atoms or an atom is of no structure.
void edge_vectors(const Edges& edges, const double* positions, const double* cells,
                  const int64_t* rows, int threads, double* vectors);

// From dE/dv [n_edges][3], for any E, by_positions [n_atoms][3] and the sums over the edges of a
// structure of rows and dE/dv,
//
//   by_cells = sum_e n_e^T dE/dv_e,   [n_structures][3][3].
//
// Of edges' own vectors instead of `rows` they are dE/d(strain), all vectors becoming v (1 +
// strain). Row is int64_t or double. Otherwise as above.
template <class Row>
void edge_sums(const Edges& edges, const double* by_vectors, const Row* rows, int threads,
               double* by_positions, double* by_cells);

}  // namespace mlip
