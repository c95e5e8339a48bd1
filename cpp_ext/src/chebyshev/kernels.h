// The hot loops of Chebyshev descriptors. One copy for each instruction set; `chebyshev_kernels`
// tells which of them runs here.
//
// This header and those copies use nothing but raw pointers (instruction_sets.h says why).
#pragma once

#include <cstdint>

#include "cutoff.h"
#include "harmonic_tables.h"
#include "mlip/environments.h"

namespace mlip {

// Everything that does not change from atom to atom.
template <class Real>
struct ChebyshevTables {
  int radial_order, angular_order, n_sets;
  Cutoff radial, angular;
  const Real* weights;   // [species][set]
  const Real* legendre;  // [l][a]
  HarmonicTables<Real> harmonics;
};

// Both treat atoms [first, last) in memory of `bytes` that starts at a multiple of 64, and return
// the first edge that has no direction or no finite length, or -1.
template <class Real>
struct ChebyshevKernels {
  const char* name;
  int64_t (*bytes)(const ChebyshevTables<Real>& tables, int64_t most_neighbours);
  int64_t (*features)(const ChebyshevTables<Real>& tables, const Environments<Real>& atoms,
                      int64_t first, int64_t last, int64_t most_neighbours, char* memory,
                      Real* features);
  int64_t (*gradients)(const ChebyshevTables<Real>& tables, const Environments<Real>& atoms,
                       int64_t first, int64_t last, int64_t most_neighbours, char* memory,
                       const Real* by_features, Real* by_vectors);
};

// Those that this machine runs fastest; levels as in soap/kernels.h.
constexpr int kBestChebyshevLevel = 2;
template <class Real>
ChebyshevKernels<Real> chebyshev_kernels(int level = kBestChebyshevLevel);

}  // namespace mlip
