// What is said of atoms and edges that no descriptor can be made of.
#pragma once

#include <cstdint>
#include <string>

namespace mlip {

// Of edges that are not sorted by centre, as neighbour lists have them.
inline std::string centres_decrease(const std::string& op) {
  return op + ": centres must be atoms in an order that never decreases";
}

inline std::string no_such_centre(const std::string& op) { return op + ": centres must be atoms"; }

inline std::string no_such_neighbour(const std::string& op) {
  return op + ": a neighbour is not an atom";
}

inline std::string unknown_species(int64_t atom) {
  return "atom " + std::to_string(atom) + " is of an unknown species";
}

// `undefined` says what there is not of such an edge, such as "SOAP is not defined".
inline std::string no_direction(int64_t edge, int64_t centre, int64_t neighbour, bool same_place,
                                const std::string& undefined) {
  return "atoms " + std::to_string(centre) + " and " + std::to_string(neighbour) +
         (same_place ? " are at the same place" : " are not at a finite distance") + " (edge " +
         std::to_string(edge) + "); " + undefined + " there";
}

}  // namespace mlip
