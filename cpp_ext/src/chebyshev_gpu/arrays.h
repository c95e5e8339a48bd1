// What Chebyshev descriptors on a GPU read and work in. All sizes follow from the basis and the
// numbers of atoms and edges, so that memory is asked for once.
#pragma once

#include <cstdint>

#include "one_lane.h"

#include "chebyshev/formulas.h"
#include "mlip/chebyshev.h"
#include "mlip/environments.h"

namespace mlip::gpu {

// Neighbours of an atom that are treated at once.
constexpr int kChebyshevTogether = 64;

template <class Real>
struct ChebyshevInput {
  ChebyshevTables<Real> tables;
  EdgesByCentre<Real> edges;
  const int64_t* first_edge;  // [n_atoms + 1]
};

// What is to be done once before: checks, and the tables in the numbers of the loops.
template <class Real>
struct ChebyshevPlace {
  uint64_t* failure;    // the least of the words of check_atoms.h, or kNoFailure
  int64_t* first_edge;  // [n_atoms + 1]
  Real *weights, *legendre, *recursion;
};

template <class Real, class Memory>
ChebyshevPlace<Real> chebyshev_place_in(Memory& memory, const ChebyshevBasis& basis,
                                        int64_t n_atoms) {
  const int64_t square = int64_t{basis.angular_order + 1} * (basis.angular_order + 1);
  ChebyshevPlace<Real> place;
  place.failure = memory.template take<uint64_t>(1);
  place.first_edge = memory.template take<int64_t>(n_atoms + 1);
  place.weights = memory.template take<Real>(int64_t{basis.n_sets} * basis.n_species);
  place.legendre = memory.template take<Real>(square);
  place.recursion = memory.template take<Real>(square);
  return place;
}

// The sums over neighbours for a set of weights: radial ones, which the way back does not need,
// then moments, then that of squares of weights.
struct SumsOfSet {
  int radial, moments;

  template <class Real>
  MLIP_BOTH SumsOfSet(const ChebyshevTables<Real>& tables, bool back)
      : radial(back ? 0 : tables.radial_order + 1), moments(n_harmonics(tables)) {}

  MLIP_BOTH int alone() const { return radial + moments; }
  MLIP_BOTH int count() const { return radial + moments + 1; }
};

// Where one atom at a time is worked on.
template <class Real>
struct ChebyshevRoom {
  // Of some neighbours, [...][kChebyshevTogether]:
  Real* terms;    // [sums but alone] what is weighted: polynomials times the cutoff function, Y_lm
  Real* weights;  // [set] of the species
  Real* inner;    // [set] times the cutoff function of the angular part
  Real* sums;     // [set][sums]
  Real* pairs;    // [set][l] sums over pairs, or dE by them
  // Only to go back: dE/d(sums).
  Real *by_moments, *by_alone;  // [set][lm], [set]
};

template <class Real, class Memory>
MLIP_BOTH ChebyshevRoom<Real> chebyshev_room_in(Memory& memory, const ChebyshevTables<Real>& tables,
                                                bool back) {
  const SumsOfSet sums(tables, back);
  const int64_t sets = tables.n_sets, of_neighbours = sets * kChebyshevTogether;
  ChebyshevRoom<Real> room;
  room.terms = memory.template take<Real>(int64_t{sums.alone()} * kChebyshevTogether);
  room.weights = memory.template take<Real>(of_neighbours);
  room.inner = memory.template take<Real>(of_neighbours);
  room.sums = memory.template take<Real>(sets * sums.count());
  room.pairs = memory.template take<Real>(sets * (tables.angular_order + 1));
  room.by_moments = memory.template take<Real>(back ? sets * sums.moments : 0);
  room.by_alone = memory.template take<Real>(back ? sets : 0);
  return room;
}

}  // namespace mlip::gpu
