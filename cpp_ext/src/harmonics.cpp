#include "harmonics.h"

#include <cmath>
#include <cstdlib>

namespace mlip {
namespace {

double norm(int l, int m) {
  constexpr double kPi = 3.14159265358979323846;
  const double factorials = std::tgamma(l - m + 1.0) * std::tgamma(l + m + 1.0);
  return std::sqrt((m == 0 ? 1 : 2) * (2 * l + 1) / (4 * kPi) * factorials);
}

}  // namespace

template <class T>
Harmonics<T>::Harmonics(int l_max) : l_max_(l_max) {
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
