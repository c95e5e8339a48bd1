// Random edges and numbers of sums over neighbours.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "checks.h"
#include "mlip/neighbour_sums.h"

// Arrays are exactly as long as promised, so that the sanitizer sees the
// first number read or written beyond.
template <class T>
struct SumCase {
  mlip::SumShape shape;
  int64_t n_centres, n_senders = 4, intervals = 3;
  double cutoff = 3;
  std::vector<int64_t> centres, neighbours;
  std::vector<T> weights, harmonics, sent, by_sums, vectors, table;
  std::mt19937_64 random;

  SumCase(int l_max, int l_sent, int64_t channels, int64_t n, int64_t n_edges)
      : shape{l_max, l_sent, channels}, n_centres(n), random(l_max + 10 * l_sent + 100 * channels) {
    for (int64_t e = 0; e < n_edges; ++e) {
      // The last centre has no edges.
      centres.push_back(random() % std::max<int64_t>(1, n - 1));
      neighbours.push_back(random() % n_senders);
    }
    std::sort(centres.begin(), centres.end());
    weights = any(n_edges * shape.n_weights() * channels);
    harmonics = any(shape.n_harmonics() * n_edges);
    sent = any(shape.n_sent() * n_senders * channels);
    by_sums = any(shape.n_sums() * n * channels);
    vectors = any(3 * n_edges);
    const int64_t row = mlip::sum_table_row(channels);
    table = any(intervals * shape.n_weights() * (mlip::kSumTableDegree<T> + 1) * row);
    for (size_t i = 0; i < table.size(); ++i) {
      if (static_cast<int64_t>(i % row) >= channels) table[i] = 0;
    }
  }

  std::vector<T> any(size_t size) { return random_numbers<T>(size, random); }

  mlip::SumEdges edges() const {
    return {centres.data(), neighbours.data(), static_cast<int64_t>(centres.size()), n_centres,
            n_senders};
  }
  mlip::SumInput<T> input() const { return {weights.data(), harmonics.data(), sent.data()}; }
  mlip::SumTable<T> radial() const { return {table.data(), intervals, cutoff}; }

  std::vector<T> sums(int threads = 1) const {
    std::vector<T> out(by_sums.size());
    mlip::neighbour_sums(shape, edges(), input(), threads, out.data());
    return out;
  }
  // By weights, harmonics and what is sent.
  std::vector<std::vector<T>> gradients(int threads = 1) const {
    std::vector<std::vector<T>> out = {weights, harmonics, sent};
    mlip::neighbour_sum_gradients(shape, edges(), input(), by_sums.data(), threads, pointers(out));
    return out;
  }
  static mlip::SumGradients<T> pointers(std::vector<std::vector<T>>& out) {
    return {out[0].data(), out[1].data(), out[2].data()};
  }

  std::vector<T> radial_sums(int threads = 1) const {
    std::vector<T> out(by_sums.size());
    mlip::radial_sums(shape, edges(), radial(), vectors.data(), sent.data(), threads, out.data());
    return out;
  }
  // By vectors and what is sent.
  std::vector<std::vector<T>> radial_gradients(int threads = 1) const {
    std::vector<std::vector<T>> out = {vectors, sent};
    mlip::radial_sum_gradients(shape, edges(), radial(), vectors.data(), sent.data(),
                               by_sums.data(), threads, out[0].data(), out[1].data());
    return out;
  }
};
