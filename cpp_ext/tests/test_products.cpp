// Tests of products in the core; meant to run with sanitizers. Prints what failed and returns 1.
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
#include "mlip/products.h"
#include "product_cases.h"

namespace {

template <class T>
using Case = ProductCase<T>;

std::vector<double> slow_product(const Case<double>& c) {
  std::vector<double> out(c.n_out * c.n_atoms * c.n_channels, 0);
  const std::vector<double>& b = c.square ? c.a : c.b;
  const int64_t row = c.n_atoms * c.n_channels;
  for (size_t t = 0; t < c.terms.size(); ++t) {
    const mlip::ProductTerm& term = c.terms[t];
    for (int64_t i = 0; i < c.n_atoms; ++i) {
      for (int64_t k = 0; k < c.n_channels; ++k) {
        const int64_t at = i * c.n_channels + k;
        out[term.out * row + at] +=
            c.weights[(term.path * c.n_elements + c.elements[i]) * c.n_channels + k] *
            c.factors[t] * c.a[term.first * row + at] * b[term.second * row + at];
      }
    }
  }
  return out;
}

void against_definition(Case<double> c, const std::string& name) {
  expect(farthest(c.product(), slow_product(c)) < 1e-13, name + ": values");
  const std::vector<std::vector<double>> first = c.gradients();
  std::vector<double> Case<double>::* const members[] = {&Case<double>::a, &Case<double>::b,
                                                         &Case<double>::weights};
  const auto value = [](const Case<double>& x) { return dot(x.product(), x.by_out); };
  for (int k = 0; k < 3; ++k) {
    expect(farthest(first[k], differences(c, members[k], value)) < 1e-8,
           name + ": gradient " + std::to_string(k));
  }
  for (const bool weights_move : {false, true}) {
    const std::vector<std::vector<double>> along = {
        c.any(c.a.size()), c.any(c.b.size()),
        weights_move ? c.any(c.weights.size()) : std::vector<double>(c.weights.size(), 0)};
    std::vector<std::vector<double>> second = {c.a, c.b, c.weights};
    std::vector<double> by_by(c.by_out.size());
    mlip::ProductInput<double> direction = c.input();
    direction.a = along[0].data();
    direction.b = c.square ? nullptr : along[1].data();
    direction.weights = weights_move ? along[2].data() : nullptr;
    mlip::product_second(c.table(), c.input(), c.by_out.data(), direction, 1, by_by.data(),
                         c.pointers(second));
    const auto moved = [&](const Case<double>& x) {
      const std::vector<std::vector<double>> g = x.gradients();
      return dot(g[0], along[0]) + dot(g[1], along[1]) + dot(g[2], along[2]);
    };
    for (int k = 0; k < 3; ++k) {
      expect(farthest(second[k], differences(c, members[k], moved)) < 1e-8,
             name + ": second derivative " + std::to_string(k));
    }
    expect(farthest(by_by, differences(c, &Case<double>::by_out, moved)) < 1e-8,
           name + ": second derivative by what is given");
  }
}

void by_any_number_of_threads() {
  const Case<float> c(false, 900, 64);
  const std::vector<float> one = c.product();
  const std::vector<std::vector<float>> first = c.gradients();
  for (const int threads : {2, 7}) {
    const std::string name = "by " + std::to_string(threads) + " threads";
    expect(c.product(threads) == one, name);
    const std::vector<std::vector<float>> shared = c.gradients(threads);
    expect(shared[0] == first[0] && shared[1] == first[1], name + ": gradients");
    expect(farthest(shared[2], first[2]) < 1e-5, name + ": gradients by weights");
    expect(c.gradients(threads) == shared, name + ": the same every time");
  }
}

template <class T>
void all_copies_agree(double tolerance) {
  std::mt19937_64 random(3);
  const auto any = [&](size_t size) { return random_numbers<T>(size, random); };
  const std::vector<mlip::CoupledRow> rows = {{0, 1}, {1, 0}};
  const std::vector<int32_t> begin = {0, 2, 3};
  const int32_t n = mlip::kBlock;
  const std::vector<mlip::CoupledTerm<T>> terms = {{0, n, T(0.5)}, {n, 0, T(-2)}, {n, n, T(1.5)}};
  const mlip::Couplings<T> sums = {begin.data(), 2, terms.data()};
  const mlip::BlockTable<T> table = {rows.data(), sums, sums, sums};
  const std::vector<T> a = any(2 * n), b = any(2 * n), w = any(2 * n), by = any(2 * n);
  std::vector<std::vector<T>> found;
  for (const int level : {0, 1, 2}) {
    const mlip::ProductKernels<T> run = mlip::product_kernels<T>(level);
    std::vector<T> out(2 * n, 0), to_a(2 * n, 0), to_b(2 * n, 0), to_w(2 * n, 0), room(4 * n);
    run.product(table, {a.data(), b.data(), w.data()}, room.data(), out.data());
    const mlip::Sums<T> to = {to_a.data(), to_b.data(), to_w.data(), room.data()};
    run.gradients(table, {a.data(), b.data(), w.data()}, by.data(), to);
    run.second(table, {a.data(), b.data(), w.data()}, by.data(), {b.data(), a.data(), by.data()},
               out.data(), to);
    for (const std::vector<T>* more : {&to_a, &to_b, &to_w}) {
      out.insert(out.end(), more->begin(), more->end());
    }
    found.push_back(out);
  }
  for (const int level : {1, 2}) {
    expect(farthest(found[level], found[0]) < tolerance, "copy " + std::to_string(level));
  }
}

void bad_input() {
  Case<double> c(false, 3, 5);
  c.elements[1] = 3;
  raises("element", [&] { c.product(); });
  Case<double> d(false, 3, 5);
  d.terms.back().second = 6;
  raises("term", [&] { d.product(); });
}

}  // namespace

int main() {
  for (const bool square : {false, true}) {
    const std::string name = square ? "square of " : "product of ";
    for (const int channels : {1, 5, 32, 33}) {
      against_definition(Case<double>(square, 3, channels), name + std::to_string(channels));
    }
    against_definition(Case<double>(square, 0, 4), name + "nothing");
  }
  by_any_number_of_threads();
  all_copies_agree<float>(1e-5);
  all_copies_agree<double>(1e-14);
  bad_input();
  if (failures == 0) std::printf("products: all tests passed\n");
  return failures != 0;
}
