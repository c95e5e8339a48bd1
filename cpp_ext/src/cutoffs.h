// Cutoff functions and their derivatives, many distances at once; formulas and sources are those of
// mlip/ops/cutoffs.py. In the numbers of lanes.h or one_lane.h, of which one is to be included
// before.
#pragma once

#include "cutoff.h"
#include "host_device.h"

namespace mlip {
namespace {

// A function of the distance and its derivative.
template <class Real>
struct Slope {
  Vec<Real> value, derivative;
};

// sin(pi t) and cos(pi t) for t in [0, 1/2], by their Taylor series.
template <class Real>
MLIP_BOTH inline void sine_and_cosine(Vec<Real> t, Vec<Real>& sine, Vec<Real>& cosine) {
  constexpr double pi = 3.14159265358979323846;
  const Vec<Real> y = t * Real(pi), y2 = y * y;
  sine = cosine = all<Real>(1);
  for (int k = 11; k >= 1; --k) {
    sine = 1 - sine * y2 * Real(1.0 / ((2 * k) * (2 * k + 1)));
    cosine = 1 - cosine * y2 * Real(1.0 / ((2 * k - 1) * (2 * k)));
  }
  sine *= y;
}

// By x = (r - inner) / (radius - inner) in [0, 1].
template <class Real>
MLIP_BOTH inline Slope<Real> cosine_step(Vec<Real> x) {
  constexpr double pi = 3.14159265358979323846;
  Vec<Real> sine, cosine;
  sine_and_cosine<Real>((1 - x) * Real(0.5), sine, cosine);
  return {sine * sine, sine * cosine * Real(-pi)};
}

template <class Real>
MLIP_BOTH inline Slope<Real> tanh3_step(Vec<Real> x, Real norm) {
  const Vec<Real> e = exponential<Real>((x - 1) * Real(2));
  const Vec<Real> t = (1 - e) / (1 + e), t2 = t * t;
  return {t2 * t * norm, t2 * (t2 - 1) * (3 * norm)};
}

template <class Real>
MLIP_BOTH inline Slope<Real> exponential_step(Vec<Real> x) {
  constexpr Real vanished = Real(1.0 / 700.0);
  Vec<Real> falling = 1 - x * x;
  const Vec<Real> inside = falling > vanished ? all<Real>(1) : all<Real>(0);
  falling = larger<Real>(falling, all<Real>(vanished));
  const Vec<Real> inverse = 1 / falling;
  const Vec<Real> value = inside * exponential<Real>(1 - inverse);
  return {value, value * inverse * inverse * x * Real(-2)};
}

// (1 - x)^(p + 1) sum_k C(p + k, k) x^k, whose derivative is
// -(2 p + 1)! / (p!)^2 x^p (1 - x)^p.
template <class Real, int p>
MLIP_BOTH inline Slope<Real> polynomial_step(Vec<Real> x) {
  double binomial[p + 1] = {1}, factor = 1;
  for (int k = 1; k <= p; ++k) {
    binomial[k] = binomial[k - 1] * (p + k) / k;
    factor *= double(p + k) / k;
  }
  const Vec<Real> y = 1 - x;
  Vec<Real> series = all<Real>(Real(binomial[p])), bump = all<Real>(1), high = y;
  for (int k = p - 1; k >= 0; --k) series = series * x + Real(binomial[k]);
  for (int k = 0; k < p; ++k) {
    bump *= x * y;
    high *= y;
  }
  return {high * series, bump * Real(-factor * (2 * p + 1))};
}

template <class Real>
MLIP_BOTH inline Slope<Real> step(CutoffKind kind, Vec<Real> x) {
  constexpr double tanh_1 = 0.76159415595576488812;
  switch (kind) {
    case CutoffKind::cosine:
      return cosine_step<Real>(x);
    case CutoffKind::tanh3:
      return tanh3_step<Real>(x, 1);
    case CutoffKind::tanh3_from_one:
      return tanh3_step<Real>(x, Real(1 / (tanh_1 * tanh_1 * tanh_1)));
    case CutoffKind::exponential:
      return exponential_step<Real>(x);
    case CutoffKind::polynomial1:
      return polynomial_step<Real, 1>(x);
    case CutoffKind::polynomial2:
      return polynomial_step<Real, 2>(x);
    case CutoffKind::polynomial3:
      return polynomial_step<Real, 3>(x);
    case CutoffKind::polynomial4:
      return polynomial_step<Real, 4>(x);
    case CutoffKind::hard:
      break;
  }
  return {x < 1 ? all<Real>(1) : all<Real>(0), all<Real>(0)};
}

// f(r) and f'(r), zero from the cutoff on.
template <class Real>
MLIP_BOTH inline Slope<Real> cutoff_function(const Cutoff& cutoff, Vec<Real> r) {
  const Real scale = Real(1 / (cutoff.radius - cutoff.inner));
  Vec<Real> x = (r - Real(cutoff.inner)) * scale;
  x = larger<Real>(smaller<Real>(x, all<Real>(1)), all<Real>(0));
  Slope<Real> found = step<Real>(cutoff.kind, x);
  found.derivative *= scale;
  return found;
}

}  // namespace
}  // namespace mlip
