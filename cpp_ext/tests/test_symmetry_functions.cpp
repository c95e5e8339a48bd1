// Symmetry functions against loops that follow their definition; meant to run with sanitizers.
// Prints what failed and returns 1.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "checks.h"
#include "kernels.h"
#include "mlip/symmetry_functions.h"
#include "plan.h"
#include "symmetry_cases.h"

namespace {

struct Definition {
  mlip::CutoffShape shape;

  double term(const SymmetryFunction& f, double r) const {
    const double inner = shape.start * f.cutoff;
    return std::exp(-f.eta * (r - f.shift) * (r - f.shift)) *
           cutoff_value(shape.kind, (r - inner) / (f.cutoff - inner));
  }

  double of_pair(const SymmetryFunction& f, const double* a, const double* b) const {
    double aa = 0, bb = 0, ab = 0, cc = 0;
    for (int c = 0; c < 3; ++c) {
      aa += a[c] * a[c];
      bb += b[c] * b[c];
      ab += a[c] * b[c];
      cc += (a[c] - b[c]) * (a[c] - b[c]);
    }
    const double cosine = ab / std::sqrt(aa * bb);
    const double third = f.kind == FunctionKind::G4 ? term(f, std::sqrt(cc)) : 1;
    return std::pow(2, 1 - f.zeta) * std::pow(1 + f.sign * cosine, f.zeta) *
           term(f, std::sqrt(aa)) * term(f, std::sqrt(bb)) * third;
  }

  double of_atom(const SymmetryFunction& f, const Atoms<double>& atoms, int64_t i) const {
    const auto species = [&](int64_t e) { return atoms.species[atoms.neighbours[e]]; };
    double sum = 0;
    for (int64_t e = atoms.first_edge[i]; e < atoms.first_edge[i + 1]; ++e) {
      const double* a = atoms.vectors.data() + 3 * e;
      if (f.kind == FunctionKind::G2) {
        const double weight = f.first < 0 ? kWeights[species(e)] : f.first == species(e);
        sum += weight * term(f, std::sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]));
        continue;
      }
      for (int64_t d = e + 1; d < atoms.first_edge[i + 1]; ++d) {
        const bool seen = (f.first == species(e) && f.second == species(d)) ||
                          (f.first == species(d) && f.second == species(e));
        const double weight = f.first < 0 ? kWeights[species(e)] * kWeights[species(d)] : seen;
        if (weight != 0) sum += weight * of_pair(f, a, atoms.vectors.data() + 3 * d);
      }
    }
    return sum;
  }
};

template <class Real>
std::vector<Real> evaluate(const mlip::SymmetryFunctions& ours, const Atoms<Real>& atoms,
                           int threads = 1) {
  std::vector<Real> features(atoms.species.size() * kFeatures);
  ours.evaluate(atoms.view(), kFeatures, features.data(), threads);
  return features;
}

template <class Real>
std::vector<Real> differentiate(const mlip::SymmetryFunctions& ours, const Atoms<Real>& atoms,
                                const std::vector<Real>& gradient, int threads = 1) {
  std::vector<Real> by_vector(atoms.vectors.size());
  ours.differentiate(atoms.view(), kFeatures, gradient.data(), by_vector.data(), threads);
  return by_vector;
}

void values_are_those_of_the_definition() {
  for (int kind = 0; kind <= static_cast<int>(CutoffKind::polynomial4); ++kind) {
    const auto cutoff = static_cast<CutoffKind>(kind);
    const bool level = cutoff != CutoffKind::hard && cutoff != CutoffKind::tanh3 &&
                       cutoff != CutoffKind::tanh3_from_one;
    for (const double start : {0.0, 0.3}) {
      if (start > 0 && !level) continue;
      const Definition definition = {{cutoff, start}};
      const mlip::SymmetryFunctions ours(functions(), {0, 1}, kWeights, definition.shape);
      for (const int n : {0, 1, 2, 3, 20}) {
        const Atoms<double> atoms = random_atoms<double>(n, 6);
        std::vector<double> expected(n * kFeatures, 0.0);
        for (const SymmetryFunction& f : functions()) {
          for (int64_t i = 0; i < n; ++i) {
            if (atoms.species[i] == f.list) {
              expected[i * kFeatures + f.column] = definition.of_atom(f, atoms, i);
            }
          }
        }
        expect(farthest(evaluate(ours, atoms), expected) <= 1e-12,
               "values with cutoff " + std::to_string(kind) + ", " + std::to_string(n) + " atoms");
      }
    }
  }
}

void derivatives_are_those_of_the_values() {
  const mlip::SymmetryFunctions ours(functions(), {0, 1}, kWeights, {CutoffKind::polynomial3, 0.2});
  const Atoms<double> atoms = random_atoms<double>(12, 6);
  const std::vector<double> gradient = some_gradient(atoms);
  const std::vector<double> found = differentiate(ours, atoms, gradient);
  const auto mixed = [&](const Atoms<double>& moved) {
    return dot(gradient, evaluate(ours, moved));
  };
  const std::vector<double> expected = differences(atoms, &Atoms<double>::vectors, mixed);
  expect(farthest(found, expected) <= 1e-8, "derivatives against differences");
}

