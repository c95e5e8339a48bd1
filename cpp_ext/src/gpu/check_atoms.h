// Atoms and edges looked at, each by a thread.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "edge_problems.h"
#include "host_device.h"
#include "mlip/environments.h"
#include "shared_words.h"

namespace mlip::gpu {

// What can be wrong, in the order in which the processor would find it.
enum class AtomsProblem : uint64_t { kCentre, kNeighbour, kSpecies, kDirection };

MLIP_BOTH inline uint64_t coded(AtomsProblem problem, int64_t which) {
  return static_cast<uint64_t>(problem) << 60 | static_cast<uint64_t>(which);
}

// For each atom, then each edge.
template <class Real>
struct CheckAtoms {
  EdgesByCentre<Real> all;
  int64_t n_species;
  Real least_square;  // of the length of an edge; it is never zero
  uint64_t* failure;

  MLIP_BOTH void operator()(int64_t i) const {
    if (i < all.n_atoms) {
      const int64_t species = all.species[i];
      if (species < 0 || species >= n_species) fail(AtomsProblem::kSpecies, i);
      return;
    }
    const int64_t e = i - all.n_atoms, centre = all.centres[e];
    const bool in_order = e == 0 || all.centres[e - 1] <= centre;
    if (!in_order || !exists(centre)) fail(AtomsProblem::kCentre, e);
    if (!exists(all.neighbours[e])) fail(AtomsProblem::kNeighbour, e);
    const Real *v = all.vectors + 3 * e, square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    const bool finite = square - square == 0;
    if (!(finite && square > 0 && square >= least_square)) fail(AtomsProblem::kDirection, e);
  }

  MLIP_BOTH bool exists(int64_t atom) const { return atom >= 0 && atom < all.n_atoms; }

  MLIP_BOTH void fail(AtomsProblem problem, int64_t which) const {
    lower_to(failure, coded(problem, which));
  }
};

// Throws std::invalid_argument, as operator `op` does on the processor. `value_at(pointer)` reads a
// number where the edges are; no_direction(edge, centre, neighbour, finite) is what is said of an
// edge that is too short or not finite.
template <class Real, class ValueAt, class NoDirection>
void raise_if_failed(uint64_t failure, const char* op, const EdgesByCentre<Real>& all,
                     ValueAt value_at, NoDirection no_direction) {
  if (failure == kNoFailure) return;
  const auto which = static_cast<int64_t>(failure & ((uint64_t{1} << 60) - 1));
  const auto problem = static_cast<AtomsProblem>(failure >> 60);
  if (problem == AtomsProblem::kSpecies) throw std::invalid_argument(unknown_species(which));
  if (problem == AtomsProblem::kNeighbour) throw std::invalid_argument(no_such_neighbour(op));
  const int64_t centre = value_at(all.centres + which);
  if (problem == AtomsProblem::kCentre) {
    const bool in_order = which == 0 || value_at(all.centres + which - 1) <= centre;
    throw std::invalid_argument(in_order ? no_such_centre(op) : centres_decrease(op));
  }
  Real square = 0;
  for (int c = 0; c < 3; ++c) {
    const Real x = value_at(all.vectors + 3 * which + c);
    square += x * x;
  }
  throw std::invalid_argument(
      no_direction(which, centre, value_at(all.neighbours + which), square - square == 0));
}

}  // namespace mlip::gpu
