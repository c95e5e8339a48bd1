// Tests of SOAP in the core; meant to run with sanitizers. Prints what failed and returns 1.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "checks.h"
#include "kernels.h"
#include "mlip/soap.h"
#include "slow_harmonics.h"
#include "soap_cases.h"

namespace {

// ------------------------------------------------------------------------- slow, obvious, in
// angles

std::vector<double> slow_features(const Case<double>& c) {
  const int harmonics = (c.l_max + 1) * (c.l_max + 1), n = c.n_max;
  const int rows = c.channels ? c.channels : c.n_species;
  std::vector<double> out;
  for (int64_t i = 0; i < c.n_atoms; ++i) {
    std::vector<std::vector<double>> density(c.n_species, std::vector<double>(harmonics * n, 0.0));
    for (int k = 0; k < n; ++k) density[c.species[i]][k] += c.own[k];
    for (size_t e = 0; e < c.centres.size(); ++e) {
      if (c.centres[e] != i) continue;
      const double* v = c.vectors.data() + 3 * e;
      const double r = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      const double place = r * c.intervals / c.cutoff;
      if (r >= c.cutoff) continue;
      const int64_t interval = std::min<int64_t>(static_cast<int64_t>(place), c.intervals - 1);
      for (int l = 0; l <= c.l_max; ++l) {
        for (int k = 0; k < n; ++k) {
          double radial = 0;
          for (int p = 0; p <= mlip::kSoapDegree<double>; ++p) {
            radial += std::pow(2 * (place - interval) - 1, p) *
                      c.radial[((interval * (c.l_max + 1) + l) * 10 + p) * c.row + k];
          }
          for (int m = -l; m <= l; ++m) {
            density[c.species[c.neighbours[e]]][(l * l + l + m) * n + k] +=
                radial * harmonic(l, m, v);
          }
        }
      }
    }
    std::vector<std::vector<double>> left(rows, std::vector<double>(harmonics * n, 0.0));
    std::vector<double> total(harmonics * n, 0.0);
    for (int q = 0; q < harmonics * n; ++q) {
      for (int s = 0; s < c.n_species; ++s) {
        total[q] += density[s][q];
        for (int a = 0; a < rows; ++a) {
          left[a][q] += (c.channels ? c.mixing[a * c.n_species + s] : a == s) * density[s][q];
        }
      }
    }
    for (int a = 0; a < rows; ++a) {
      for (int b = c.with_total ? rows - 1 : a; b < rows; ++b) {
        const std::vector<double>& right = c.with_total ? total : left[b];
        for (int l = 0; l <= c.l_max; ++l) {
          for (int p = 0; p < n; ++p) {
            for (int q = a == b && !c.with_total ? p : 0; q < n; ++q) {
              double sum = 0;
              for (int m = l * l; m < (l + 1) * (l + 1); ++m) {
                sum += left[a][m * n + p] * right[m * n + q];
              }
              out.push_back(sum);
            }
          }
        }
      }
    }
  }
  return out;
}

// ------------------------------------------------------------------------------------------ tests

void against_definition(const Case<double>& c, const std::string& name) {
  const std::vector<double> features = c.features();
  expect(farthest(features, slow_features(c)) < 1e-12, name + ": features");

  // dE/d(vector) and dE/d(mixing) of a random E = weights . features against differences.
  std::mt19937_64 random(7);
  const std::vector<double> weights = random_numbers<double>(features.size(), random);
  std::vector<double> by_vectors(c.vectors.size()), by_mixing(c.n_atoms * c.mixing.size());
  mlip::soap_gradients(c.basis(), c.edges(), 1, weights.data(), by_vectors.data(),
                       c.channels ? by_mixing.data() : nullptr);
  const auto energy = [&](const Case<double>& moved) { return dot(weights, moved.features()); };
  expect(farthest(by_vectors, differences(c, &Case<double>::vectors, energy)) < 1e-7,
         name + ": gradients");
  if (c.channels == 0) return;
  std::vector<double> summed(c.mixing.size(), 0.0);
  for (size_t i = 0; i < by_mixing.size(); ++i) summed[i % summed.size()] += by_mixing[i];
  expect(farthest(summed, differences(c, &Case<double>::mixing, energy)) < 1e-7, name + ": mixing");
}

void definition() {
  for (const int l : {0, 1, 4, 12}) {
    for (const int n : {1, 3, 8, 9, 16}) {
      against_definition(Case<double>(n, l, 2, 0, false, 2, 11),
                         "n " + std::to_string(n) + " l " + std::to_string(l));
    }
  }
  against_definition(Case<double>(4, 3, 5, 0, false, 3, 20), "absent species");
  against_definition(Case<double>(4, 3, 3, 0, true, 3, 40), "with total");
  against_definition(Case<double>(4, 3, 3, 2, false, 3, 40), "two channels");
  against_definition(Case<double>(5, 2, 3, 4, false, 3, 40), "four channels");
  against_definition(Case<double>(4, 3, 1, 0, false, 1, 300), "crowded");
}

template <class T>
void same_by_any_number_of_threads() {
  const Case<T> c(8, 6, 2, 0, false, 97, 20011);
  const std::vector<T> one = c.features(1);
  std::vector<T> alone(c.vectors.size()), shared(c.vectors.size());
  T* const none = nullptr;
  mlip::soap_gradients(c.basis(), c.edges(), 1, one.data(), alone.data(), none);
  for (const int threads : {2, 3, 64}) {
    expect(c.features(threads) == one, "features by " + std::to_string(threads) + " threads");
    mlip::soap_gradients(c.basis(), c.edges(), threads, one.data(), shared.data(), none);
    expect(shared == alone, "gradients by " + std::to_string(threads) + " threads");
  }
}

// Density and gradients by the copy for one instruction set.
template <class T>
std::vector<double> by_level(const Case<T>& c, int level, std::string& name) {
  const mlip::Kernels<T> run = mlip::kernels<T>(c.n_max, level);
  name = run.name;
  const int64_t count = c.centres.size(), room = (count / 16 + 1) * 16;
  const int64_t degrees = c.l_max + 1, harmonics = degrees * degrees;
  std::vector<T> numbers(9 * room), y(room * harmonics), radial(room * degrees * 2 * c.row);
  std::vector<int32_t> interval(room);
  T* const at = numbers.data();
  const mlip::Neighbourhood<T> around = {count,         at,
                                         at + room,     at + 2 * room,
                                         at + 3 * room, at + 4 * room,
                                         at + 5 * room, interval.data(),
                                         y.data(),      radial.data()};
  for (int64_t j = 0; j < count; ++j) {
    for (int d = 0; d < 3; ++d) at[d * room + j] = c.vectors[3 * j + d];
  }
  const T coefficients[4] = {T(0.3), T(0.8), T(1.1), T(0.4)};
  std::vector<T> recursion(2 * harmonics + 1);
  for (size_t i = 0; i < recursion.size(); ++i) recursion[i] = coefficients[i % 4];
  const mlip::Lowering<T> lowering[2] = {{3, 0, 1, T(0.7)}, {1, 0, 2, T(-0.2)}};
  const mlip::HarmonicTables<T> tables = {c.l_max, recursion.data(), lowering, 2};
  std::vector<T> density(harmonics * c.row), lowered(4 * density.size());
  T* const out[3] = {at + 6 * room, at + 7 * room, at + 8 * room};
  run.geometry(around, static_cast<T>(c.intervals / c.cutoff), c.intervals);
  run.harmonics(tables, around);
  run.radial_with_slopes(c.radial.data(), c.l_max, around);
  run.density(c.l_max, static_cast<int>(2 * c.row), around, 1, count, density.data());
  run.lower(tables, 2, density.data(), lowered.data());
  run.vector_gradients(c.l_max, lowered.data(), around, 0, count, out);
  std::vector<double> found(density.begin(), density.end());
  for (T* component : out) found.insert(found.end(), component, component + count);
  found.push_back(run.dot(density.size(), density.data(), density.data()));
  return found;
}

template <class T>
void same_by_any_instructions(double tolerance) {
  for (const int n : {3, 8, 9, 16}) {
    const Case<T> c(n, 5, 1, 0, false, 1, 37);
    std::string baseline, name;
    const std::vector<double> expected = by_level(c, 0, baseline);
    expect(baseline == "baseline", "level 0 is the baseline");
    for (const int level : {1, 2}) {
      const std::vector<double> found = by_level(c, level, name);
      expect(farthest(found, expected) < tolerance, name + " agrees with the baseline");
    }
  }
}

void nothing_at_all() {
  expect(Case<double>(4, 2, 2, 0, false, 0, 0).features().empty(), "no atoms");
  const Case<double> alone(4, 2, 2, 0, false, 3, 0);
  expect(farthest(alone.features(2), slow_features(alone)) < 1e-14, "no edges");
  Case<double> distant(4, 2, 2, 0, false, 3, 1);
  const std::vector<double> without = alone.features();
  distant.species = alone.species;
  distant.radial = alone.radial;
  distant.own = alone.own;
  for (const double r : {4.0, 5.0, 1e150}) {
    distant.vectors = {0, r, 0};
    expect(distant.features() == without, "a neighbour at the cutoff or beyond");
  }
}

void expect_error(const Case<double>& c, const std::string& words) {
  std::vector<double> weights(c.n_atoms * mlip::soap_features_per_atom(c.basis())), out(600);
  double* const none = nullptr;
  const std::function<void()> calls[2] = {
      [&] { c.features(2); },
      [&] { mlip::soap_gradients(c.basis(), c.edges(), 2, weights.data(), out.data(), none); }};
  for (const std::function<void()>& call : calls) raises(words, call);
}

void errors() {
  const Case<double> right(4, 2, 2, 0, false, 5, 100);
  Case<double> wrong = right;
  std::fill(wrong.vectors.begin() + 30, wrong.vectors.begin() + 33, 0.0);
  expect_error(wrong, "are at the same place (edge 10)");
  wrong = right;
  wrong.vectors[40] = std::numeric_limits<double>::quiet_NaN();
  expect_error(wrong, "are not at a finite distance (edge 13)");
  wrong.vectors[40] = std::numeric_limits<double>::infinity();
  expect_error(wrong, "are not at a finite distance (edge 13)");
  wrong = right;
  wrong.centres[99] = 5;
  expect_error(wrong, "edge 99 joins atoms 5");
  wrong = right;
  wrong.neighbours[3] = -1;
  expect_error(wrong, "edge 3 joins atoms");
  wrong = right;
  wrong.species[4] = 2;
  expect_error(wrong, "atom 4 is of species 2");
}

}  // namespace

int main() {
  definition();
  same_by_any_number_of_threads<double>();
  same_by_any_number_of_threads<float>();
  same_by_any_instructions<double>(1e-12);
  same_by_any_instructions<float>(1e-4);
  nothing_at_all();
  errors();
  if (failures == 0) std::puts("all right");
  return failures != 0;
}
