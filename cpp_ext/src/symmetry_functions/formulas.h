// Gaussians of distances and powers of angles. In the numbers of lanes.h or one_lane.h, of which
// one is to be included before.
#pragma once

#include "cutoffs.h"
#include "host_device.h"
#include "plan.h"

namespace mlip {
namespace {

// exp(-eta (r - shift)^2).
template <class Real, class Function>
MLIP_BOTH inline Vec<Real> gaussian(const Function& f, Vec<Real> r) {
  const Vec<Real> d = r - Real(f.shift);
  return exponential<Real>(d * d * Real(-f.eta));
}

// A function of the distance times the Gaussian `g` of it.
template <class Real, class Function>
MLIP_BOTH inline Slope<Real> times_gaussian(const Slope<Real>& f, const Function& function,
                                            Vec<Real> r, Vec<Real> g) {
  const Vec<Real> fall = (r - Real(function.shift)) * Real(-2 * function.eta);
  return {f.value * g, (f.derivative + fall * f.value) * g};
}

// ((1 + sign cos theta) / 2)^zeta and its derivative by the cosine. Whole powers by repeated
// multiplication; others have an infinite derivative at zero, hence the smallest base.
template <class Real>
MLIP_BOTH inline Slope<Real> angle_power(const Power& power, Vec<Real> cosine) {
  const Real half_sign = Real(0.5 * power.sign);
  Vec<Real> base = cosine * half_sign + Real(0.5), below = all<Real>(1);
  if (power.whole < 0) {
    base = larger<Real>(base, all<Real>(Real(1e-12)));
    below = raised<Real>(base, power.zeta - 1);
    const Vec<Real> slope =
        base > Real(1e-12) ? below * Real(power.zeta) * half_sign : all<Real>(0);
    return {below * base, slope};
  }
  Vec<Real> square = base;
  for (int32_t left = power.whole - 1; left > 0; left >>= 1) {
    if (left & 1) below *= square;
    square *= square;
  }
  return {below * base, below * (Real(power.zeta) * half_sign)};
}

}  // namespace
}  // namespace mlip
