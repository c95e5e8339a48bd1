// Loops over the components of a degree whose number the compiler knows, so that they stay in
// registers.
#pragma once

#include "host_device.h"
#include "mlip/neighbour_sums.h"

namespace mlip::gpu {

template <int M>
struct Components {
  static constexpr int value = M;
};

// Calls act(2 l + 1 as a type).
template <class Act>
MLIP_BOTH inline void with_components(int l, const Act& act) {
  static_assert(kSumsMostDegrees == 6);
  switch (l) {
    case 0:
      return act(Components<1>());
    case 1:
      return act(Components<3>());
    case 2:
      return act(Components<5>());
    case 3:
      return act(Components<7>());
    case 4:
      return act(Components<9>());
    case 5:
      return act(Components<11>());
    default:
      return act(Components<13>());
  }
}

}  // namespace mlip::gpu
