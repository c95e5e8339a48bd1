// Random terms, features and weights of products.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "checks.h"
#include "mlip/products.h"

// Arrays are exactly as long as promised, so that the sanitizer
// sees the first number read or written beyond.
template <class T>
struct ProductCase {
  bool square;
  int n_paths = 5, n_first = 4, n_second, n_out = 3;
  int64_t n_atoms, n_elements = 3, n_channels;
  std::vector<mlip::ProductTerm> terms;
  std::vector<T> factors, a, b, weights, by_out;
  std::vector<int64_t> elements;
  std::mt19937_64 random;

  ProductCase(bool square_, int64_t atoms, int64_t channels)
      : square(square_),
        n_second(square_ ? 4 : 6),
        n_atoms(atoms),
        n_channels(channels),
        random(channels) {
    for (int path = 0; path < n_paths; ++path) {
      for (int out = 0; out < n_out; ++out) {
        for (int t = static_cast<int>(random() % 4); t > 0; --t) {
          terms.push_back({path, out, static_cast<int>(random() % n_first),
                           static_cast<int>(random() % n_second)});
        }
      }
    }
    factors = any(terms.size());
    a = any(n_first * atoms * channels);
    if (!square) b = any(n_second * atoms * channels);
    weights = any(n_paths * n_elements * channels);
    by_out = any(n_out * atoms * channels);
    for (int64_t i = 0; i < atoms; ++i) elements.push_back(random() % n_elements);
  }

  std::vector<T> any(size_t size) { return random_numbers<T>(size, random); }

  mlip::ProductTable<T> table() const {
    return {terms.data(), factors.data(), static_cast<int64_t>(terms.size()), n_paths, n_first,
            n_second,     n_out};
  }
  mlip::ProductInput<T> input() const {
    return {a.data(),       square ? nullptr : b.data(),
            weights.data(), elements.data(),
            n_atoms,        n_elements,
            n_channels};
  }

  std::vector<T> product(int threads = 1) const {
    std::vector<T> out(n_out * n_atoms * n_channels);
    mlip::product(table(), input(), threads, out.data());
    return out;
  }

  // By a, b and the weights, one after the other.
  std::vector<std::vector<T>> gradients(int threads = 1) const {
    std::vector<std::vector<T>> out = {a, b, weights};
    mlip::product_gradients(table(), input(), by_out.data(), threads, pointers(out));
    return out;
  }
  mlip::ProductGradients<T> pointers(std::vector<std::vector<T>>& out) const {
    return {out[0].data(), square ? nullptr : out[1].data(), out[2].data()};
  }
};