template <class Real>
void instruction_sets_agree(double tolerance) {
  const mlip::PlanArrays plan =
      mlip::make_plan(functions(), {0, 1}, kWeights, {CutoffKind::tanh3, 0});
  const Atoms<Real> atoms = random_atoms<Real>(40, 8);
  const std::vector<Real> gradient = some_gradient(atoms);
  mlip::NamedKernels all[mlip::kMostKernels];
  const int n = mlip::kernels_for_this_machine(all);
  std::vector<Real> first, first_derivatives;
  for (int k = 0; k < n; ++k) {
    mlip::Kernels<Real> kernels;
    if constexpr (sizeof(Real) == 8) {
      kernels = all[k].doubles;
    } else {
      kernels = all[k].floats;
    }
    const mlip::Sizes sizes = {40, 8, 4, 8, mlip::kMostFunctions, kFeatures};
    const int64_t bytes = kernels.bytes(sizes);
    std::vector<char> memory(bytes + 64);
    char* begin = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
    std::vector<Real> features(40 * kFeatures), by_vector(atoms.vectors.size());
    kernels.evaluate(plan.view(), atoms.view(), 0, 40, kFeatures, features.data(), sizes, begin);
    kernels.differentiate(plan.view(), atoms.view(), 0, 40, kFeatures, gradient.data(),
                          by_vector.data(), sizes, begin);
    std::printf("symmetry functions in %s\n", all[k].name);
    if (k == 0) {
      first = features;
      first_derivatives = by_vector;
    }
    expect(farthest(features, first) <= tolerance &&
               farthest(by_vector, first_derivatives) <= tolerance,
           std::string("same values and derivatives in ") + all[k].name);
  }
}

void threads_change_nothing() {
  const mlip::SymmetryFunctions ours(functions(), {0, 1}, kWeights, {CutoffKind::cosine, 0});
  const Atoms<double> atoms = random_atoms<double>(90, 9);
  const std::vector<double> gradient = some_gradient(atoms);
  expect(evaluate(ours, atoms, 3) == evaluate(ours, atoms, 1), "values of three threads");
  expect(differentiate(ours, atoms, gradient, 3) == differentiate(ours, atoms, gradient, 1),
         "derivatives of three threads");
}

void bad_input_is_an_error() {
  const mlip::CutoffShape shape = {CutoffKind::polynomial2, 0};
  const auto with = [&](const std::function<void(SymmetryFunction&)>& change) {
    std::vector<SymmetryFunction> changed = functions();
    change(changed[3]);
    mlip::SymmetryFunctions made(changed, {0, 1}, kWeights, shape);
  };
  raises("no species has list 2", [&] { with([](SymmetryFunction& f) { f.list = 2; }); });
  raises("species 2", [&] { with([](SymmetryFunction& f) { f.first = 2; }); });
  raises("pair of species", [&] { with([](SymmetryFunction& f) { f.second = -1; }); });
  raises("cutoff", [&] { with([](SymmetryFunction& f) { f.cutoff = 0; }); });
  raises("not finite", [&] { with([](SymmetryFunction& f) { f.eta = NAN; }); });
  raises("zeta", [&] { with([](SymmetryFunction& f) { f.zeta = 0.5; }); });
  raises("sign", [&] { with([](SymmetryFunction& f) { f.sign = 0; }); });
  raises("column", [&] { with([](SymmetryFunction& f) { f.column = -1; }); });
  raises("must be 0 to 1", [&] {
    mlip::SymmetryFunctions made(functions(), {0, std::numeric_limits<int32_t>::max()}, kWeights,
                                 shape);
  });
  raises("slope at its start", [&] {
    mlip::SymmetryFunctions made(functions(), {0, 1}, kWeights, {CutoffKind::tanh3, 0.5});
  });

  const mlip::SymmetryFunctions ours(functions(), {0, 1}, kWeights, shape);
  Atoms<double> atoms = random_atoms<double>(30, 6);
  atoms.vectors[3 * 100] = NAN;
  raises("atoms 3 and 14 are not at a finite distance (edge 100)",
         [&] { evaluate(ours, atoms, 2); });
  atoms.vectors[3 * 100] = 1e200;
  raises("not at a finite distance", [&] { differentiate(ours, atoms, some_gradient(atoms)); });
  for (int c = 0; c < 3; ++c) atoms.vectors[3 * 100 + c] = 1e-4;
  raises("atoms 3 and 14 are less than 0.001", [&] { evaluate(ours, atoms, 2); });
  raises("less than", [&] { differentiate(ours, atoms, some_gradient(atoms)); });
  atoms.species[4] = 2;
  raises("atom 4 is of an unknown species", [&] { evaluate(ours, atoms); });
}

}  // namespace

int main() {
  values_are_those_of_the_definition();
  derivatives_are_those_of_the_values();
  instruction_sets_agree<double>(1e-13);
  instruction_sets_agree<float>(1e-5);
  threads_change_nothing();
  bad_input_is_an_error();
  std::printf(failures == 0 ? "all right\n" : "%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}
