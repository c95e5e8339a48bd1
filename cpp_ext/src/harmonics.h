// Numbers of the recursions for real spherical harmonics, orthonormal and without the
// Condon-Shortley sign.
#pragma once

#include <vector>

#include "harmonic_tables.h"

namespace mlip {

// With q_lm = r^l P_l^m (cos, sin)(m phi) / (l + m)! (C. A. White, M. Head-Gordon, J. Chem. Phys.
// 101, 6593 (1994)) and Y_lm = norm_lm q_lm, on unit vectors:
//   q_lm = ((2l - 1) z q_(l-1)m - q_(l-2)m) / ((l + m)(l - m)),  m < l
//   q_ll = (x C - y S, y C + x S) / 2l with C, S = q_(l-1)(l-1)
//   dC_m/dz = C_m, 2 dC_m/dx = C_(m-1) - C_(m+1), 2 dC_m/dy = -S_(m-1) - S_(m+1),
//   dS_m/dz = S_m, 2 dS_m/dx = S_(m-1) - S_(m+1), 2 dS_m/dy = C_(m-1) + C_(m+1), all of degree l
//   - 1.
template <class T>
class Harmonics {
 public:
  explicit Harmonics(int l_max);
  HarmonicTables<T> tables() const;

 private:
  double norm(int l, int m) const;
  void add(int l, int upper, int lower, int axis, double factor);

  int l_max_;
  std::vector<double> norms_;  // [l][m]
  std::vector<T> recursion_;   // Y_00; for each l: (factor of z, factor of the second) for m < l,
                               // then the factor of m = l
  std::vector<Lowering<T>> lowering_;
};

}  // namespace mlip
