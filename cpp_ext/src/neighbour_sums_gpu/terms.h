// The numbers that sums over neighbours are made of. `Terms` of any kind know them of edge e:
//
//   weight(e, w, c, slope)   of row w and channel c, and its slope along the table if there is one
//   harmonic(e, lm)
//   sent(e, lm, c)           by the neighbour
#pragma once

#include <cstdint>

#include "arrays.h"
#include "gpu/moving.h"
#include "radial_formulas.h"

namespace mlip::gpu {

// As they are given; arrays stay or move (gpu/moving.h).
template <class Array>
struct GivenTerms {
  using Real = typename Array::Real;
  using Number = typename Array::Number;

  SumSizes shape;
  SumEdges edges;
  Array weights, harmonics, all_sent;

  MLIP_BOTH int64_t weight_at(int64_t e, int w, int64_t c) const {
    return (e * shape.n_weights + w) * shape.n_channels + c;
  }
  MLIP_BOTH Number weight(int64_t e, int w, int64_t c, Real& slope) const {
    slope = 0;
    return weights[weight_at(e, w, c)];
  }
  MLIP_BOTH Number harmonic(int64_t e, int lm) const { return harmonics[lm * edges.n_edges + e]; }
  MLIP_BOTH Number sent(int64_t e, int lm, int64_t c) const {
    return all_sent[(lm * edges.n_senders + edges.neighbours[e]) * shape.n_channels + c];
  }
};

// Weights from a table of radial functions, harmonics of the directions.
template <class T>
struct TabulatedTerms {
  using Real = T;
  using Number = T;

  SumSizes shape;
  SumEdges edges;
  SumTable<T> table;
  Expansion<T> expansion;
  const T* all_sent;

  MLIP_BOTH T weight(int64_t e, int w, int64_t c, T& slope) const {
    slope = 0;
    const int64_t interval = expansion.interval[e], row = shape.table_row;
    if (interval < 0) return 0;
    constexpr int kDegree = kSumTableDegree<T>;
    const T* const from =
        table.coefficients + (interval * shape.n_weights + w) * (kDegree + 1) * row + c;
    const auto at = [&](int power) { return from[power * row]; };
    return polynomial_with_slope<T, kDegree>(expansion.along[e], at, slope);
  }
  MLIP_BOTH T harmonic(int64_t e, int lm) const {
    return expansion.harmonics[lm * edges.n_edges + e];
  }
  MLIP_BOTH T sent(int64_t e, int lm, int64_t c) const {
    return all_sent[(lm * edges.n_senders + edges.neighbours[e]) * shape.n_channels + c];
  }
};

}  // namespace mlip::gpu
