// What is said of atoms and edges that symmetry functions cannot be made of.
#pragma once

#include <cstdint>
#include <string>

#include "edge_problems.h"

namespace mlip {

constexpr const char* kSymmetryFunctions = "mlip::symmetry_functions";

inline std::string too_many_neighbours() { return "an atom has too many neighbours"; }

// Of an edge that is too short or not finite.
inline std::string too_close_or_far(int64_t edge, int64_t centre, int64_t neighbour, bool finite) {
  if (!finite) {
    return no_direction(edge, centre, neighbour, false, "symmetry functions are not defined");
  }
  return "atoms " + std::to_string(centre) + " and " + std::to_string(neighbour) +
         " are less than 0.001 Å apart: symmetry functions need directions between atoms; look for "
         "atoms that are there twice";
}

}  // namespace mlip
