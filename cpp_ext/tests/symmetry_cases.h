// Random atoms, and symmetry functions of them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "mlip/symmetry_functions.h"

using mlip::CutoffKind;
using mlip::FunctionKind;
using mlip::SymmetryFunction;

// Atoms in no cell, with every other one as neighbour. The arrays are exactly as long as they must
// be, so that the sanitizer sees the first number read beyond.
template <class Real>
struct Atoms {
  std::vector<Real> vectors;
  std::vector<int64_t> neighbours, first_edge{0}, species;

  mlip::Environments<Real> view() const {
    return {vectors.data(), neighbours.data(), first_edge.data(), species.data(),
            static_cast<int64_t>(species.size())};
  }
};

template <class Real>
Atoms<Real> random_atoms(int n, double edge) {
  std::mt19937_64 random(n);
  std::uniform_real_distribution<double> uniform(0, edge);
  std::vector<std::array<double, 3>> places(n);
  for (auto& place : places) place = {uniform(random), uniform(random), uniform(random)};
  Atoms<Real> atoms;
  for (int i = 0; i < n; ++i) {
    atoms.species.push_back(i % 3 == 0 ? 1 : 0);
    for (int j = 0; j < n; ++j) {
      if (i == j) continue;
      atoms.neighbours.push_back(j);
      for (int c = 0; c < 3; ++c) {
        atoms.vectors.push_back(static_cast<Real>(places[j][c] - places[i][c]));
      }
    }
    atoms.first_edge.push_back(static_cast<int64_t>(atoms.neighbours.size()));
  }
  return atoms;
}

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

template <class Real>
bool close(const std::vector<Real>& found, const std::vector<Real>& expected, double tolerance) {
  double scale = 0, error = 0;
  for (size_t k = 0; k < expected.size(); ++k) {
    scale = std::max<double>(scale, std::fabs(expected[k]));
    error = std::max<double>(error, std::fabs(found[k] - expected[k]));
  }
  return found.size() == expected.size() && error <= tolerance * scale;
}
