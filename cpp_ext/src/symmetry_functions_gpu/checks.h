// Edges and atoms looked at, each by a thread.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "arrays.h"
#include "gpu/shared_words.h"
#include "mlip/symmetry_functions.h"
#include "symmetry_functions/problems.h"

namespace mlip::gpu {

// What can be wrong, in the order in which the processor would find it.
enum class AtomsProblem : uint64_t { kNeighbour, kOrder, kCentre, kSpecies, kDirection };

MLIP_BOTH inline uint64_t coded(AtomsProblem problem, int64_t which) {
  return static_cast<uint64_t>(problem) << 60 | static_cast<uint64_t>(which);
}

struct AtomsReport {
  uint64_t failure;          // the least of those words, or kNoFailure
  uint64_t most_neighbours;  // of any atom
};

// How many edges have a centre before `atom`.
template <class Real>
MLIP_BOTH inline int64_t edges_before(const AtomsAndEdges<Real>& all, int64_t atom) {
  int64_t low = 0, high = all.n_edges;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (all.centres[middle] < atom) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// For each atom, then each edge.
template <class Real>
struct CheckAtoms {
  AtomsAndEdges<Real> all;
  int64_t n_species;
  AtomsReport* report;

  MLIP_BOTH void operator()(int64_t i) const {
    if (i < all.n_atoms) {
      const int64_t species = all.species[i];
      if (species < 0 || species >= n_species) fail(AtomsProblem::kSpecies, i);
      const int64_t n = edges_before(all, i + 1) - edges_before(all, i);
      raise_to(&report->most_neighbours, static_cast<uint64_t>(n < 0 ? 0 : n));
      return;
    }
    const int64_t e = i - all.n_atoms, centre = all.centres[e];
    const bool in_order = e == 0 || all.centres[e - 1] <= centre;
    if (!exists(all.neighbours[e])) fail(AtomsProblem::kNeighbour, e);
    if (!in_order) fail(AtomsProblem::kOrder, e);
    if (!exists(centre)) fail(AtomsProblem::kCentre, e);
    const Real *v = all.vectors + 3 * e, square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    const bool finite = square - square == 0;
    if (!(finite && square >= Real(kClosest * kClosest))) fail(AtomsProblem::kDirection, e);
  }

  MLIP_BOTH bool exists(int64_t atom) const { return atom >= 0 && atom < all.n_atoms; }

  MLIP_BOTH void fail(AtomsProblem problem, int64_t which) const {
    lower_to(&report->failure, coded(problem, which));
  }
};

// Throws std::invalid_argument, as on the processor. `value_at(pointer)` reads a number where the
// edges are.
template <class Real, class ValueAt>
void raise_if_failed(uint64_t failure, const AtomsAndEdges<Real>& all, ValueAt value_at) {
  if (failure == kNoFailure) return;
  const auto which = static_cast<int64_t>(failure & ((uint64_t{1} << 60) - 1));
  switch (static_cast<AtomsProblem>(failure >> 60)) {
    case AtomsProblem::kNeighbour:
      throw std::invalid_argument(no_such_neighbour(kSymmetryFunctions));
    case AtomsProblem::kOrder:
      throw std::invalid_argument(centres_decrease(kSymmetryFunctions));
    case AtomsProblem::kCentre:
      throw std::invalid_argument(no_such_centre(kSymmetryFunctions));
    case AtomsProblem::kSpecies:
      throw std::invalid_argument(unknown_species(which));
    case AtomsProblem::kDirection:
      break;
  }
  Real square = 0;
  for (int c = 0; c < 3; ++c) {
    const Real x = value_at(all.vectors + 3 * which + c);
    square += x * x;
  }
  throw std::invalid_argument(too_close_or_far(which, value_at(all.centres + which),
                                               value_at(all.neighbours + which),
                                               square - square == 0));
}

}  // namespace mlip::gpu
