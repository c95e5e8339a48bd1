// Where the features of two densities lie in the row of an atom.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "mlip/soap.h"

namespace mlip {

struct FeatureOrder {
  int64_t densities;   // that are multiplied: of the species, or channels
  int64_t own, other;  // features of a density with itself, and with another
  bool with_total;

  template <class T>
  MLIP_BOTH explicit FeatureOrder(const SoapBasis<T>& basis)
      : densities(basis.mixing == nullptr ? basis.n_species : basis.channels),
        own((basis.l_max + 1) * int64_t{basis.n_max} * (basis.n_max + 1) / 2),
        other((basis.l_max + 1) * int64_t{basis.n_max} * basis.n_max),
        with_total(basis.with_total) {}

  MLIP_BOTH int64_t count() const {
    return with_total ? densities * other : densities * own + pairs(densities) * other;
  }

  // The first feature of density a with itself, or with the total.
  MLIP_BOTH int64_t place(int64_t a) const {
    return with_total ? a * other : a * own + (a * densities - a * (a + 1) / 2) * other;
  }

  // The first feature of densities a < b.
  MLIP_BOTH int64_t place(int64_t a, int64_t b) const {
    return place(a) + own + (b - a - 1) * other;
  }

 private:
  MLIP_BOTH static int64_t pairs(int64_t n) { return n * (n - 1) / 2; }
};

}  // namespace mlip
