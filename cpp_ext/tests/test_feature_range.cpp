// Counts of features outside their range, by hand.
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "checks.h"
#include "instruction_sets.h"
#include "mlip/feature_range.h"
#include "outside.h"

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class Real>
struct Case {
  int64_t n_species, n_features;
  std::vector<double> lower, upper;
  std::vector<Real> features;
  std::vector<int64_t> species;

  std::vector<int64_t> counts(double slack, int threads) const {
    std::vector<int64_t> found(species.size(), -1);
    mlip::count_outside<Real>({lower.data(), upper.data(), n_species, n_features, slack},
                              features.data(), species.data(), static_cast<int64_t>(species.size()),
                              threads, found.data());
    return found;
  }
};

template <class Real>
Case<Real> random_case(int64_t n_atoms, int64_t n_species, int64_t n_features) {
  std::mt19937_64 random(n_atoms);
  Case<Real> c{n_species, n_features, {}, {}, {}, {}};
  c.lower = random_numbers<double>(n_species * n_features, random);
  for (const double low : c.lower) c.upper.push_back(low + 0.5);
  c.features = random_numbers<Real>(n_atoms * n_features, random);
  for (int64_t a = 0; a < n_atoms; ++a) {
    c.species.push_back(static_cast<int64_t>(random() % n_species));
  }
  return c;
}

template <class Real>
std::vector<int64_t> by_hand(const Case<Real>& c, double slack) {
  std::vector<int64_t> counts;
  for (size_t a = 0; a < c.species.size(); ++a) {
    counts.push_back(0);
    for (int64_t f = 0; f < c.n_features; ++f) {
      const int64_t bound = c.species[a] * c.n_features + f;
      const double low = c.lower[bound], high = c.upper[bound],
                   x = c.features[a * c.n_features + f];
      const double outside = slack * std::fmax(std::fabs(low), std::fabs(high));
      if (x < low - outside || x > high + outside) ++counts.back();
    }
  }
  return counts;
}

template <class Real>
void test_against_hand() {
  for (int64_t n_atoms : {0, 1, 37, 3000}) {
    const Case<Real> c = random_case<Real>(n_atoms, 3, 170);
    for (double slack : {0.0, 1e-9, 0.3}) {
      const auto expected = by_hand(c, slack);
      for (int threads : {1, 2, 5}) {
        expect(c.counts(slack, threads) == expected, "counts are those by hand");
      }
    }
  }
}

// Which copy runs depends on the machine: all are tried of those that can run here.
template <class Real>
void test_each_instruction_set() {
  for (int64_t n : {0, 1, 3, 4, 7, 8, 31, 170}) {
    const Case<Real> c = random_case<Real>(1, 1, n);
    const int64_t expected = by_hand(c, 0.0)[0];
    const auto counted = [&](auto count) {
      return count(c.features.data(), c.lower.data(), c.upper.data(), n);
    };
    expect(counted([](auto... given) { return mlip::outside<Real>(given...); }) == expected,
           "the plain copy counts what is counted by hand");
#ifdef MLIP_X86
    if (mlip::has_avx2()) {
      expect(counted([](auto... given) { return mlip::outside_avx2(given...); }) == expected,
             "the copy for AVX2 counts what is counted by hand");
    }
#endif
  }
}

void test_what_is_no_number() {
  const Case<double> c{1, 3, {0, 0, 0}, {1, 1, 1}, {std::nan(""), kInfinity, -kInfinity}, {0}};
  expect(c.counts(1e-9, 1) == std::vector<int64_t>{3}, "what is no number is outside");
}

void test_problems() {
  for (int64_t wrong : {-1, 3}) {
    Case<float> c = random_case<float>(3000, 3, 170);
    c.species[2990] = wrong;
    for (int threads : {1, 2}) {
      raises("atom 2990 is of an unknown species", [&] { c.counts(0, threads); });
    }
  }
}

}  // namespace

int main() {
  test_against_hand<double>();
  test_against_hand<float>();
  test_each_instruction_set<double>();
  test_each_instruction_set<float>();
  test_what_is_no_number();
  test_problems();
  if (failures == 0) std::printf("feature range: all as they should be\n");
  return failures == 0 ? 0 : 1;
}
