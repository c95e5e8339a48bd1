// What is said of atoms and edges that SOAP cannot be made of.
#pragma once

#include <cstdint>
#include <string>

#include "edge_problems.h"

namespace mlip {

inline std::string unknown_species(int64_t atom, int64_t species, int64_t n_species) {
  return "atom " + std::to_string(atom) + " is of species " + std::to_string(species) +
         ", of which there are " + std::to_string(n_species);
}

inline std::string no_such_atoms(int64_t edge, int64_t centre, int64_t neighbour, int64_t n_atoms) {
  return "edge " + std::to_string(edge) + " joins atoms " + std::to_string(centre) + " and " +
         std::to_string(neighbour) + " of " + std::to_string(n_atoms);
}

inline std::string no_direction(int64_t edge, int64_t centre, int64_t neighbour, bool same_place) {
  return no_direction(edge, centre, neighbour, same_place, "SOAP is not defined");
}

}  // namespace mlip
