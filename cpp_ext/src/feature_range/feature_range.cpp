#include "mlip/feature_range.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "edge_problems.h"
#include "instruction_sets.h"
#include "outside.h"
#include "threads.h"

namespace mlip {
namespace {

// A thread is worth waking for about this many features, a tenth of a millisecond.
constexpr int64_t kFeaturesPerThread = 200'000;

// Bounds with their slack.
struct Bounds {
  std::vector<double> lower, upper;

  explicit Bounds(const FeatureRange& range)
      : lower(range.n_species * range.n_features), upper(lower.size()) {
    for (size_t i = 0; i < lower.size(); ++i) {
      const double low = range.lower[i], high = range.upper[i];
      const double slack = range.slack * std::max(std::abs(low), std::abs(high));
      lower[i] = low - slack;
      upper[i] = high + slack;
    }
  }
};

// The fastest loop that this machine has.
template <class Real>
auto chosen() -> decltype(&outside<Real>) {
#ifdef MLIP_X86
  if (has_avx2()) return outside_avx2;
#endif
  return outside<Real>;
}

}  // namespace

template <class Real>
void count_outside(const FeatureRange& range, const Real* features, const int64_t* species,
                   int64_t n_atoms, int threads, int64_t* counts) {
  const int64_t n = range.n_features;
  const Bounds bounds(range);
  const auto loop = chosen<Real>();
  const auto used = std::clamp<int64_t>(n_atoms * n / kFeaturesPerThread, 1, std::max(1, threads));
  in_threads(static_cast<int>(used), [&](int thread) {
    const int64_t end = n_atoms * (thread + 1) / used;
    for (int64_t atom = n_atoms * thread / used; atom < end; ++atom) {
      if (species[atom] < 0 || species[atom] >= range.n_species) {
        throw std::invalid_argument(unknown_species(atom));
      }
      const int64_t row = species[atom] * n;
      counts[atom] =
          loop(features + atom * n, bounds.lower.data() + row, bounds.upper.data() + row, n);
    }
  });
}

template void count_outside(const FeatureRange&, const float*, const int64_t*, int64_t, int,
                            int64_t*);
template void count_outside(const FeatureRange&, const double*, const int64_t*, int64_t, int,
                            int64_t*);

}  // namespace mlip
