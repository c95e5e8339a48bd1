// The search in the platform's baseline instructions, and the choice among all of them.
#include "instruction_sets.h"
#include "search_rows.h"

namespace mlip {
namespace {

struct Scan {
  static int64_t run(const Grid& grid, const Limits& limits, int32_t centre, int32_t begin,
                     int32_t end, int32_t* out) {
    const double x = grid.x[centre], y = grid.y[centre], z = grid.z[centre];
    int64_t n = 0;
    for (int32_t q = begin; q < end; ++q) {
      const double dx = grid.x[q] - x, dy = grid.y[q] - y, dz = grid.z[q] - z;
      const double r2 = dx * dx + dy * dy + dz * dz;
      out[n] = q;
      n += r2 < limits.possible;
      if (r2 >= limits.sure && r2 < limits.possible) {
        n -= !limits.decide(limits.context, centre, q);
      }
    }
    return n;
  }
};

}  // namespace

#ifdef MLIP_X86
void search_avx2(const Grid&, const Limits&, const int32_t*, int64_t, int32_t*, Found&);
void search_avx512(const Grid&, const Limits&, const int32_t*, int64_t, int32_t*, Found&);
#endif

int searches(NamedSearch out[kMostSearches]) {
  int n = 0;
#ifdef MLIP_X86
  if (has_avx512()) out[n++] = {search_avx512, "avx512"};
  if (has_avx2()) out[n++] = {search_avx2, "avx2"};
#endif
  out[n++] = {search_rows<Scan>, "baseline"};
  return n;
}

}  // namespace mlip
