// Symmetry functions of random atoms.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "mlip/symmetry_functions.h"
#include "random_atoms.h"

using mlip::CutoffKind;
using mlip::FunctionKind;
using mlip::SymmetryFunction;

inline const std::vector<double> kWeights = {1, 8};

// Two lists: for species 0 everything, for species 1 a few.
inline std::vector<SymmetryFunction> functions() {
  const auto G2 = FunctionKind::G2, G4 = FunctionKind::G4, G5 = FunctionKind::G5;
  return {
      {G2, 0, 0, 0, -1, 1, 0.3, 0.0, 5.0, 1},   {G2, 0, 1, 1, -1, 1, 0.7, 1.5, 4.0, 1},
      {G2, 0, 2, -1, -1, 1, 0.2, 0.5, 5.0, 1},  {G4, 0, 3, 0, 0, 1, 0.05, 0.0, 5.0, 1},
      {G4, 0, 4, 0, 0, -1, 0.05, 0.0, 5.0, 4},  {G4, 0, 5, 1, 0, 1, 0.1, 0.3, 4.0, 2.5},
      {G5, 0, 6, 0, 1, -1, 0.02, 0.0, 5.0, 16}, {G4, 0, 7, -1, -1, 1, 0.03, 0.0, 4.5, 3},
      {G5, 0, 8, 1, 1, 1, 0.0, 0.0, 3.0, 1},    {G2, 1, 0, 0, -1, 1, 1.0, 0.2, 4.0, 1},
      {G4, 1, 3, 0, 0, -1, 0.01, 0.0, 4.0, 1},
  };
}
constexpr int64_t kFeatures = 10;  // the last one belongs to no function

template <class Real>
std::vector<Real> some_gradient(const Atoms<Real>& atoms) {
  std::vector<Real> gradient(atoms.species.size() * kFeatures);
  for (size_t g = 0; g < gradient.size(); ++g) gradient[g] = static_cast<Real>(std::sin(g + 1.0));
  return gradient;
}
