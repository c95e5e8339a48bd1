// The search eight points at a time, in AVX-512 (F and VL).
#include <immintrin.h>

#include "search_rows.h"

namespace mlip {
namespace {

struct Scan {
  static int64_t run(const Grid& grid, const Limits& limits, int32_t centre, int32_t begin,
                     int32_t end, int32_t* out) {
    const __m512d x = _mm512_set1_pd(grid.x[centre]), y = _mm512_set1_pd(grid.y[centre]),
                  z = _mm512_set1_pd(grid.z[centre]);
    const __m512d sure = _mm512_set1_pd(limits.sure), possible = _mm512_set1_pd(limits.possible);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    int32_t* const first = out;
    for (int32_t q = begin; q < end; q += 8) {
      const __m512d dx = _mm512_sub_pd(_mm512_loadu_pd(grid.x + q), x);
      const __m512d dy = _mm512_sub_pd(_mm512_loadu_pd(grid.y + q), y);
      const __m512d dz = _mm512_sub_pd(_mm512_loadu_pd(grid.z + q), z);
      const __m512d r2 = _mm512_fmadd_pd(dx, dx, _mm512_fmadd_pd(dy, dy, _mm512_mul_pd(dz, dz)));
      const int32_t left = end - q;
      const __mmask8 valid = left >= 8 ? 0xff : (1 << left) - 1;
      __mmask8 in = _mm512_mask_cmp_pd_mask(valid, r2, sure, _CMP_LT_OQ);
      const __mmask8 near = _mm512_mask_cmp_pd_mask(valid, r2, possible, _CMP_LT_OQ);
      for (unsigned open = near & ~in; open != 0; open &= open - 1) {
        const int lane = __builtin_ctz(open);
        if (limits.decide(limits.context, centre, q + lane)) in |= 1 << lane;
      }
      // Compressed in a register: storing compressed to memory is slow on some processors.
      const __m256i points = _mm256_add_epi32(_mm256_set1_epi32(q), lanes);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_maskz_compress_epi32(in, points));
      out += __builtin_popcount(in);
    }
    return out - first;
  }
};

}  // namespace

void search_avx512(const Grid& grid, const Limits& limits, const int32_t* centres,
                   int64_t n_centres, int32_t* counts, Found& found) {
  search_rows<Scan>(grid, limits, centres, n_centres, counts, found);
}

}  // namespace mlip
