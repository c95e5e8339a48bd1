// What is said of a basis, and of edges, that there are no Chebyshev descriptors of.
#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "edge_problems.h"
#include "mlip/chebyshev.h"

namespace mlip {

constexpr const char* kChebyshev = "mlip::chebyshev";

// Throws std::invalid_argument; weights and legendre are not looked at.
inline void check(const ChebyshevBasis& basis) {
  const auto require = [](bool condition, const char* otherwise) {
    if (!condition) throw std::invalid_argument(std::string("Chebyshev descriptors: ") + otherwise);
  };
  require(basis.radial_order >= 0, "radial_order is negative");
  require(basis.angular_order >= 0 && basis.angular_order <= kChebyshevMostDegrees,
          "angular_order must be 0 to 12");
  require(is_known(basis.cutoff_function), "unknown cutoff function");
  require(std::isfinite(basis.cutoff) && basis.angular_cutoff > 0 &&
              basis.angular_cutoff <= basis.cutoff,
          "cutoffs must be positive, that of the angular part no longer than the other");
}

// Of an edge that is too short or not finite.
inline std::string not_defined(int64_t edge, int64_t centre, int64_t neighbour, bool finite) {
  return no_direction(edge, centre, neighbour, finite, "Chebyshev descriptors are not defined");
}

}  // namespace mlip
