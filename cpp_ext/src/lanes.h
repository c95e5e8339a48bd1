// Several numbers at once, as wide as the instruction set that a file is compiled for, and the
// functions of them that descriptors need. Everything in an unnamed namespace, as
// instruction_sets.h asks.
#pragma once

#include <cstdint>
#ifdef __AVX2__
// GCC 12 warns of what its own intrinsics do.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__  // which has no such warning
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace mlip {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

typedef double Doubles __attribute__((vector_size(kBytes)));
typedef float Floats __attribute__((vector_size(kBytes)));

template <class Real>
struct Lanes;

template <>
struct Lanes<double> {
  using Vector = Doubles;
  typedef int64_t Integers __attribute__((vector_size(kBytes)));
  using Bits = uint64_t;
  static constexpr int width = kBytes / 8;
  // exp(x) = 2^n exp(r): rounding to n by adding `shifter`; ln 2 in two parts.
  static constexpr double shifter = 0x1.8p52, smallest = -708.0;
  static constexpr double ln2_high = 6.93147180369123816490e-01,
                          ln2_low = 1.90821492927058770002e-10;
  static constexpr int mantissa = 52, degree = 13;
};

template <>
struct Lanes<float> {
  using Vector = Floats;
  typedef int32_t Integers __attribute__((vector_size(kBytes)));
  using Bits = uint32_t;
  static constexpr int width = kBytes / 4;
  static constexpr float shifter = 0x1.8p23f, smallest = -87.0f;
  static constexpr float ln2_high = 6.9313812256e-01f, ln2_low = 9.0580006145e-06f;
  static constexpr int mantissa = 23, degree = 7;
};

template <class Real>
using Vec = typename Lanes<Real>::Vector;

template <class Real>
inline Vec<Real> all(Real value) {
  return Vec<Real>{} + value;
}

template <class Real>
inline Vec<Real> load(const Real* from) {
  Vec<Real> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class Real>
inline void store(Real* to, Vec<Real> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

template <class Real>
inline Vec<Real> smaller(Vec<Real> a, Vec<Real> b) {
  return a < b ? a : b;
}

template <class Real>
inline Vec<Real> larger(Vec<Real> a, Vec<Real> b) {
  return a > b ? a : b;
}

// The lanes from the first to before the n-th, as bits.
template <class Real>
inline uint32_t first_lanes(int32_t n) {
  return n >= Lanes<Real>::width ? (1u << Lanes<Real>::width) - 1 : (1u << n) - 1;
}

// Zero in the lanes from the n-th on.
template <class Real>
inline Vec<Real> only_first(Vec<Real> v, int32_t n) {
  if (n >= Lanes<Real>::width) return v;
  for (int l = 0; l < Lanes<Real>::width; ++l) v[l] = l < n ? v[l] : Real(0);
  return v;
}

template <class Real>
struct InverseFactorials {
  Real of[Lanes<Real>::degree + 1] = {};
  constexpr InverseFactorials() {
    double value = 1;
    for (int k = 0; k <= Lanes<Real>::degree; ++k) {
      of[k] = Real(value);
      value /= k + 1;
    }
  }
};

// exp(x) for x <= 0 to about one unit in the last place; below `smallest` as there, some 1e-308.
template <class Real>
inline Vec<Real> exponential(Vec<Real> x) {
  using L = Lanes<Real>;
  constexpr Real log2e = Real(1.4426950408889634074);
  x = larger<Real>(x, all<Real>(L::smallest));
  const Vec<Real> shifted = x * log2e + L::shifter;
  const Vec<Real> n = shifted - L::shifter;
  const Vec<Real> r = (x - n * L::ln2_high) - n * L::ln2_low;
  constexpr InverseFactorials<Real> coefficient;
  Vec<Real> series = all<Real>(coefficient.of[L::degree]);
  for (int k = L::degree - 1; k >= 0; --k) series = series * r + coefficient.of[k];
  typename L::Integers bits, exponent;
  __builtin_memcpy(&bits, &series, sizeof bits);
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << L::mantissa;
  __builtin_memcpy(&series, &bits, sizeof bits);
  return series;
}

// base^exponent of positive numbers.
template <class Real>
inline Vec<Real> raised(Vec<Real> base, double exponent) {
  for (int l = 0; l < Lanes<Real>::width; ++l) base[l] = Real(__builtin_pow(base[l], exponent));
  return base;
}

}  // namespace
}  // namespace mlip
