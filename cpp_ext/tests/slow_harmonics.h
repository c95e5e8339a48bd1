// Spherical harmonics by their definition in angles.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>

// Real and orthonormal, without the Condon-Shortley sign; v need not be a unit vector.
inline double harmonic(int l, int m, const double* v) {
  const double r = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), phi = std::atan2(v[1], v[0]);
  const int k = std::abs(m);
  double norm = (2 * l + 1) / (4 * std::acos(-1.0)) * (m == 0 ? 1 : 2);
  norm *= std::tgamma(l - k + 1.0) / std::tgamma(l + k + 1.0);
  // P_k^k, then upwards in l.
  double before = 0, value = 1;
  const double c = v[2] / r, s = std::sqrt(std::max(0.0, 1 - c * c));
  for (int i = 1; i <= k; ++i) value *= (2 * i - 1) * s;
  for (int i = k + 1; i <= l; ++i) {
    const double next = ((2 * i - 1) * c * value - (i + k - 1) * before) / (i - k);
    before = value;
    value = next;
  }
  return std::sqrt(norm) * value * (m < 0 ? std::sin(k * phi) : std::cos(k * phi));
}
