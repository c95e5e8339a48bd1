// Pairs of neighbours of one atom, as a group of angular functions sees them, in rows and columns:
// of neighbours of two species each row is one of the first and each column one of the second; of n
// neighbours alike, row d and column c are neighbours c and (c + d + 1) mod n, so that n / 2 rows
// have each pair once (where n is even the second half of the last row would repeat the first).
#pragma once

#include <cstdint>

#include "surroundings.h"

namespace mlip::gpu {

struct Pair {
  int first, second;  // neighbours
  bool counts;
};

struct PairTable {
  Range ones, others;
  bool same;

  MLIP_BOTH int rows() const { return same ? columns() / 2 : size(ones); }
  MLIP_BOTH int columns() const { return size(others); }

  MLIP_BOTH Pair at(int row, int column) const {
    if (!same) return {ones.first + row, others.first + column, true};
    const int n = columns(), other = column + row + 1;
    const bool repeats = 2 * (row + 1) == n && 2 * column >= n;
    return {ones.first + column, ones.first + (other < n ? other : other - n), !repeats};
  }
};

// Some rows of the table.
struct PairRows {
  int first, n;
};

template <class Real, class Crew>
struct Pairs {
  const Surroundings<Real, Crew>& around;
  const AngularGroup& group;
  PairTable table;

  MLIP_BOTH Pairs(const Surroundings<Real, Crew>& around_, const AngularGroup& group_)
      : around(around_),
        group(group_),
        table{around_.in_sight(group_.first, group_.cutoff),
              around_.in_sight(group_.second, group_.cutoff), group_.first == group_.second} {}

  MLIP_BOTH const AtomRoom<Real>& room() const { return around.room; }
  MLIP_BOTH int n_envelopes() const { return size(group.envelopes); }
  MLIP_BOTH const Envelope& envelope(int e) const {
    return around.plan.envelopes[group.envelopes.first + e];
  }
  MLIP_BOTH Range products() const {
    return {envelope(0).products.first, envelope(n_envelopes() - 1).products.last};
  }

  // Calls work(rows) for all rows, as many at a time as there is room for.
  template <class Work>
  MLIP_BOTH void for_some_rows(Work work) const {
    const int columns = table.columns(), rows = table.rows();
    if (columns == 0) return;
    const int together = room().pairs / columns;
    for (int row = 0; row < rows; row += together) {
      work(PairRows{row, rows - row < together ? rows - row : together});
    }
  }

  // weight f(r) exp(-eta (r - shift)^2) of each neighbour, for each envelope.
  MLIP_BOTH void fill_envelopes() const {
    fill_envelopes_of(group.first, table.ones);
    if (!table.same) fill_envelopes_of(group.second, table.others);
  }

  MLIP_BOTH void fill_envelopes_of(int species, Range seen) const {
    const int n = size(seen);
    around.crew.for_each(n_envelopes() * n, [&](int q) {
      const int e = q / n, k = seen.first + q % n;
      const Real r = room().r[k];
      const Slope<Real> f = around.weighed(species, group.cutoff, k);
      const Slope<Real> both =
          times_gaussian<Real>(f, envelope(e), r, gaussian<Real>(envelope(e), r));
      room().envelope[e * room().stride + k] = both.value;
      room().envelope_slope[e * room().stride + k] = both.derivative;
    });
  }

  MLIP_BOTH Pair at(PairRows rows, int p) const {
    return table.at(rows.first + p / table.columns(), p % table.columns());
  }

  // Angles, and what the distance between the two says; then powers of the angles.
  MLIP_BOTH void look_at(PairRows rows, bool with_slopes) const {
    const int n = rows.n * table.columns(), n_powers = size(group.powers);
    around.crew.for_each(n, [&](int p) { measure(at(rows, p), p); });
    around.crew.for_each(n_powers * n, [&](int q) {
      const int p = q % n, place = q / n * room().pairs + p;
      const Slope<Real> power =
          angle_power<Real>(around.plan.powers[group.powers.first + q / n], room().cosine[p]);
      room().power[place] = power.value;
      if (with_slopes) room().power_slope[place] = power.derivative;
    });
  }

  MLIP_BOTH void measure(const Pair& pair, int p) const {
    const AtomRoom<Real>& r = room();
    const int j = pair.first, k = pair.second;
    const Real dx = r.x[k] - r.x[j], dy = r.y[k] - r.y[j], dz = r.z[k] - r.z[j];
    const Real dot = r.x[j] * r.x[k] + r.y[j] * r.y[k] + r.z[j] * r.z[k];
    const Real distance = std::sqrt(dx * dx + dy * dy + dz * dz);
    Slope<Real> third = {1, 0};
    if (group.third_side) third = cutoff_function<Real>(around.cutoff(group.cutoff), distance);
    if (!pair.counts) third = {0, 0};
    r.cosine[p] = dot * (r.inverse_r[j] * r.inverse_r[k]);
    r.distance[p] = distance;
    r.third[p] = third.value;
    r.third_slope[p] = third.derivative;
  }

  // What the third side adds to an envelope.
  MLIP_BOTH Slope<Real> third_side(int e, int p) const {
    const Slope<Real> f = {room().third[p], room().third_slope[p]};
    if (!group.third_side) return f;
    const Real distance = room().distance[p];
    return times_gaussian<Real>(f, envelope(e), distance, gaussian<Real>(envelope(e), distance));
  }
};

}  // namespace mlip::gpu
