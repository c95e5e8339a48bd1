// Behler's symmetry functions of atoms, and their derivatives by the vectors to the neighbours.
//
// J. Behler, J. Chem. Phys. 134, 074106 (2011); weighted ones: M. Gastegger et al., J. Chem. Phys.
// 148, 241709 (2018). Plain C++17: no torch, no Python, no global state.
//
//   mlip::SymmetryFunctions functions(listed, {0, 0}, {1.0, 8.0}, {mlip::CutoffKind::tanh3, 0.0});
//   functions.evaluate(environments, features, 1);
//   functions.differentiate(environments, gradient, by_vector, 1);
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mlip/cutoffs.h"
#include "mlip/environments.h"

namespace mlip {

struct CutoffShape {
  CutoffKind kind;
  double start;  // part of the cutoff up to which the weight is one
};

// G2: sum_j exp(-eta (r_ij - shift)^2) f(r_ij).
// G4: 2^(1 - zeta) sum_{j<k} (1 + sign cos theta)^zeta exp(-eta sum (r - shift)^2) prod f(r), with
// sum and product over r_ij, r_ik, r_jk. G5: the same without r_jk.
enum class FunctionKind : int32_t { G2, G4, G5 };

// Lengths in one unit, any.
struct SymmetryFunction {
  FunctionKind kind;
  int32_t list;    // to which list of functions it belongs
  int32_t column;  // where its value goes among the features of an atom
  // Species of the neighbours, the second for angular functions only; -1 for neighbours of all
  // species, each term weighted by the weights of their species.
  int32_t first, second;
  int32_t sign;
  double eta, shift, cutoff, zeta;
};

class SymmetryFunctions {
 public:
  // list_of_species : which list of functions an atom of each species at the centre has; at most
  //   as many lists as species
  // weights : of each species, for functions that see all
  //
  // Throws std::invalid_argument if a function names a species or list that does not exist or has
  // a cutoff that is not positive, or a cutoff function that is not level at its start has one.
  SymmetryFunctions(const std::vector<SymmetryFunction>& functions,
                    const std::vector<int32_t>& list_of_species, const std::vector<double>& weights,
                    CutoffShape cutoff);
  ~SymmetryFunctions();
  SymmetryFunctions(const SymmetryFunctions&) = delete;
  SymmetryFunctions& operator=(const SymmetryFunctions&) = delete;

  // Writes features [n_atoms][n_features]; columns that no function of an atom's list has are zero.
  //
  // `threads` is the most that may be used; small inputs use one. The result does not depend on it.
  // Throws std::invalid_argument if two atoms are less than `kClosest` apart or not at a finite
  // distance.
  template <class Real>
  void evaluate(const Environments<Real>& environments, int64_t n_features, Real* features,
                int threads) const;

  // From gradient [n_atoms][n_features], the derivative of a number by the features, that by the
  // vectors, [n_edges][3]; goes through the pairs of neighbours once more and stores nothing.
  template <class Real>
  void differentiate(const Environments<Real>& environments, int64_t n_features,
                     const Real* gradient, Real* by_vector, int threads) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

// Å. Between atoms that are closer there is no direction.
constexpr double kClosest = 1e-3;

}  // namespace mlip
