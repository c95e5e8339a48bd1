// What comes before the work on atoms, on any `Machine`:
//
//   machine.for_each(n, stage)      stage(0), ..., stage(n - 1), in any order
//   machine.carry(to, from, n)      n bytes there
//   machine.value_at(pointer)       a number from there
//
// A GPU is one (gpu/machine.h); the tests have others.
#pragma once

#include <cstdint>

#include "arrays.h"
#include "chebyshev/problems.h"
#include "gpu/check_atoms.h"
#include "gpu/count_before.h"
#include "harmonics.h"

namespace mlip::gpu {

// For each number of the weights, then of the Legendre polynomials: as the loops want it.
template <class Real>
struct FillTables {
  const double *weights, *legendre;  // those of the basis
  int64_t n_sets, n_species;
  ChebyshevPlace<Real> to;

  MLIP_BOTH void operator()(int64_t i) const {
    const int64_t n_weights = n_sets * n_species;
    if (i >= n_weights) {
      to.legendre[i - n_weights] = static_cast<Real>(legendre[i - n_weights]);
    } else {
      to.weights[i] = static_cast<Real>(weights[i % n_sets * n_species + i / n_sets]);
    }
  }
};

// Throws std::invalid_argument as the processor does; arrays of the basis are where the edges are.
template <class Real, class Machine>
ChebyshevInput<Real> prepare(const ChebyshevBasis& basis, const EdgesByCentre<Real>& edges,
                             const ChebyshevPlace<Real>& to, Machine& machine) {
  check(basis);
  machine.carry(to.failure, &kNoFailure, sizeof kNoFailure);
  machine.for_each(edges.n_atoms + edges.n_edges,
                   CheckAtoms<Real>{edges, basis.n_species, Real(0), to.failure});
  raise_if_failed(
      machine.value_at(to.failure), kChebyshev, edges,
      [&](const auto* at) { return machine.value_at(at); }, not_defined);
  machine.for_each(edges.n_atoms + 1,
                   CountBefore<int64_t, int64_t>{edges.centres, edges.n_edges, to.first_edge});
  const int square = (basis.angular_order + 1) * (basis.angular_order + 1);
  machine.for_each(
      int64_t{basis.n_sets} * basis.n_species + square,
      FillTables<Real>{basis.weights, basis.legendre, basis.n_sets, basis.n_species, to});
  const Harmonics<Real> harmonics(basis.angular_order);
  machine.carry(to.recursion, harmonics.tables().recursion,
                square * static_cast<int64_t>(sizeof(Real)));
  const ChebyshevTables<Real> tables = {basis.radial_order,
                                        basis.angular_order,
                                        basis.n_sets,
                                        {basis.cutoff_function, basis.cutoff, 0},
                                        {basis.cutoff_function, basis.angular_cutoff, 0},
                                        to.weights,
                                        to.legendre,
                                        {basis.angular_order, to.recursion, nullptr, 0}};
  return {tables, edges, to.first_edge};
}

}  // namespace mlip::gpu
