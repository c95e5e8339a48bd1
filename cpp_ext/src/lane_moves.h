// Roots, comparisons and moves between lanes, for which each instruction set has its own words.
//
//   lanes_below(a, b)   bits of the lanes where a < b
//   gathered(v, bits)   the lanes of `bits` side by side; anything after them
//   spread(v, bits)     the other way round: back to their places, zero elsewhere
#pragma once

#include "lanes.h"

namespace mlip {
namespace {

#if defined(__AVX512F__)

inline Doubles square_root(Doubles v) { return _mm512_sqrt_pd(v); }
inline Floats square_root(Floats v) { return _mm512_sqrt_ps(v); }
inline uint32_t lanes_below(Doubles a, Doubles b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
inline uint32_t lanes_below(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
inline double sum(Doubles v) { return _mm512_reduce_add_pd(v); }
inline float sum(Floats v) { return _mm512_reduce_add_ps(v); }
inline Doubles gathered(Doubles v, uint32_t bits) { return _mm512_maskz_compress_pd(bits, v); }
inline Floats gathered(Floats v, uint32_t bits) { return _mm512_maskz_compress_ps(bits, v); }
inline Doubles spread(Doubles v, uint32_t bits) { return _mm512_maskz_expand_pd(bits, v); }
inline Floats spread(Floats v, uint32_t bits) { return _mm512_maskz_expand_ps(bits, v); }

#elif defined(__AVX2__)

inline Doubles square_root(Doubles v) { return _mm256_sqrt_pd(v); }
inline Floats square_root(Floats v) { return _mm256_sqrt_ps(v); }
inline uint32_t lanes_below(Doubles a, Doubles b) {
  return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LT_OQ));
}
inline uint32_t lanes_below(Floats a, Floats b) {
  return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

inline double sum(Doubles v) { return (v[0] + v[1]) + (v[2] + v[3]); }
inline float sum(Floats v) {
  return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

// For each set of lanes, from where the eight 32-bit parts of a vector come, a byte each.
template <int lanes>
struct Moves {
  uint64_t gather[1 << lanes] = {}, scatter[1 << lanes] = {};
  constexpr Moves() {
    constexpr int parts = 8 / lanes;
    for (unsigned bits = 0; bits < 1u << lanes; ++bits) {
      unsigned n = 0;
      for (unsigned l = 0; l < lanes; ++l) {
        if (!(bits >> l & 1)) continue;
        for (unsigned p = 0; p < parts; ++p) {
          gather[bits] |= uint64_t{l * parts + p} << 8 * (n * parts + p);
          scatter[bits] |= uint64_t{n * parts + p} << 8 * (l * parts + p);
        }
        ++n;
      }
    }
  }
};
constexpr Moves<4> kMovesOfDoubles;
constexpr Moves<8> kMovesOfFloats;

inline __m256 moved(__m256 v, uint64_t from) {
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(from));
  return _mm256_permutevar8x32_ps(v, _mm256_cvtepu8_epi32(bytes));
}

inline Doubles gathered(Doubles v, uint32_t bits) {
  return _mm256_castps_pd(moved(_mm256_castpd_ps(v), kMovesOfDoubles.gather[bits]));
}
inline Floats gathered(Floats v, uint32_t bits) { return moved(v, kMovesOfFloats.gather[bits]); }

inline Doubles spread(Doubles v, uint32_t bits) {
  const __m256i lane = _mm256_setr_epi64x(1, 2, 4, 8);
  const __m256i chosen = _mm256_and_si256(_mm256_set1_epi64x(bits), lane);
  const __m256d kept = _mm256_castsi256_pd(_mm256_cmpeq_epi64(chosen, lane));
  const __m256 back = moved(_mm256_castpd_ps(v), kMovesOfDoubles.scatter[bits]);
  return _mm256_and_pd(_mm256_castps_pd(back), kept);
}
inline Floats spread(Floats v, uint32_t bits) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i chosen = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane);
  const __m256 kept = _mm256_castsi256_ps(_mm256_cmpeq_epi32(chosen, lane));
  return _mm256_and_ps(moved(v, kMovesOfFloats.scatter[bits]), kept);
}

#else

template <class V>
inline V square_root(V v) {
  for (unsigned l = 0; l < sizeof v / sizeof v[0]; ++l) {
    v[l] = sizeof v[0] == 8 ? __builtin_sqrt(v[l]) : __builtin_sqrtf(v[l]);
  }
  return v;
}

template <class V>
inline uint32_t lanes_below(V a, V b) {
  uint32_t bits = 0;
  for (unsigned l = 0; l < sizeof a / sizeof a[0]; ++l) bits |= uint32_t(a[l] < b[l]) << l;
  return bits;
}

template <class V>
inline auto sum(V v) {
  auto total = v[0];
  for (unsigned l = 1; l < sizeof v / sizeof v[0]; ++l) total += v[l];
  return total;
}

template <class V>
inline V gathered(V v, uint32_t bits) {
  V out = {};
  for (unsigned l = 0, n = 0; l < sizeof v / sizeof v[0]; ++l) {
    if (bits >> l & 1) out[n++] = v[l];
  }
  return out;
}

template <class V>
inline V spread(V v, uint32_t bits) {
  V out = {};
  for (unsigned l = 0, n = 0; l < sizeof v / sizeof v[0]; ++l) {
    if (bits >> l & 1) out[l] = v[n++];
  }
  return out;
}

#endif

}  // namespace
}  // namespace mlip
