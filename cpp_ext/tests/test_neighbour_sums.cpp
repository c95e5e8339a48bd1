// Tests of sums over neighbours in the core; meant to run with sanitizers. Prints what failed and
// returns 1.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "checks.h"
#include "kernels.h"
#include "mlip/neighbour_sums.h"
#include "slow_harmonics.h"
#include "sum_cases.h"

namespace {

template <class T>
using Case = SumCase<T>;

using Numbers = std::vector<double> Case<double>::*;

std::vector<double> slow_sums(const Case<double>& c) {
  std::vector<double> out(c.by_sums.size(), 0);
  const int64_t n = c.shape.n_channels, n_edges = static_cast<int64_t>(c.centres.size());
  const auto add = [&](int sum, int64_t e, int weight, int component, double factor) {
    for (int64_t k = 0; k < n; ++k) {
      out[(sum * c.n_centres + c.centres[e]) * n + k] +=
          factor * c.weights[(e * c.shape.n_weights() + weight) * n + k] *
          c.sent[(component * c.n_senders + c.neighbours[e]) * n + k];
    }
  };
  for (int64_t e = 0; e < n_edges; ++e) {
    for (int l = 0; l <= c.shape.l_max; ++l) {
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        add(lm, e, l, 0, c.harmonics[lm * n_edges + e]);
      }
    }
    for (int l = 0; l <= c.shape.l_sent && c.shape.l_sent > 0; ++l) {
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        add(c.shape.n_harmonics() + lm, e, c.shape.l_max + 1 + l, lm, 1);
      }
    }
  }
  return out;
}

const Numbers kInputs[] = {&Case<double>::weights, &Case<double>::harmonics, &Case<double>::sent};

void given_weights(Case<double> c, const std::string& name) {
  expect(farthest(c.sums(), slow_sums(c)) < 1e-13, name + ": values");
  const std::vector<std::vector<double>> first = c.gradients();
  const auto value = [](const Case<double>& x) { return dot(x.sums(), x.by_sums); };
  for (int k = 0; k < 3; ++k) {
    expect(farthest(first[k], differences(c, kInputs[k], value)) < 1e-8,
           name + ": gradient " + std::to_string(k));
  }
  const std::vector<std::vector<double>> along = {c.any(c.weights.size()),
                                                  c.any(c.harmonics.size()), c.any(c.sent.size())};
  std::vector<std::vector<double>> second = {c.weights, c.harmonics, c.sent};
  std::vector<double> by_by(c.by_sums.size());
  mlip::neighbour_sum_second<double>(c.shape, c.edges(), c.input(), c.by_sums.data(),
                                     {along[0].data(), along[1].data(), along[2].data()}, 1,
                                     by_by.data(), c.pointers(second));
  const auto moved = [&](const Case<double>& x) {
    const std::vector<std::vector<double>> g = x.gradients();
    return dot(g[0], along[0]) + dot(g[1], along[1]) + dot(g[2], along[2]);
  };
  for (int k = 0; k < 3; ++k) {
    expect(farthest(second[k], differences(c, kInputs[k], moved)) < 1e-8,
           name + ": second derivative " + std::to_string(k));
  }
  expect(farthest(by_by, differences(c, &Case<double>::by_sums, moved)) < 1e-8,
         name + ": second derivative by what is given");
}

// The case with the weights and harmonics that its vectors have.
Case<double> expanded(Case<double> c) {
  const int64_t n_edges = static_cast<int64_t>(c.centres.size()), n = c.shape.n_channels;
  const int terms = mlip::kSumTableDegree<double> + 1;
  for (int64_t e = 0; e < n_edges; ++e) {
    const double* const v = c.vectors.data() + 3 * e;
    const double r = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    for (int l = 0; l <= c.shape.l_max; ++l) {
      for (int m = -l; m <= l; ++m) {
        c.harmonics[(l * l + l + m) * n_edges + e] =
            std::sqrt(4 * std::acos(-1.0)) * harmonic(l, m, v);
      }
    }
    const double place = r * c.intervals / c.cutoff;
    const int64_t interval = std::min(static_cast<int64_t>(place), c.intervals - 1);
    for (int w = 0; w < c.shape.n_weights(); ++w) {
      for (int64_t k = 0; k < n; ++k) {
        double value = 0;
        for (int p = 0; p < terms && r < c.cutoff; ++p) {
          value +=
              std::pow(2 * (place - interval) - 1, p) *
              c.table[((interval * c.shape.n_weights() + w) * terms + p) * mlip::sum_table_row(n) +
                      k];
        }
        c.weights[(e * c.shape.n_weights() + w) * n + k] = value;
      }
    }
  }
  return c;
}

void tabulated_weights(Case<double> c, const std::string& name) {
  for (size_t e = 0; e + 1 < c.vectors.size() / 3; e += 3) c.vectors[3 * e + 2] -= 1.5;
  if (c.vectors.size() >= 6) c.vectors[4] = 3.5;  // beyond the cutoff
  expect(farthest(c.radial_sums(), slow_sums(expanded(c))) < 1e-12, name + ": values");
  const std::vector<std::vector<double>> first = c.radial_gradients();
  const auto value = [](const Case<double>& x) { return dot(x.radial_sums(), x.by_sums); };
  expect(farthest(first[0], differences(c, &Case<double>::vectors, value)) < 1e-6,
         name + ": gradient by vectors");
  expect(farthest(first[1], differences(c, &Case<double>::sent, value)) < 1e-8,
         name + ": gradient by what is sent");
  std::vector<double> alone(c.vectors.size());
  mlip::radial_sum_gradients<double>(c.shape, c.edges(), c.radial(), c.vectors.data(),
                                     c.sent.data(), c.by_sums.data(), 1, alone.data(), nullptr);
  expect(alone == first[0], name + ": gradient by vectors alone");
}

