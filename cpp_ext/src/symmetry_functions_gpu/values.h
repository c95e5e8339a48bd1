// Symmetry functions of one atom, by a crew of threads (surroundings.h).
#pragma once

#include <cstdint>

#include "pairs.h"

namespace mlip::gpu {

// features [n_atoms][n_features].
template <class Real>
struct AtomFeatures {
  PlanView plan;
  EdgesByCentre<Real> all;
  Most most;
  int64_t n_features;
  Real* features;

  template <class Memory>
  MLIP_BOTH AtomRoom<Real> room_in(Memory& memory) const {
    return atom_room_in<Real>(memory, most, false);
  }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, const AtomRoom<Real>& room, const Crew& crew) const {
    const Surroundings<Real, Crew> around(plan, all, room, crew, atom);
    around.look_around();
    Real* const own = features + atom * n_features;
    crew.for_each(static_cast<int>(n_features), [&](int column) { own[column] = 0; });
    for (int g = around.list().radial.first; g < around.list().radial.last; ++g) {
      add_radial(around, plan.radial[g], own);
    }
    for (int g = around.list().angular.first; g < around.list().angular.last; ++g) {
      add_angular(Pairs<Real, Crew>(around, plan.angular[g]), own);
    }
  }

  template <class Crew>
  MLIP_BOTH void add_radial(const Surroundings<Real, Crew>& around, const RadialGroup& group,
                            Real* own) const {
    const Range seen = around.in_sight(group.sees, group.cutoff);
    around.crew.for_each(size(group.terms), [&](int t) {
      const RadialTerm& term = plan.terms[group.terms.first + t];
      Real sum = 0;
      for (int k = seen.first; k < seen.last; ++k) {
        const Real f = around.weighed(group.sees, group.cutoff, k).value;
        sum += f * gaussian<Real>(term, around.room.r[k]);
      }
      own[term.column] = sum;
    });
  }

  template <class Crew>
  MLIP_BOTH void add_angular(const Pairs<Real, Crew>& pairs, Real* own) const {
    const AtomRoom<Real>& room = pairs.room();
    const Crew& crew = pairs.around.crew;
    const Range products = pairs.products();
    pairs.fill_envelopes();
    crew.for_each(size(products) * kParts, [&](int q) { room.sums[q] = 0; });
    pairs.for_some_rows([&](PairRows rows) {
      const int n = rows.n * pairs.table.columns();
      pairs.look_at(rows, false);
      crew.for_each(pairs.n_envelopes() * n, [&](int q) {
        const int e = q / n, p = q % n;
        const Pair pair = pairs.at(rows, p);
        const Real* const envelope = room.envelope + e * room.stride;
        room.term[e * room.pairs + p] =
            envelope[pair.first] * envelope[pair.second] * pairs.third_side(e, p).value;
      });
      crew.for_each(size(products) * kParts, [&](int q) {
        const int product = products.first + q / kParts;
        const Real* const term = room.term + envelope_of(pairs, product) * room.pairs;
        const Real* const power = room.power + plan.products[product].power * room.pairs;
        Real sum = room.sums[q];
        for (int p = q % kParts; p < n; p += kParts) sum += term[p] * power[p];
        room.sums[q] = sum;
      });
    });
    crew.for_each(size(products), [&](int s) {
      Real sum = 0;
      for (int part = 0; part < kParts; ++part) sum += room.sums[s * kParts + part];
      own[plan.products[products.first + s].column] = 2 * sum;
    });
  }

  template <class Crew>
  MLIP_BOTH static int envelope_of(const Pairs<Real, Crew>& pairs, int product) {
    int e = 0;
    while (pairs.envelope(e).products.last <= product) ++e;
    return e;
  }
};

}  // namespace mlip::gpu
