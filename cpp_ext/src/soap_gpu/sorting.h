// Edges looked at and given their rows, each by a thread.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "arrays.h"
#include "edge_problems.h"
#include "gpu/shared_words.h"
#include "soap/problems.h"

namespace mlip::gpu {

// What can be wrong, in the order in which the processor would find it.
enum class SoapProblem : uint64_t { kOrder, kSpecies, kAtoms, kDirection };

MLIP_BOTH inline uint64_t coded(SoapProblem problem, int64_t which) {
  return static_cast<uint64_t>(problem) << 60 | static_cast<uint64_t>(which);
}

template <class T>
MLIP_BOTH inline T length_squared(T x, T y, T z) {
  return x * x + y * y + z * z;
}

// For each atom, then each edge.
template <class T>
struct CheckSoap {
  SoapInput<T> in;
  SortedEdges sorted;

  MLIP_BOTH void operator()(int64_t i) const {
    if (i < in.edges.n_atoms) {
      const int64_t species = in.edges.species[i];
      if (species < 0 || species >= in.basis.n_species) fail(SoapProblem::kSpecies, i);
      return;
    }
    const int64_t e = i - in.edges.n_atoms;
    if (e > 0 && in.edges.centres[e] < in.edges.centres[e - 1]) fail(SoapProblem::kOrder, e);
    if (!exists(in.edges.centres[e]) || !exists(in.edges.neighbours[e])) {
      fail(SoapProblem::kAtoms, e);
    }
    const T *v = in.edges.vectors + 3 * e, square = length_squared(v[0], v[1], v[2]);
    if (!(square > 0 && square - square == 0)) fail(SoapProblem::kDirection, e);
  }

  MLIP_BOTH bool exists(int64_t atom) const { return atom >= 0 && atom < in.edges.n_atoms; }

  MLIP_BOTH void fail(SoapProblem problem, int64_t which) const {
    lower_to(sorted.failure, coded(problem, which));
  }
};

// For each edge, when all of them are right.
template <class T>
struct SoapRow {
  SoapInput<T> in;
  SortedEdges sorted;

  MLIP_BOTH void operator()(int64_t e) const {
    const int64_t species = in.edges.species[in.edges.neighbours[e]];
    sorted.rows[e] = static_cast<uint32_t>(in.edges.centres[e] * in.basis.n_species + species);
    sorted.numbers[e] = static_cast<int32_t>(e);
  }
};

// Throws std::invalid_argument, as operator `op` does on the processor. `value_at(pointer)` reads a
// number where the edges are.
template <class T, class ValueAt>
void raise_if_failed(uint64_t failure, const char* op, const SoapInput<T>& in, ValueAt value_at) {
  if (failure == kNoFailure) return;
  const auto which = static_cast<int64_t>(failure & ((uint64_t{1} << 60) - 1));
  const SoapEdges<T>& edges = in.edges;
  const auto problem = static_cast<SoapProblem>(failure >> 60);
  if (problem == SoapProblem::kOrder) throw std::invalid_argument(centres_decrease(op));
  if (problem == SoapProblem::kSpecies) {
    throw std::invalid_argument(
        unknown_species(which, value_at(edges.species + which), in.basis.n_species));
  }
  const int64_t i = value_at(edges.centres + which), j = value_at(edges.neighbours + which);
  if (problem == SoapProblem::kAtoms) {
    throw std::invalid_argument(no_such_atoms(which, i, j, edges.n_atoms));
  }
  const T* const v = edges.vectors + 3 * which;
  const T square = length_squared(value_at(v), value_at(v + 1), value_at(v + 2));
  throw std::invalid_argument(no_direction(which, i, j, square == 0));
}

}  // namespace mlip::gpu
