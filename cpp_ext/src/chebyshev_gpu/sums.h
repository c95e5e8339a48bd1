// Sums over the neighbours of one atom, by a crew of threads. A crew does `for_each(n, work)`:
// work(0), ..., work(n - 1) in any order or at once, all done and seen by all when it ends; each of
// them writes numbers that no other reads or writes.
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"

namespace mlip::gpu {

// Where a neighbour is.
template <class Real>
struct Neighbour {
  Real r, inverse_r, unit[3];

  MLIP_BOTH explicit Neighbour(const Real* v)
      : r(std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])),
        inverse_r(1 / r),
        unit{v[0] * inverse_r, v[1] * inverse_r, v[2] * inverse_r} {}
};

template <class Real, class Crew>
struct NeighbourhoodSums {
  const ChebyshevInput<Real>& in;
  const ChebyshevRoom<Real>& room;
  const Crew& crew;
  int64_t atom;
  SumsOfSet sums;

  MLIP_BOTH NeighbourhoodSums(const ChebyshevInput<Real>& in_, const ChebyshevRoom<Real>& room_,
                              const Crew& crew_, int64_t atom_, bool back)
      : in(in_), room(room_), crew(crew_), atom(atom_), sums(in_.tables, back) {}

  MLIP_BOTH const Real* moments(int set) const {
    return room.sums + set * sums.count() + sums.radial;
  }
  MLIP_BOTH Real alone(int set) const { return room.sums[set * sums.count() + sums.alone()]; }

  MLIP_BOTH Real weight(int64_t edge, int set) const {
    const int64_t species = in.edges.species[in.edges.neighbours[edge]];
    return in.tables.weights[species * in.tables.n_sets + set];
  }

  MLIP_BOTH void add_up() const {
    const int64_t last = in.first_edge[atom + 1];
    crew.for_each(in.tables.n_sets * sums.count(), [&](int q) { room.sums[q] = 0; });
    for (int64_t e = in.first_edge[atom]; e < last; e += kChebyshevTogether) {
      const int n = static_cast<int>(last - e < kChebyshevTogether ? last - e : kChebyshevTogether);
      crew.for_each(n, [&](int j) { look_at(e + j, j); });
      crew.for_each(in.tables.n_sets * sums.count(), [&](int q) {
        const int set = q / sums.count(), term = q % sums.count();
        const bool is_alone = term == sums.alone();
        const Real* const inner = room.inner + set * kChebyshevTogether;
        const Real* const weights =
            term < sums.radial ? room.weights + set * kChebyshevTogether : inner;
        const Real* const terms = is_alone ? inner : room.terms + term * kChebyshevTogether;
        Real sum = room.sums[q];
        for (int j = 0; j < n; ++j) sum += weights[j] * terms[j];
        room.sums[q] = sum;
      });
    }
  }

  MLIP_BOTH static Real within(const Cutoff& cutoff, Real r) {
    return r < Real(cutoff.radius) ? cutoff_function<Real>(cutoff, r).value : Real(0);
  }

  MLIP_BOTH void look_at(int64_t edge, int j) const {
    const ChebyshevTables<Real>& tables = in.tables;
    const Neighbour<Real> at(in.edges.vectors + 3 * edge);
    const auto term = [&](int k) -> Real& { return room.terms[k * kChebyshevTogether + j]; };
    if (sums.radial > 0) {
      // Far beyond the cutoff polynomials are infinite.
      const Real place = at.r < Real(tables.radial.radius) ? twice_place(tables.radial, at.r) : 0;
      polynomials<Real>(tables.radial_order, place, within(tables.radial, at.r),
                        [&](int a, Real value) { term(a) = value; });
    }
    recursion(tables.harmonics, at.unit[0], at.unit[1], at.unit[2],
              Strided<Real>{&term(sums.radial), kChebyshevTogether});
    const Real f = within(tables.angular, at.r);
    for (int s = 0; s < tables.n_sets; ++s) {
      const Real own = weight(edge, s);
      room.weights[s * kChebyshevTogether + j] = own;
      room.inner[s * kChebyshevTogether + j] = own * f;
    }
  }
};

}  // namespace mlip::gpu
