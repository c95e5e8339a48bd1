// What is said of edges that sums over neighbours cannot be made of.
#pragma once

#include <cstdint>
#include <string>

#include "mlip/neighbour_sums.h"

namespace mlip {

inline std::string no_such_edge(const SumEdges& edges, int64_t edge, int64_t centre,
                                int64_t neighbour) {
  return "edge " + std::to_string(edge) + " joins centre " + std::to_string(centre) + " of " +
         std::to_string(edges.n_centres) + " and neighbour " + std::to_string(neighbour) + " of " +
         std::to_string(edges.n_senders);
}

inline std::string not_sorted(int64_t edge, int64_t centre, int64_t before) {
  return "edges are not sorted by centre: edge " + std::to_string(edge) + " of centre " +
         std::to_string(centre) + " follows one of centre " + std::to_string(before);
}

inline std::string no_direction_between(int64_t centre, int64_t neighbour, bool same_place) {
  return "atoms " + std::to_string(centre) + " and " + std::to_string(neighbour) +
         (same_place
              ? " are in the same place: there is no direction between them; remove one of them"
              : " are not at a finite distance");
}

}  // namespace mlip
