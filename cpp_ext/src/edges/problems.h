// What is said of edges and atoms that there are no vectors of.
#pragma once

#include <cstdint>
#include <string>

#include "mlip/edges.h"

namespace mlip {

constexpr const char* kEdgeVectors = "mlip::edge_vectors";
constexpr const char* kEdgeSums = "mlip::edge_sums";

inline std::string joins_no_atoms(const Edges& edges, int64_t edge, int64_t centre,
                                  int64_t neighbour) {
  return "edge " + std::to_string(edge) + " joins atoms " + std::to_string(centre) + " and " +
         std::to_string(neighbour) + " of " + std::to_string(edges.n_atoms);
}

inline std::string of_no_structure(const Edges& edges, int64_t atom, int64_t structure) {
  return "atom " + std::to_string(atom) + " is of structure " + std::to_string(structure) + " of " +
         std::to_string(edges.n_structures);
}

}  // namespace mlip
