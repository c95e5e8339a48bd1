// Chebyshev descriptors of random atoms.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "checks.h"
#include "mlip/chebyshev.h"
#include "random_atoms.h"

inline const std::vector<double> kWeights = {1, 1, -1, 2};  // of two species in two sets

// T_a = sum_l coefficients[l][a] P_l: T_(a+1) = 2 x T_a - T_(a-1), and
// x P_l = ((l + 1) P_(l+1) + l P_(l-1)) / (2 l + 1).
inline std::vector<double> legendre(int order) {
  const int n = order + 1;
  std::vector<double> found(n * n, 0.0);
  found[0] = 1;
  if (order > 0) found[n + 1] = 1;
  for (int a = 2; a < n; ++a) {
    for (int l = 0; l < a; ++l) {
      const double share = 2 * found[l * n + a - 1] / (2 * l + 1);
      found[(l + 1) * n + a] += share * (l + 1);
      if (l > 0) found[(l - 1) * n + a] += share * l;
    }
    for (int l = 0; l < a; ++l) found[l * n + a] -= found[l * n + a - 2];
  }
  return found;
}

struct Case {
  int radial_order, angular_order, n_sets;
  CutoffKind cutoff_function = CutoffKind::polynomial2;
  double cutoff = 5, angular_cutoff = 4;
  std::vector<double> of_pairs = legendre(angular_order);

  mlip::ChebyshevBasis basis() const {
    return {radial_order,   angular_order,   cutoff_function, cutoff,
            angular_cutoff, kWeights.data(), n_sets,          2,
            of_pairs.data()};
  }
  int64_t n_features() const { return mlip::chebyshev_features_per_atom(basis()); }

  template <class Real>
  std::vector<Real> features(const Atoms<Real>& atoms, int threads = 1) const {
    std::vector<Real> out(atoms.species.size() * n_features());
    mlip::chebyshev_features(basis(), atoms.view(), threads, out.data());
    return out;
  }

  template <class Real>
  std::vector<Real> gradients(const Atoms<Real>& atoms, const std::vector<Real>& by_features,
                              int threads = 1) const {
    std::vector<Real> out(atoms.vectors.size());
    mlip::chebyshev_gradients(basis(), atoms.view(), threads, by_features.data(), out.data());
    return out;
  }

  template <class Real>
  std::vector<Real> some_gradient(const Atoms<Real>& atoms) const {
    std::mt19937_64 random(5);
    return random_numbers<Real>(atoms.species.size() * n_features(), random);
  }
};
