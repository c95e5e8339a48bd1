// Edges and atoms looked at, each by a thread.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "edge_problems.h"
#include "edges/formulas.h"
#include "edges/problems.h"
#include "gpu/shared_words.h"

namespace mlip::gpu {

// What can be wrong with an edge, in the order in which the processor would find it; it does not
// mind the last.
enum class EdgeProblem : uint64_t { kAtoms, kStructure, kOrder };

MLIP_BOTH inline uint64_t coded(EdgeProblem problem, int64_t edge) {
  return static_cast<uint64_t>(edge) << 2 | static_cast<uint64_t>(problem);
}

constexpr uint64_t kAtomsOutOfOrder = uint64_t{1} << 62;

// For each edge.
struct CheckEdges {
  Edges edges;
  bool in_order;  // whether they must be
  uint64_t* failure;

  MLIP_BOTH void operator()(int64_t e) const {
    const int64_t i = edges.centres[e];
    if (!is_below(i, edges.n_atoms) || !is_below(edges.neighbours[e], edges.n_atoms)) {
      lower_to(failure, coded(EdgeProblem::kAtoms, e));
      return;
    }
    const bool last = e + 1 == edges.n_edges || edges.centres[e + 1] != i;
    if (last && !is_below(edges.structure[i], edges.n_structures)) {
      lower_to(failure, coded(EdgeProblem::kStructure, e));
    }
    if (in_order && e > 0 && i < edges.centres[e - 1]) {
      lower_to(failure, coded(EdgeProblem::kOrder, e));
    }
  }
};

// For each atom.
struct CheckOrderOfAtoms {
  const int64_t* structure;
  uint64_t* failure;

  MLIP_BOTH void operator()(int64_t a) const {
    if (a > 0 && structure[a] < structure[a - 1]) lower_to(failure, kAtomsOutOfOrder);
  }
};

// Throws std::invalid_argument, as the processor does.
template <class Machine>
void raise_if_failed(const char* op, const Edges& edges, const uint64_t* at, Machine& machine) {
  const uint64_t failure = machine.value_at(at);
  if (failure == kNoFailure) return;
  if (failure == kAtomsOutOfOrder) {
    throw std::invalid_argument(std::string(op) +
                                ": atoms must be in the order of their structures");
  }
  const auto e = static_cast<int64_t>(failure >> 2);
  const int64_t centre = machine.value_at(edges.centres + e);
  switch (static_cast<EdgeProblem>(failure & 3)) {
    case EdgeProblem::kAtoms:
      throw std::invalid_argument(
          joins_no_atoms(edges, e, centre, machine.value_at(edges.neighbours + e)));
    case EdgeProblem::kStructure:
      throw std::invalid_argument(
          of_no_structure(edges, centre, machine.value_at(edges.structure + centre)));
    case EdgeProblem::kOrder:
      throw std::invalid_argument(centres_decrease(op));
  }
}

}  // namespace mlip::gpu
