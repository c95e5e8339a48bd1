// From the derivative by the symmetry functions of one atom to that by the vectors to its
// neighbours, by a crew of threads (surroundings.h). Each neighbour gathers what the pairs that it
// is part of say.
#pragma once

#include <cstdint>

#include "pairs.h"

namespace mlip::gpu {

// From gradient [n_atoms][n_features]: by_vector [n_edges][3].
template <class Real>
struct AtomGradients {
  PlanView plan;
  EdgesByCentre<Real> all;
  Most most;
  int64_t n_features;
  const Real* gradient;
  Real* by_vector;

  template <class Memory>
  MLIP_BOTH AtomRoom<Real> room_in(Memory& memory) const {
    return atom_room_in<Real>(memory, most, true);
  }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, const AtomRoom<Real>& room, const Crew& crew) const {
    const Surroundings<Real, Crew> around(plan, all, room, crew, atom);
    around.look_around();
    const Real* const own = gradient + atom * n_features;
    crew.for_each(around.n(), [&](int k) {
      room.by_x[k] = room.by_y[k] = room.by_z[k] = 0;
      room.along[k] = by_radial(around, own, k) * room.inverse_r[k];
    });
    for (int g = around.list().angular.first; g < around.list().angular.last; ++g) {
      differentiate_angular(Pairs<Real, Crew>(around, plan.angular[g]), own);
    }
    Real* const out = by_vector + 3 * around.first_edge;
    crew.for_each(3 * around.n_edges, [&](int c) { out[c] = 0; });
    crew.for_each(around.n(), [&](int k) {
      Real* const its = out + 3 * room.edge[k];
      its[0] = room.by_x[k] + room.along[k] * room.x[k];
      its[1] = room.by_y[k] + room.along[k] * room.y[k];
      its[2] = room.by_z[k] + room.along[k] * room.z[k];
    });
  }

  // By the distance of neighbour k.
  template <class Crew>
  MLIP_BOTH Real by_radial(const Surroundings<Real, Crew>& around, const Real* own, int k) const {
    const Real r = around.room.r[k];
    Real sum = 0;
    for (int g = around.list().radial.first; g < around.list().radial.last; ++g) {
      const RadialGroup& group = plan.radial[g];
      const Range seen = around.in_sight(group.sees, group.cutoff);
      if (k < seen.first || k >= seen.last) continue;
      const Slope<Real> f = around.weighed(group.sees, group.cutoff, k);
      for (int t = group.terms.first; t < group.terms.last; ++t) {
        const RadialTerm& term = plan.terms[t];
        sum +=
            own[term.column] * times_gaussian<Real>(f, term, r, gaussian<Real>(term, r)).derivative;
      }
    }
    return sum;
  }

  template <class Crew>
  MLIP_BOTH void differentiate_angular(const Pairs<Real, Crew>& pairs, const Real* own) const {
    const PairTable& table = pairs.table;
    const Crew& crew = pairs.around.crew;
    pairs.fill_envelopes();
    pairs.for_some_rows([&](PairRows rows) {
      pairs.look_at(rows, true);
      crew.for_each(rows.n * table.columns(),
                    [&](int p) { differentiate(pairs, pairs.at(rows, p), p, own); });
      const int n = size(table.ones), all_of_them = table.same ? n : n + size(table.others);
      crew.for_each(all_of_them, [&](int a) {
        if (table.same) {
          gather_alike(pairs, rows, a);
        } else if (a < n) {
          gather_row(pairs, rows, a);
        } else {
          gather_column(pairs, rows, a - n);
        }
      });
    });
  }

