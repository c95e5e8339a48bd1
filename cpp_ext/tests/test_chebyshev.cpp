// Chebyshev descriptors against loops that follow their definition; meant to run with sanitizers.
// Prints what failed and returns 1.
#include <array>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "chebyshev_cases.h"
#include "checks.h"
#include "edge_problems.h"
#include "harmonic_formulas.h"
#include "harmonics.h"
#include "kernels.h"
#include "random_atoms.h"
#include "slow_harmonics.h"

namespace {

// ----------------------------------------------------------------------------------- slow, obvious

double polynomial(int a, double x) {
  return std::cos(a * std::acos(std::max(-1.0, std::min(1.0, x))));
}

double length(const double* v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

std::vector<double> slow_features(const Case& c, const Atoms<double>& atoms) {
  std::vector<double> out;
  for (size_t i = 0; i < atoms.species.size(); ++i) {
    for (int s = 0; s < c.n_sets; ++s) {
      std::vector<double> radial(c.radial_order + 1, 0.0), angular(c.angular_order + 1, 0.0);
      for (int64_t e = atoms.first_edge[i]; e < atoms.first_edge[i + 1]; ++e) {
        const auto weight = [&](int64_t edge) {
          return kWeights[2 * s + atoms.species[atoms.neighbours[edge]]];
        };
        const double *v = atoms.vectors.data() + 3 * e, r = length(v);
        for (int a = 0; a <= c.radial_order && r < c.cutoff; ++a) {
          radial[a] += weight(e) * polynomial(a, 2 * r / c.cutoff - 1) *
                       cutoff_value(c.cutoff_function, r / c.cutoff);
        }
        for (int64_t d = atoms.first_edge[i]; d < e; ++d) {
          const double *w = atoms.vectors.data() + 3 * d, q = length(w);
          const double both = weight(e) * weight(d) *
                              cutoff_value(c.cutoff_function, r / c.angular_cutoff) *
                              cutoff_value(c.cutoff_function, q / c.angular_cutoff);
          const double cosine = (v[0] * w[0] + v[1] * w[1] + v[2] * w[2]) / (r * q);
          for (int a = 0; a <= c.angular_order; ++a) angular[a] += both * polynomial(a, cosine);
        }
      }
      out.insert(out.end(), radial.begin(), radial.end());
      out.insert(out.end(), angular.begin(), angular.end());
    }
  }
  return out;
}

// ------------------------------------------------------------------------------------------- tests

void against_definition(const Case& c, int n, const std::string& name) {
  const Atoms<double> atoms = random_atoms<double>(n, 5);
  expect(farthest(c.features(atoms), slow_features(c, atoms)) < 1e-12, name + ": features");
  const std::vector<double> by = c.some_gradient(atoms);
  const auto value = [&](const Atoms<double>& moved) { return dot(by, c.features(moved)); };
  const std::vector<double> expected = differences(atoms, &Atoms<double>::vectors, value);
  expect(farthest(c.gradients(atoms, by), expected) < 1e-7, name + ": gradients");
}

void definition() {
  for (const int radial : {0, 1, 12}) {
    for (const int angular : {0, 1, 2, 8, 12}) {
      for (const int sets : {1, 2}) {
        const std::string name = std::to_string(radial) + ", " + std::to_string(angular) + ", " +
                                 std::to_string(sets) + " sets";
        against_definition({radial, angular, sets}, 7, name);
      }
    }
  }
  for (const int n : {0, 1, 2, 3, 9, 10, 18, 30}) {
    against_definition({3, 3, 2}, n, std::to_string(n) + " atoms");
  }
  for (int kind = 0; kind <= static_cast<int>(CutoffKind::polynomial4); ++kind) {
    Case c = {5, 4, 2};
    c.cutoff_function = static_cast<CutoffKind>(kind);
    against_definition(c, 12, "cutoff function " + std::to_string(kind));
  }
}

void neighbours_at_the_cutoff_count_for_nothing() {
  const Case c = {6, 5, 2};
  Atoms<double> atoms = random_atoms<double>(2, 1);
  for (const double r : {5.0, 7.0, 1e150}) {
    atoms.vectors = {0, r, 0, 0, -r, 0};
    for (const double x : c.features(atoms)) expect(x == 0, "a feature of what is not seen");
    const std::vector<double> found = c.gradients(atoms, c.some_gradient(atoms));
    for (const double x : found) expect(x == 0, "a gradient of what is not seen");
  }
}

template <class Real>
void any_number_of_threads() {
  const Case c = {12, 8, 2};
  const Atoms<Real> atoms = random_atoms<Real>(170, 13);
  const std::vector<Real> by = c.some_gradient(atoms), features = c.features(atoms),
                          gradients = c.gradients(atoms, by);
  for (const int threads : {2, 3, 64}) {
    expect(c.features(atoms, threads) == features, "features by some threads");
    expect(c.gradients(atoms, by, threads) == gradients, "gradients by some threads");
  }
}

template <class Real>
void all_copies_agree(double tolerance) {
  const Case c = {12, 8, 2};
  const Atoms<Real> atoms = random_atoms<Real>(40, 8);
  const std::vector<Real> by = c.some_gradient(atoms);
  const mlip::Harmonics<Real> harmonics(c.angular_order);
  const std::vector<Real> weights = {1, -1, 1, 2};  // [species][set]
  const std::vector<Real> of_pairs(c.of_pairs.begin(), c.of_pairs.end());
  const mlip::Cutoff cutoff = {CutoffKind::tanh3, 5, 0};
  const mlip::ChebyshevTables<Real> tables = {
      12, 8, 2, cutoff, cutoff, weights.data(), of_pairs.data(), harmonics.tables()};
  std::vector<std::vector<Real>> found;
  for (const int level : {0, 1, 2}) {
    const mlip::ChebyshevKernels<Real> run = mlip::chebyshev_kernels<Real>(level);
    std::vector<char> memory(run.bytes(tables, 39) + 64);
    char* begin = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
    std::vector<Real> both(40 * c.n_features()), by_vectors(atoms.vectors.size());
    run.features(tables, atoms.view(), 0, 40, 39, begin, both.data());
    run.gradients(tables, atoms.view(), 0, 40, 39, begin, by.data(), by_vectors.data());
    std::printf("Chebyshev descriptors in %s\n", run.name);
    expect(level > 0 || run.name == std::string("baseline"), "level 0 is the baseline");
    if (level > 0) {
      expect(farthest(both, found[0]) < tolerance, std::string("features in ") + run.name);
      expect(farthest(by_vectors, found[1]) < tolerance, std::string("gradients in ") + run.name);
    }
    found.insert(found.end(), {both, by_vectors});
  }
}

// Clenshaw's sum of harmonics, which SOAP does not use.
void sum_of_harmonics() {
  std::mt19937_64 random(1);
  for (const int l_max : {0, 1, 2, 5, 12}) {
    const mlip::Harmonics<double> harmonics(l_max);
    const std::vector<double> factors = random_numbers<double>((l_max + 1) * (l_max + 1), random);
    std::vector<double> given = random_numbers<double>(3, random);
    const double r = length(given.data());
    const double u[3] = {given[0] / r, given[1] / r, given[2] / r};
    double by[3], expected = 0, along = 0;
    const double found =
        mlip::sum_of_harmonics(harmonics.tables(), u, [&](int lm) { return factors[lm]; }, by);
    for (int l = 0; l <= l_max; ++l) {
      for (int m = -l; m <= l; ++m) expected += factors[l * l + l + m] * harmonic(l, m, u);
    }
    expect(std::fabs(found - expected) < 1e-12, "a sum of harmonics");
    for (int c = 0; c < 3; ++c) along += by[c] * u[c];
    for (int c = 0; c < 3; ++c) {
      double ends[2] = {0, 0};
      for (const int side : {0, 1}) {
        double moved[3] = {u[0], u[1], u[2]};
        moved[c] += side ? 1e-5 : -1e-5;
        for (int l = 0; l <= l_max; ++l) {
          for (int m = -l; m <= l; ++m) {
            ends[side] += factors[l * l + l + m] * harmonic(l, m, moved);
          }
        }
      }
      expect(std::fabs((ends[1] - ends[0]) / 2e-5 - (by[c] - along * u[c])) < 1e-7,
             "its derivative across the vector");
    }
  }
}

void bad_input_is_an_error() {
  const Case c = {3, 2, 2};
  const Atoms<double> good = random_atoms<double>(30, 6);
  const auto both = [&](const std::string& words, const Case& wrong, const Atoms<double>& atoms) {
    raises(words, [&] { wrong.features(atoms, 2); });
    raises(words, [&] { wrong.gradients(atoms, c.some_gradient(atoms), 2); });
  };
  Atoms<double> atoms = good;
  atoms.vectors[3 * 100] = NAN;
  both("atoms 3 and 14 are not at a finite distance (edge 100); Chebyshev", c, atoms);
  atoms.vectors[3 * 100] = 1e200;
  both("atoms 3 and 14 are not at a finite distance (edge 100)", c, atoms);
  for (int k = 0; k < 3; ++k) atoms.vectors[3 * 100 + k] = 0;
  both("atoms 3 and 14 are at the same place (edge 100)", c, atoms);
  atoms.vectors[3 * 29] = atoms.vectors[3 * 500] = NAN;
  both("(edge 29)", c, atoms);
  atoms = good;
  atoms.species[4] = 2;
  both("atom 4 is of an unknown species", c, atoms);
  Case wrong = c;
  wrong.radial_order = -1;
  raises("radial_order", [&] { wrong.features(good); });
  wrong = c;
  wrong.angular_order = 13;
  raises("angular_order", [&] { wrong.features(good); });
  wrong = c;
  wrong.cutoff_function = static_cast<CutoffKind>(9);
  both("cutoff function", wrong, good);
  for (const double cutoff : {0.0, -1.0, 5.1, double(NAN)}) {
    wrong = c;
    wrong.angular_cutoff = cutoff;
    both("cutoffs", wrong, good);
  }
}

}  // namespace

int main() {
  definition();
  neighbours_at_the_cutoff_count_for_nothing();
  any_number_of_threads<double>();
  any_number_of_threads<float>();
  all_copies_agree<double>(1e-12);
  all_copies_agree<float>(2e-4);
  sum_of_harmonics();
  bad_input_is_an_error();
  std::printf(failures == 0 ? "all right\n" : "%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}
