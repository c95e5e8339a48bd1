// How many features of an atom are outside the range they have in the training data.
//
// Plain C++17: no torch, no Python, no global state.
#pragma once

#include <cstdint>

namespace mlip {

// Everything is borrowed and only read.
struct FeatureRange {
  const double *lower, *upper;  // [n_species][n_features]
  int64_t n_species, n_features;
  double slack;  // how far outside is still inside, in units of the larger bound of the feature
};

// Writes for each atom the number of its features [n_atoms][n_features] that are not between their
// bounds, as what is not a number. `threads` is the most that may be
// used; small inputs use one. Real is float or double. Throws std::invalid_argument if an atom is
// of an unknown species.
template <class Real>
void count_outside(const FeatureRange& range, const Real* features, const int64_t* species,
                   int64_t n_atoms, int threads, int64_t* counts);

}  // namespace mlip
