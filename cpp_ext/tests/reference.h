// Every pair, every image: slow, obvious, and written without the core.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

using Pair = std::array<int64_t, 5>;  // centre, neighbour, shift

struct Structure {
  std::vector<double> positions;
  std::array<double, 9> cell;
  std::array<bool, 3> periodic;

  int64_t size() const { return static_cast<int64_t>(positions.size() / 3); }
};

// Tries all shifts up to `images` along periodic directions; sorted.
inline std::vector<Pair> reference_pairs(const Structure& s, double cutoff, int64_t images) {
  std::vector<Pair> pairs;
  int64_t most[3];
  for (int k = 0; k < 3; ++k) most[k] = s.periodic[k] ? images : 0;
  for (int64_t i = 0; i < s.size(); ++i) {
    for (int64_t j = 0; j < s.size(); ++j) {
      for (int64_t a = -most[0]; a <= most[0]; ++a) {
        for (int64_t b = -most[1]; b <= most[1]; ++b) {
          for (int64_t c = -most[2]; c <= most[2]; ++c) {
            if (i == j && a == 0 && b == 0 && c == 0) continue;
            double r2 = 0;
            for (int d = 0; d < 3; ++d) {
              const double shift = a * s.cell[d] + b * s.cell[3 + d] + c * s.cell[6 + d];
              const double v = s.positions[3 * j + d] - s.positions[3 * i + d] + shift;
              r2 += v * v;
            }
            if (r2 < cutoff * cutoff) pairs.push_back({i, j, a, b, c});
          }
        }
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}