  // With v and w the vectors to both of a pair, the derivative by v is across w + first_along v,
  // that by w is across v + second_along w.
  template <class Crew>
  MLIP_BOTH void differentiate(const Pairs<Real, Crew>& pairs, const Pair& pair, int p,
                               const Real* own) const {
    const AtomRoom<Real>& room = pairs.room();
    const int j = pair.first, k = pair.second;
    Real by_cosine = 0, by_distance = 0, by_first = 0, by_second = 0;
    for (int e = 0; e < pairs.n_envelopes(); ++e) {
      const Slope<Real> powers = weighted_powers(pairs, e, p, own), third = pairs.third_side(e, p);
      const Real* const envelope = room.envelope + e * room.stride;
      const Real* const slope = room.envelope_slope + e * room.stride;
      const Real both = envelope[j] * envelope[k], value = powers.value * third.value;
      by_cosine += both * powers.derivative * third.value;
      by_distance += both * powers.value * third.derivative;
      by_first += slope[j] * envelope[k] * value;
      by_second += slope[k] * envelope[j] * value;
    }
    if (pairs.group.third_side) by_distance = by_distance / room.distance[p];
    const Real turn = by_cosine * room.cosine[p];
    const Real inverse_j = room.inverse_r[j], inverse_k = room.inverse_r[k];
    room.across[p] = by_cosine * inverse_j * inverse_k - by_distance;
    room.first_along[p] = by_distance + (by_first - turn * inverse_j) * inverse_j;
    room.second_along[p] = by_distance + (by_second - turn * inverse_k) * inverse_k;
  }

  // Sum over the functions with an envelope of twice their gradient times their power of the angle.
  template <class Crew>
  MLIP_BOTH Slope<Real> weighted_powers(const Pairs<Real, Crew>& pairs, int e, int p,
                                        const Real* own) const {
    const Range products = pairs.envelope(e).products;
    Slope<Real> sum = {0, 0};
    for (int s = products.first; s < products.last; ++s) {
      const Product& product = plan.products[s];
      const int place = product.power * pairs.room().pairs + p;
      sum.value += 2 * own[product.column] * pairs.room().power[place];
      sum.derivative += 2 * own[product.column] * pairs.room().power_slope[place];
    }
    return sum;
  }

  MLIP_BOTH static void take(const AtomRoom<Real>& room, int k, int partner, Real across,
                             Real along) {
    room.by_x[k] += across * room.x[partner];
    room.by_y[k] += across * room.y[partner];
    room.by_z[k] += across * room.z[partner];
    room.along[k] += along;
  }

  // Neighbour number c is the first of its own column, and the second of one column of each row.
  template <class Crew>
  MLIP_BOTH static void gather_alike(const Pairs<Real, Crew>& pairs, PairRows rows, int c) {
    const AtomRoom<Real>& room = pairs.room();
    const int n = pairs.table.columns();
    for (int row = 0; row < rows.n; ++row) {
      const int step = rows.first + row + 1;
      const int before = c - step < 0 ? c - step + n : c - step;
      const Pair own = pairs.table.at(rows.first + row, c),
                 other = pairs.table.at(rows.first + row, before);
      const int p = row * n + c, q = row * n + before;
      take(room, own.first, own.second, room.across[p], room.first_along[p]);
      take(room, other.second, other.first, room.across[q], room.second_along[q]);
    }
  }

  template <class Crew>
  MLIP_BOTH static void gather_row(const Pairs<Real, Crew>& pairs, PairRows rows, int one) {
    const AtomRoom<Real>& room = pairs.room();
    const int row = one - rows.first, n = pairs.table.columns();
    if (row < 0 || row >= rows.n) return;
    for (int c = 0; c < n; ++c) {
      const Pair pair = pairs.table.at(one, c);
      const int p = row * n + c;
      take(room, pair.first, pair.second, room.across[p], room.first_along[p]);
    }
  }

  template <class Crew>
  MLIP_BOTH static void gather_column(const Pairs<Real, Crew>& pairs, PairRows rows, int c) {
    const AtomRoom<Real>& room = pairs.room();
    for (int row = 0; row < rows.n; ++row) {
      const Pair pair = pairs.table.at(rows.first + row, c);
      const int p = row * pairs.table.columns() + c;
      take(room, pair.second, pair.first, room.across[p], room.second_along[p]);
    }
  }
};

}  // namespace mlip::gpu
