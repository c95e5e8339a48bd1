#include "harmonics.h"

#include <cmath>
#include <cstdlib>

namespace mlip {
namespace {

constexpr double kPi = 3.14159265358979323846;

// norm_lm for 0 <= m <= l, [l][m].
std::vector<double> norms(int l_max) {
  std::vector<double> factorial(2 * l_max + 1, 1.0), found((l_max + 1) * (l_max + 1));
  for (int k = 1; k <= 2 * l_max; ++k) factorial[k] = k * factorial[k - 1];
  for (int l = 0; l <= l_max; ++l) {
    for (int m = 0; m <= l; ++m) {
      found[l * (l_max + 1) + m] = std::sqrt((m == 0 ? 1 : 2) * (2 * l + 1) / (4 * kPi) *
                                             factorial[l - m] * factorial[l + m]);
    }
  }
  return found;
}

}  // namespace

template <class T>
double Harmonics<T>::norm(int l, int m) const {
  return norms_[l * (l_max_ + 1) + m];
}

template <class T>
Harmonics<T>::Harmonics(int l_max) : l_max_(l_max), norms_(norms(l_max)) {
  lowering_.reserve(5 * (l_max + 1) * (l_max + 1));
  recursion_.push_back(static_cast<T>(norm(0, 0)));
  for (int l = 1; l <= l_max; ++l) {
    for (int m = 0; m < l; ++m) {
      const double share = norm(l, m) / ((l + m) * (l - m));
      recursion_.push_back(static_cast<T>((2 * l - 1) * share / norm(l - 1, m)));
      recursion_.push_back(static_cast<T>(m < l - 1 ? share / norm(l - 2, m) : 0));
    }
    recursion_.push_back(static_cast<T>(norm(l, l) / norm(l - 1, l - 1) / (2 * l)));
    add(l, 0, 0, 2, 1);
    add(l, 0, 1, 0, -1);
    add(l, 0, -1, 1, -1);
    for (int m = 1; m <= l; ++m) {
      for (const int sign : {1, -1}) {
        add(l, sign * m, sign * m, 2, 1);
        add(l, sign * m, sign * (m + 1), 0, -0.5);
        add(l, sign * m, -sign * (m + 1), 1, -0.5 * sign);
        // There is no S_0.
        if (sign > 0 || m > 1) add(l, sign * m, sign * (m - 1), 0, 0.5);
        if (sign < 0 || m > 1) add(l, sign * m, -sign * (m - 1), 1, -0.5 * sign);
      }
    }
  }
}

template <class T>
void Harmonics<T>::add(int l, int upper, int lower, int axis, double factor) {
  if (std::abs(lower) > l - 1) return;
  const double ratio = norm(l, std::abs(upper)) / norm(l - 1, std::abs(lower));
  lowering_.push_back(
      {l * l + l + upper, (l - 1) * (l - 1) + l - 1 + lower, axis, static_cast<T>(factor * ratio)});
}

template <class T>
HarmonicTables<T> Harmonics<T>::tables() const {
  return {l_max_, recursion_.data(), lowering_.data(), static_cast<int>(lowering_.size())};
}

template class Harmonics<float>;
template class Harmonics<double>;

}  // namespace mlip
