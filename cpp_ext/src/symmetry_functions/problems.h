// What is said of atoms and edges that symmetry functions cannot be made of.
#pragma once

#include <cstdint>
#include <string>

namespace mlip {

inline std::string no_such_neighbour() {
  return "mlip::symmetry_functions: a neighbour is not an atom";
}

inline std::string no_such_centre() { return "mlip::symmetry_functions: centres must be atoms"; }

inline std::string unknown_species(int64_t atom) {
  return "atom " + std::to_string(atom) + " is of an unknown species";
}

inline std::string too_many_neighbours() { return "an atom has too many neighbours"; }

// Of an edge that is too short or not finite.
inline std::string too_close_or_far(int64_t edge, int64_t centre, int64_t neighbour, bool finite) {
  const std::string who = "atoms " + std::to_string(centre) + " and " + std::to_string(neighbour);
  if (!finite) {
    return who + " are not at a finite distance (edge " + std::to_string(edge) +
           "); symmetry functions are not defined there";
  }
  return who +
         " are less than 0.001 Å apart: symmetry functions need directions between atoms; look for "
         "atoms that are there twice";
}

}  // namespace mlip
