// What is said of edges that are not sorted by centre, as neighbour lists have them.
#pragma once

#include <string>

namespace mlip {

inline std::string centres_decrease(const char* op) {
  return std::string(op) + ": centres must be atoms in an order that never decreases";
}

}  // namespace mlip