void by_any_number_of_threads() {
  const Case<float> c(3, 1, 64, 60, 3000);
  const std::vector<float> one = c.sums(), radial = c.radial_sums();
  const std::vector<std::vector<float>> first = c.gradients(), by_vectors = c.radial_gradients();
  for (const int threads : {2, 5}) {
    const std::string name = "by " + std::to_string(threads) + " threads";
    expect(c.sums(threads) == one && c.radial_sums(threads) == radial, name);
    const std::vector<std::vector<float>> shared = c.gradients(threads);
    expect(shared[0] == first[0] && shared[1] == first[1], name + ": gradients");
    expect(farthest(shared[2], first[2]) < 1e-5, name + ": gradients by what is sent");
    expect(c.gradients(threads) == shared, name + ": the same every time");
    expect(c.radial_gradients(threads)[0] == by_vectors[0], name + ": gradients by vectors");
  }
}

template <class T>
void all_copies_agree(double tolerance) {
  std::mt19937_64 random(3);
  const auto any = [&](size_t size) { return random_numbers<T>(size, random); };
  constexpr int kCount = 11, kRow = 48, kWeights = 6, kSent = 4, kHarmonics = 16;
  const std::vector<T> weights = any(kCount * kWeights * kRow), sent = any(2 * kSent * kRow);
  const std::vector<T> y = any(kHarmonics * mlip::kChunk), by = any((kHarmonics + kSent) * kRow);
  const T* senders[kCount];
  for (int e = 0; e < kCount; ++e) senders[e] = sent.data() + e % 2 * kSent * kRow;
  const mlip::Chunk<T> chunk = {3, 1, kCount, kRow, weights.data(), y.data(), senders};
  std::vector<std::vector<T>> found;
  for (const int level : {0, 1, 2}) {
    const mlip::SumKernels<T> run = mlip::sum_kernels<T>(level);
    std::vector<T> sums(by.size(), 0), room(2 * weights.size() / kCount * mlip::kChunk);
    std::vector<T> by_weights(weights.size()), by_y(y.size(), 0), by_sent(sent.size(), 0);
    T* by_senders[kCount];
    for (int e = 0; e < kCount; ++e) by_senders[e] = by_sent.data() + e % 2 * kSent * kRow;
    const mlip::ChunkGradients<T> to = {by_weights.data(), by_y.data(), by_senders};
    run.sums(chunk, room.data(), sums.data());
    std::vector<T> all = sums;
    run.gradients(chunk, by.data(), room.data(), to);
    all.insert(all.end(), by_weights.begin(), by_weights.end());
    run.second(chunk, chunk, by.data(), room.data(), sums.data(), to);
    for (const std::vector<T>* more : {&sums, &by_weights, &by_y, &by_sent}) {
      all.insert(all.end(), more->begin(), more->end());
    }
    found.push_back(all);
  }
  for (const int level : {1, 2}) {
    expect(farthest(found[level], found[0]) < tolerance, "copy " + std::to_string(level));
  }
}

void bad_input() {
  const Case<double> good(2, 0, 3, 4, 9);
  Case<double> c = good;
  std::reverse(c.centres.begin(), c.centres.end());
  raises("not sorted by centre", [&] { c.sums(); });
  c = good;
  c.neighbours[3] = 4;
  raises("edge 3 joins", [&] { c.sums(); });
  c = good;
  c.centres.back() = 4;
  raises("edge 8 joins", [&] { c.sums(); });
  c = good;
  std::fill_n(c.vectors.begin() + 6, 3, 0.0);
  raises("same place", [&] { c.radial_sums(); });
  c.vectors[7] = std::nan("");
  raises("finite", [&] { c.radial_sums(); });
}

}  // namespace

int main() {
  for (const int l_max : {0, 1, 3, 6}) {
    for (const int l_sent : {0, 1, 2}) {
      const std::string name = "l " + std::to_string(l_max) + ", sent " + std::to_string(l_sent);
      given_weights(Case<double>(l_max, l_sent, 3, 3, 19), name);
      tabulated_weights(Case<double>(l_max, l_sent, 3, 3, 19), name + ", tabulated");
    }
  }
  for (const int channels : {16, 17}) {
    const std::string name = std::to_string(channels) + " channels";
    given_weights(Case<double>(1, 1, channels, 3, 18), name);
    tabulated_weights(Case<double>(1, 1, channels, 3, 18), name + ", tabulated");
  }
  given_weights(Case<double>(2, 1, 3, 2, 0), "no edges");
  tabulated_weights(Case<double>(2, 1, 3, 2, 0), "no edges, tabulated");
  given_weights(Case<double>(2, 1, 3, 0, 0), "no atoms");
  by_any_number_of_threads();
  all_copies_agree<float>(1e-5);
  all_copies_agree<double>(1e-14);
  bad_input();
  if (failures == 0) std::printf("neighbour sums: all tests passed\n");
  return failures != 0;
}
