// Random atoms for descriptors, and what they are told by.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "mlip/cutoffs.h"
#include "mlip/environments.h"

using mlip::CutoffKind;

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

// The centre of each edge.
template <class Real>
std::vector<int64_t> centres_of(const Atoms<Real>& atoms) {
  std::vector<int64_t> centres;
  for (size_t a = 0; a < atoms.species.size(); ++a) {
    centres.insert(centres.end(), atoms.first_edge[a + 1] - atoms.first_edge[a], a);
  }
  return centres;
}

template <class Real>
mlip::EdgesByCentre<Real> edges_of(const Atoms<Real>& atoms, const std::vector<int64_t>& centres) {
  return {atoms.vectors.data(),
          centres.data(),
          atoms.neighbours.data(),
          atoms.species.data(),
          static_cast<int64_t>(centres.size()),
          static_cast<int64_t>(atoms.species.size())};
}

// f(r) by x = r / cutoff.
inline double cutoff_value(CutoffKind kind, double x) {
  if (x >= 1) return 0;
  x = std::max(x, 0.0);
  switch (kind) {
    case CutoffKind::hard:
      return 1;
    case CutoffKind::cosine:
      return 0.5 * (1 + std::cos(std::acos(-1.0) * x));
    case CutoffKind::tanh3:
      return std::pow(std::tanh(1 - x), 3);
    case CutoffKind::tanh3_from_one:
      return std::pow(std::tanh(1 - x) / std::tanh(1.0), 3);
    case CutoffKind::exponential:
      return std::exp(1 - 1 / (1 - x * x));
    case CutoffKind::polynomial1:
      return 1 + x * x * (2 * x - 3);
    case CutoffKind::polynomial2:
      return 1 + x * x * x * ((15 - 6 * x) * x - 10);
    case CutoffKind::polynomial3:
      return 1 + std::pow(x, 4) * (x * (x * (20 * x - 70) + 84) - 35);
    case CutoffKind::polynomial4:
      return 1 + std::pow(x, 5) * (x * (x * ((315 - 70 * x) * x - 540) + 420) - 126);
  }
  return 0;
}
