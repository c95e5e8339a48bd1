// Formulas of Chebyshev descriptors (mlip/chebyshev.h), one source of them for all machines. In the
// numbers of lanes.h or one_lane.h, of which one is to be included before.
#pragma once

#include "cutoffs.h"
#include "harmonic_formulas.h"
#include "host_device.h"
#include "kernels.h"

namespace mlip {
namespace {

template <class Real>
MLIP_BOTH inline int n_harmonics(const ChebyshevTables<Real>& tables) {
  return (tables.angular_order + 1) * (tables.angular_order + 1);
}

// Features of an atom for one set of weights.
template <class Real>
MLIP_BOTH inline int features_of_set(const ChebyshevTables<Real>& tables) {
  return tables.radial_order + tables.angular_order + 2;
}

// ------------------------------------------------------------------------------------- radial part

// Twice the place of a distance in -1..1.
template <class Real>
MLIP_BOTH inline Vec<Real> twice_place(const Cutoff& cutoff, Vec<Real> r) {
  return r * Real(4 / cutoff.radius) - 2;
}

// Calls act(a, factor * T_a) for each a up to the order.
template <class Real, class Act>
MLIP_BOTH inline void polynomials(int order, Vec<Real> twice_x, Vec<Real> factor, Act act) {
  Vec<Real> now = factor, before = now * twice_x * Real(0.5);
  for (int a = 0; a <= order; ++a) {
    act(a, now);
    const Vec<Real> next = twice_x * now - before;
    before = now;
    now = next;
  }
}

// sum_a by[a] T_a and its derivative by the place.
template <class Real>
MLIP_BOTH inline Slope<Real> sum_of_polynomials(int order, Vec<Real> twice_x, const Real* by) {
  Slope<Real> sum = {Vec<Real>{}, Vec<Real>{}};
  Vec<Real> now = all<Real>(1), before = twice_x * Real(0.5), d_now = {}, d_before = all<Real>(1);
  for (int a = 0; a <= order; ++a) {
    sum.value += now * by[a];
    sum.derivative += d_now * by[a];
    const Vec<Real> next = twice_x * now - before, d_next = twice_x * d_now + 2 * now - d_before;
    before = now, now = next;
    d_before = d_now, d_now = d_next;
  }
  return sum;
}

// dE/dr of a neighbour by the radial part; weight(set) is that of its species.
template <class Real, class Weight>
MLIP_BOTH inline Vec<Real> radial_gradient(const ChebyshevTables<Real>& tables,
                                           const Real* by_features, Vec<Real> r, Weight weight) {
  const Slope<Real> f = cutoff_function<Real>(tables.radial, r);
  const Vec<Real> twice_x = twice_place<Real>(tables.radial, r);
  const Real steepness = Real(2 / tables.radial.radius);
  Vec<Real> by_r = {};
  for (int s = 0; s < tables.n_sets; ++s) {
    const Slope<Real> sum = sum_of_polynomials<Real>(tables.radial_order, twice_x,
                                                     by_features + s * features_of_set(tables));
    by_r += weight(s) * (sum.value * f.derivative + sum.derivative * f.value * steepness);
  }
  return by_r;
}

// ------------------------------------------------------------------------------------ angular part

// d(sum over pairs of w_j w_k P_l) / d(square of a moment of degree l).
template <class Real>
MLIP_BOTH inline Real by_square(int l) {
  constexpr double pi = 3.14159265358979323846;
  return Real(2 * pi / (2 * l + 1));
}

// The sum over pairs of w_j w_k P_l, from the moments of all degrees and sum_j w_j^2, `alone`.
template <class Real>
MLIP_BOTH inline Real sum_over_pairs(int l, const Real* moments, Real alone) {
  Real squares = 0;
  for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) squares += moments[lm] * moments[lm];
  return by_square<Real>(l) * squares - alone / 2;
}

// dE by the same, from dE/d(angular features); dE/d(alone) is minus half of it.
template <class Real>
MLIP_BOTH inline Real by_sum_over_pairs(const ChebyshevTables<Real>& tables, int l,
                                        const Real* by_features) {
  const int terms = tables.angular_order + 1;
  Real by = 0;
  for (int a = l; a < terms; ++a) by += tables.legendre[l * terms + a] * by_features[a];
  return by;
}

// dE/dr of a neighbour by the angular part, added to by_r, and dE/d(unit vector u), from by_alone
// [set] and by_moments [set][lm].
template <class Real, class Weight>
MLIP_BOTH inline void angular_gradient(const ChebyshevTables<Real>& tables, const Real* by_alone,
                                       const Real* by_moments, Vec<Real> r, const Vec<Real> (&u)[3],
                                       Weight weight, Vec<Real>& by_r, Vec<Real> (&by)[3]) {
  const int harmonics = n_harmonics(tables);
  const Slope<Real> f = cutoff_function<Real>(tables.angular, r);
  const auto by_moment_of_all = [&](int lm) {
    Vec<Real> total = weight(0) * by_moments[lm];
    for (int s = 1; s < tables.n_sets; ++s) total += weight(s) * by_moments[s * harmonics + lm];
    return total;
  };
  by_r += f.derivative * sum_of_harmonics(tables.harmonics, u, by_moment_of_all, by);
  for (int c = 0; c < 3; ++c) by[c] *= f.value;
  for (int s = 0; s < tables.n_sets; ++s) {
    by_r += weight(s) * weight(s) * f.value * f.derivative * (2 * by_alone[s]);
  }
}

}  // namespace
}  // namespace mlip
