// The vectors of edges and the transpose of that map: whoever writes a number adds it up, in an
// order that is always the same.
#pragma once

#include <cstdint>

#include "edges/formulas.h"
#include "mlip/edges.h"
#include "neighbour_sums_gpu/arrays.h"

namespace mlip::gpu {

// For each edge.
struct WriteVector {
  Edges edges;
  const double *positions, *cells;
  const int64_t* rows;
  double* vectors;

  MLIP_BOTH void operator()(int64_t e) const {
    const int64_t i = edges.centres[e], j = edges.neighbours[e];
    vector_of_edge(positions + 3 * i, positions + 3 * j, rows + 3 * e,
                   cells + 9 * edges.structure[i], vectors + 3 * e);
  }
};

// For each atom and axis: over the edges to it, minus those from it.
struct SumAtAtom {
  SumOrders orders;
  const double* by_vectors;
  double* by_positions;

  MLIP_BOTH void operator()(int64_t q) const {
    const int64_t atom = q / 3, axis = q % 3;
    double sum = 0;
    for (int32_t k = orders.of_sender[atom]; k < orders.of_sender[atom + 1]; ++k) {
      sum += by_vectors[3 * int64_t{orders.by_sender[k]} + axis];
    }
    for (int64_t e = orders.of_centre[atom]; e < orders.of_centre[atom + 1]; ++e) {
      sum -= by_vectors[3 * e + axis];
    }
    by_positions[q] = sum;
  }
};

// For each atom and component of the cell: over the edges from it.
template <class Row>
struct SumOfAtom {
  SumOrders orders;
  const double* by_vectors;
  const Row* rows;
  double* of_atoms;

  MLIP_BOTH void operator()(int64_t q) const {
    const int64_t atom = q / 9, row = q % 9 / 3, axis = q % 3;
    double sum = 0;
    for (int64_t e = orders.of_centre[atom]; e < orders.of_centre[atom + 1]; ++e) {
      sum += static_cast<double>(rows[3 * e + row]) * by_vectors[3 * e + axis];
    }
    of_atoms[q] = sum;
  }
};

// The atoms of a structure are summed up in so many parts.
constexpr int kPartsOfStructure = 64;

// For each structure, part and component.
struct SumOfPart {
  const int64_t* first_atom;
  const double* of_atoms;
  double* of_parts;

  MLIP_BOTH void operator()(int64_t q) const {
    const int64_t structure = q / (9 * kPartsOfStructure), part = q / 9 % kPartsOfStructure;
    const int64_t last = first_atom[structure + 1];
    double sum = 0;
    for (int64_t a = first_atom[structure] + part; a < last; a += kPartsOfStructure) {
      sum += of_atoms[9 * a + q % 9];
    }
    of_parts[q] = sum;
  }
};

// For each structure and component.
struct SumOfStructure {
  const double* of_parts;
  double* by_cells;

  MLIP_BOTH void operator()(int64_t q) const {
    const double* const own = of_parts + q / 9 * 9 * kPartsOfStructure + q % 9;
    double sum = 0;
    for (int part = 0; part < kPartsOfStructure; ++part) sum += own[9 * part];
    by_cells[q] = sum;
  }
};

}  // namespace mlip::gpu
