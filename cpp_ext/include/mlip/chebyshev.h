// Chebyshev descriptors of atoms, and the derivative of any function of them by the vectors to the
// neighbours, in reverse: the derivatives of the features themselves are never formed.
//
// N. Artrith, A. Urban, G. Ceder, Phys. Rev. B 96, 014112 (2017). With a cutoff function f, and for
// each of some sets of weights w, which neighbours have by their species,
//
//   radial_a  = sum_j w_j T_a(2 r_j / cutoff - 1) f(r_j)
//   angular_a = sum_{j<k} w_j w_k T_a(cos theta_jk) f(r_j) f(r_k)
//
// By the addition theorem the second is linear in the number of neighbours: T_a is a sum of
// Legendre polynomials, and with real spherical harmonics Y_lm
//
//   sum_{j<k} w_j w_k f_j f_k P_l = (4 pi / (2l + 1) sum_m (sum_j w_j f_j Y_lm)^2
//                                    - sum_j (w_j f_j)^2) / 2
//
// Plain C++17: no torch, no Python, no global state. Real is float or double.
#pragma once

#include <cstdint>

#include "mlip/cutoffs.h"
#include "mlip/environments.h"

namespace mlip {

constexpr int kChebyshevMostDegrees = 12;

struct ChebyshevBasis {
  int radial_order;   // highest a of the radial part
  int angular_order;  // highest a of the angular part, at most kChebyshevMostDegrees
  CutoffKind cutoff_function;
  // Å; edges of the first length and longer count for nothing, of the second not for the angular
  // part.
  double cutoff, angular_cutoff;
  const double* weights;  // [n_sets][n_species]
  int n_sets, n_species;
  const double* legendre;  // [l][a], with T_a = sum_l legendre[l][a] P_l
};

// The radial and then the angular part for one set of weights after the other.
inline int64_t chebyshev_features_per_atom(const ChebyshevBasis& basis) {
  return int64_t{basis.n_sets} * (basis.radial_order + basis.angular_order + 2);
}

// Writes features [n_atoms][chebyshev_features_per_atom]. `threads` is the most that may be used;
// small inputs use one. Results do not depend on it.
//
// Throws std::invalid_argument, with words that name the edge, if a neighbour lies at its centre or
// is not at a finite distance, if an atom is of an unknown species, or if the basis is none.
template <class Real>
void chebyshev_features(const ChebyshevBasis& basis, const Environments<Real>& atoms, int threads,
                        Real* features);

// From dE/d(features), for any E: by_vectors [n_edges][3].
template <class Real>
void chebyshev_gradients(const ChebyshevBasis& basis, const Environments<Real>& atoms, int threads,
                         const Real* by_features, Real* by_vectors);

}  // namespace mlip
