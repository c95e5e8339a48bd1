// Chebyshev descriptors of one atom, and the way back from them, each by a crew of threads
// (sums.h).
#pragma once

#include <cstdint>

#include "sums.h"

namespace mlip::gpu {

// features [n_atoms][n_sets][features_of_set].
template <class Real>
struct ChebyshevFeatures {
  ChebyshevInput<Real> in;
  Real* features;

  template <class Memory>
  MLIP_BOTH ChebyshevRoom<Real> room_in(Memory& memory) const {
    return chebyshev_room_in(memory, in.tables, false);
  }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, const ChebyshevRoom<Real>& room, const Crew& crew) const {
    const ChebyshevTables<Real>& tables = in.tables;
    const NeighbourhoodSums<Real, Crew> around(in, room, crew, atom, false);
    const int degrees = tables.angular_order + 1, of_set = features_of_set(tables);
    around.add_up();
    crew.for_each(tables.n_sets * degrees, [&](int q) {
      const int set = q / degrees;
      room.pairs[q] = sum_over_pairs(q % degrees, around.moments(set), around.alone(set));
    });
    Real* const own = features + atom * tables.n_sets * of_set;
    crew.for_each(tables.n_sets * of_set, [&](int q) {
      const int set = q / of_set, a = q % of_set - around.sums.radial;
      if (a < 0) {
        own[q] = room.sums[set * around.sums.count() + q % of_set];
        return;
      }
      Real sum = 0;
      for (int l = 0; l <= a; ++l) {
        sum += room.pairs[set * degrees + l] * tables.legendre[l * degrees + a];
      }
      own[q] = sum;
    });
  }
};

// From by_features, as the features: by_vectors [n_edges][3].
template <class Real>
struct ChebyshevGradients {
  ChebyshevInput<Real> in;
  const Real* by_features;
  Real* by_vectors;

  template <class Memory>
  MLIP_BOTH ChebyshevRoom<Real> room_in(Memory& memory) const {
    return chebyshev_room_in(memory, in.tables, true);
  }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, const ChebyshevRoom<Real>& room, const Crew& crew) const {
    const ChebyshevTables<Real>& tables = in.tables;
    const NeighbourhoodSums<Real, Crew> around(in, room, crew, atom, true);
    const Real* const own = by_features + atom * tables.n_sets * features_of_set(tables);
    around.add_up();
    write_by_sums(around, own);
    const int64_t first = in.first_edge[atom];
    crew.for_each(static_cast<int>(in.first_edge[atom + 1] - first),
                  [&](int k) { write_by_vector(around, own, first + k); });
  }

  template <class Crew>
  MLIP_BOTH void write_by_sums(const NeighbourhoodSums<Real, Crew>& around, const Real* own) const {
    const ChebyshevTables<Real>& tables = in.tables;
    const ChebyshevRoom<Real>& room = around.room;
    const int degrees = tables.angular_order + 1, harmonics = around.sums.moments;
    around.crew.for_each(tables.n_sets * degrees, [&](int q) {
      const Real* const by = own + q / degrees * features_of_set(tables) + tables.radial_order + 1;
      room.pairs[q] = by_sum_over_pairs(tables, q % degrees, by);
    });
    around.crew.for_each(tables.n_sets * degrees, [&](int q) {
      const int set = q / degrees, l = q % degrees;
      const Real factor = 2 * by_square<Real>(l) * room.pairs[q];
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        room.by_moments[set * harmonics + lm] = factor * around.moments(set)[lm];
      }
    });
    around.crew.for_each(tables.n_sets, [&](int set) {
      Real sum = 0;
      for (int l = 0; l < degrees; ++l) sum -= room.pairs[set * degrees + l] / 2;
      room.by_alone[set] = sum;
    });
  }

  template <class Crew>
  MLIP_BOTH void write_by_vector(const NeighbourhoodSums<Real, Crew>& around, const Real* own,
                                 int64_t edge) const {
    const ChebyshevTables<Real>& tables = in.tables;
    const ChebyshevRoom<Real>& room = around.room;
    const Neighbour<Real> at(in.edges.vectors + 3 * edge);
    const auto weight = [&](int set) { return around.weight(edge, set); };
    Real by_r = 0, by[3] = {0, 0, 0};
    if (at.r < Real(tables.radial.radius)) by_r = radial_gradient(tables, own, at.r, weight);
    if (at.r < Real(tables.angular.radius)) {
      angular_gradient(tables, room.by_alone, room.by_moments, at.r, at.unit, weight, by_r, by);
    }
    join_gradient(by_r, by, at.unit, at.inverse_r, by_vectors + 3 * edge);
  }
};

}  // namespace mlip::gpu
