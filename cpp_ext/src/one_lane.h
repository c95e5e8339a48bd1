// What lanes.h does for several numbers at once, for one: a thread of a GPU. Not together with it.
#pragma once

#include <cmath>

#include "host_device.h"

namespace mlip {
namespace {

template <class Real>
using Vec = Real;

template <class Real>
MLIP_BOTH inline Real all(Real value) {
  return value;
}

template <class Real>
MLIP_BOTH inline Real smaller(Real a, Real b) {
  return a < b ? a : b;
}

template <class Real>
MLIP_BOTH inline Real larger(Real a, Real b) {
  return a > b ? a : b;
}

template <class Real>
MLIP_BOTH inline Real exponential(Real x) {
  return std::exp(x);
}

template <class Real>
MLIP_BOTH inline Real raised(Real base, double exponent) {
  return std::pow(base, Real(exponent));
}

}  // namespace
}  // namespace mlip
