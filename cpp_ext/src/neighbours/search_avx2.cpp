// The search four points at a time, in AVX2 and FMA.
#include <immintrin.h>

#include "search_rows.h"

namespace mlip {
namespace {

// For each set of lanes, the order that brings those to the front.
alignas(16) constexpr int32_t kCompress[16][4] = {
    {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0},
    {1, 2, 0, 0}, {0, 1, 2, 0}, {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0},
    {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3}};

struct Scan {
  static int64_t run(const Grid& grid, const Limits& limits, int32_t centre, int32_t begin,
                     int32_t end, int32_t* out) {
    const __m256d x = _mm256_set1_pd(grid.x[centre]), y = _mm256_set1_pd(grid.y[centre]),
                  z = _mm256_set1_pd(grid.z[centre]);
    const __m256d sure = _mm256_set1_pd(limits.sure), possible = _mm256_set1_pd(limits.possible);
    int32_t* const first = out;
    for (int32_t q = begin; q < end; q += 4) {
      const __m256d dx = _mm256_sub_pd(_mm256_loadu_pd(grid.x + q), x);
      const __m256d dy = _mm256_sub_pd(_mm256_loadu_pd(grid.y + q), y);
      const __m256d dz = _mm256_sub_pd(_mm256_loadu_pd(grid.z + q), z);
      const __m256d r2 = _mm256_fmadd_pd(dx, dx, _mm256_fmadd_pd(dy, dy, _mm256_mul_pd(dz, dz)));
      const int32_t left = end - q;
      const unsigned valid = left >= 4 ? 0xf : (1u << left) - 1;
      unsigned in = valid & _mm256_movemask_pd(_mm256_cmp_pd(r2, sure, _CMP_LT_OQ));
      const unsigned near = valid & _mm256_movemask_pd(_mm256_cmp_pd(r2, possible, _CMP_LT_OQ));
      for (unsigned open = near & ~in; open != 0; open &= open - 1) {
        const int lane = __builtin_ctz(open);
        if (limits.decide(limits.context, centre, q + lane)) in |= 1u << lane;
      }
      const __m128i front = _mm_load_si128(reinterpret_cast<const __m128i*>(kCompress[in]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_add_epi32(_mm_set1_epi32(q), front));
      out += __builtin_popcount(in);
    }
    return out - first;
  }
};

}  // namespace

void search_avx2(const Grid& grid, const Limits& limits, const int32_t* centres, int64_t n_centres,
                 int32_t* counts, Found& found) {
  search_rows<Scan>(grid, limits, centres, n_centres, counts, found);
}

}  // namespace mlip
