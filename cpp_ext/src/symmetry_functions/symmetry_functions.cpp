#include "mlip/symmetry_functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "atoms_in_threads.h"
#include "instruction_sets.h"
#include "kernels.h"
#include "plan.h"
#include "problems.h"

namespace mlip {

namespace {

// Pairs of neighbours that make a thread worth waking: about a fifth of a millisecond.
constexpr int64_t kPairsPerThread = 10000;

template <class Real>
const Kernels<Real>& best() {
  static const NamedKernels kernels = [] {
    NamedKernels all[kMostKernels];
    kernels_for_this_machine(all);
    return all[0];
  }();
  if constexpr (std::is_same_v<Real, double>) {
    return kernels.doubles;
  } else {
    return kernels.floats;
  }
}

template <class Real>
Sizes sizes_for(const PlanArrays& plan, const Environments<Real>& atoms, int64_t n_features) {
  Sizes sizes = {};
  sizes.features = n_features;
  sizes.neighbours = most_neighbours(atoms);
  if (sizes.neighbours > std::numeric_limits<int32_t>::max() / 64) {
    throw std::invalid_argument(too_many_neighbours());
  }
  for (const FunctionList& list : plan.lists) {
    sizes.cutoffs = std::max(sizes.cutoffs, size(list.cutoffs));
  }
  sizes.bins = sizes.cutoffs * static_cast<int32_t>(plan.weights.size());
  for (const RadialGroup& group : plan.radial) {
    sizes.terms = std::max(sizes.terms, size(group.terms));
  }
  for (const AngularGroup& group : plan.angular) {
    sizes.envelopes = std::max(sizes.envelopes, size(group.envelopes));
  }
  sizes.terms = std::max(sizes.terms, kMostFunctions);
  return sizes;
}

template <class Real>
int64_t useful_threads(const Environments<Real>& atoms) {
  int64_t pairs = 0;
  for (int64_t a = 0; a < atoms.n_atoms; ++a) {
    const int64_t n = atoms.first_edge[a + 1] - atoms.first_edge[a];
    pairs += n + n * n / 2;
  }
  return pairs / kPairsPerThread;
}

template <class Real>
void check_species(const Environments<Real>& atoms, int64_t n_species) {
  for (int64_t a = 0; a < atoms.n_atoms; ++a) {
    if (atoms.species[a] < 0 || atoms.species[a] >= n_species) {
      throw std::invalid_argument(unknown_species(a));
    }
  }
}

template <class Real>
[[noreturn]] void raise_too_close_or_far(const Environments<Real>& atoms, int64_t edge) {
  const Real* v = atoms.vectors + 3 * edge;
  const bool finite = std::isfinite(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  throw std::invalid_argument(
      too_close_or_far(edge, centre_of(atoms, edge), atoms.neighbours[edge], finite));
}

// Shares atoms out among threads; work(first, last, memory) returns an edge that is too short or
// not finite, or -1.
template <class Real, class Work>
void for_all_atoms(const Environments<Real>& atoms, int64_t bytes, int threads, Work work) {
  const int64_t bad_edge =
      in_threads_over_atoms(atoms.n_atoms, bytes, useful_threads(atoms), threads, work);
  if (bad_edge >= 0) raise_too_close_or_far(atoms, bad_edge);
}

}  // namespace

int kernels_for_this_machine(NamedKernels* all) {
  int n = 0;
#ifdef MLIP_X86
  if (has_avx512()) all[n++] = avx512_kernels();
  if (has_avx2()) all[n++] = avx2_kernels();
#endif
  all[n++] = baseline_kernels();
  return n;
}

struct SymmetryFunctions::Plan {
  PlanArrays arrays;
};

SymmetryFunctions::SymmetryFunctions(const std::vector<SymmetryFunction>& functions,
                                     const std::vector<int32_t>& list_of_species,
                                     const std::vector<double>& weights, CutoffShape cutoff)
    : plan_(new Plan{make_plan(functions, list_of_species, weights, cutoff)}) {}

SymmetryFunctions::~SymmetryFunctions() = default;

template <class Real>
void SymmetryFunctions::evaluate(const Environments<Real>& environments, int64_t n_features,
                                 Real* features, int threads) const {
  const PlanView plan = plan_->arrays.view();
  check_species(environments, plan.n_species);
  const Sizes sizes = sizes_for(plan_->arrays, environments, n_features);
  const Kernels<Real>& kernels = best<Real>();
  for_all_atoms(environments, kernels.bytes(sizes), threads,
                [&](int64_t first, int64_t last, char* memory) {
                  return kernels.evaluate(plan, environments, first, last, n_features, features,
                                          sizes, memory);
                });
}

template <class Real>
void SymmetryFunctions::differentiate(const Environments<Real>& environments, int64_t n_features,
                                      const Real* gradient, Real* by_vector, int threads) const {
  const PlanView plan = plan_->arrays.view();
  check_species(environments, plan.n_species);
  const Sizes sizes = sizes_for(plan_->arrays, environments, n_features);
  const Kernels<Real>& kernels = best<Real>();
  for_all_atoms(environments, kernels.bytes(sizes), threads,
                [&](int64_t first, int64_t last, char* memory) {
                  return kernels.differentiate(plan, environments, first, last, n_features,
                                               gradient, by_vector, sizes, memory);
                });
}

template void SymmetryFunctions::evaluate(const Environments<double>&, int64_t, double*, int) const;
template void SymmetryFunctions::evaluate(const Environments<float>&, int64_t, float*, int) const;
template void SymmetryFunctions::differentiate(const Environments<double>&, int64_t, const double*,
                                               double*, int) const;
template void SymmetryFunctions::differentiate(const Environments<float>&, int64_t, const float*,
                                               float*, int) const;

}  // namespace mlip
