#include "plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace mlip {

namespace {

using Functions = std::vector<SymmetryFunction>;

[[noreturn]] void invalid(const std::string& what) {
  throw std::invalid_argument("symmetry functions: " + what);
}

void check(const SymmetryFunction& f, int32_t n_lists, int32_t n_species) {
  const auto exists = [&](int32_t species) { return species >= -1 && species < n_species; };
  if (f.list < 0 || f.list >= n_lists) invalid("no species has list " + std::to_string(f.list));
  if (f.column < 0) invalid("a column is negative");
  if (!exists(f.first)) invalid("there is no species " + std::to_string(f.first));
  if (!(std::isfinite(f.cutoff) && f.cutoff > 0)) invalid("a cutoff is not a positive number");
  if (!std::isfinite(f.eta) || !std::isfinite(f.shift)) invalid("eta or shift is not finite");
  if (f.kind == FunctionKind::G2) return;
  if (f.kind != FunctionKind::G4 && f.kind != FunctionKind::G5) invalid("unknown kind");
  if (!exists(f.second) || (f.first < 0) != (f.second < 0)) invalid("unknown pair of species");
  if (f.sign != 1 && f.sign != -1) invalid("sign must be 1 or -1");
  if (!(f.zeta >= 1 && f.zeta <= 1e6)) invalid("zeta must be at least 1");
}

void check(CutoffShape cutoff) {
  const CutoffKind kind = cutoff.kind;
  if (!is_known(kind)) invalid("unknown cutoff function");
  if (!(cutoff.start >= 0 && cutoff.start < 1)) invalid("cutoff_start must lie in [0, 1)");
  const bool level_at_its_start =
      kind != CutoffKind::hard && kind != CutoffKind::tanh3 && kind != CutoffKind::tanh3_from_one;
  if (cutoff.start > 0 && !level_at_its_start) {
    invalid("cutoff_start must be 0 for a cutoff function with a slope at its start");
  }
}

template <class Value>
Range from(int32_t first, const std::vector<Value>& values) {
  return {first, static_cast<int32_t>(values.size())};
}

template <class Value>
int32_t count(const std::vector<Value>& values) {
  return static_cast<int32_t>(values.size());
}

Range add_cutoffs(const Functions& functions, CutoffShape shape, PlanArrays& plan) {
  const int32_t first = count(plan.cutoffs);
  std::vector<double> radii;
  for (const SymmetryFunction& f : functions) radii.push_back(f.cutoff);
  std::sort(radii.begin(), radii.end());
  radii.erase(std::unique(radii.begin(), radii.end()), radii.end());
  for (const double radius : radii) {
    plan.cutoffs.push_back({shape.kind, radius, shape.start * radius});
  }
  return from(first, plan.cutoffs);
}

Range add_radial(const Functions& functions, const std::map<double, int32_t>& cutoffs,
                 PlanArrays& plan) {
  std::map<std::pair<int32_t, int32_t>, std::vector<RadialTerm>> groups;
  for (const SymmetryFunction& f : functions) {
    if (f.kind != FunctionKind::G2) continue;
    groups[{cutoffs.at(f.cutoff), f.first}].push_back({f.eta, f.shift, f.column});
  }
  const int32_t first = count(plan.radial);
  for (const auto& [key, terms] : groups) {
    const int32_t first_term = count(plan.terms);
    plan.terms.insert(plan.terms.end(), terms.begin(), terms.end());
    plan.radial.push_back({key.second, key.first, from(first_term, plan.terms)});
  }
  return from(first, plan.radial);
}

// The powers of one group, and its envelopes with their products.
void add_products(const Functions& functions, AngularGroup& group, PlanArrays& plan) {
  std::map<std::pair<int32_t, double>, int32_t> powers;
  std::map<std::pair<double, double>, std::vector<Product>> envelopes;
  group.powers.first = count(plan.powers);
  for (const SymmetryFunction& f : functions) {
    const auto place =
        powers.try_emplace({f.sign, f.zeta}, count(plan.powers) - group.powers.first);
    if (place.second) {
      const bool whole = f.zeta == std::floor(f.zeta);
      plan.powers.push_back({f.zeta, whole ? static_cast<int32_t>(f.zeta) : -1, f.sign});
    }
    envelopes[{f.eta, f.shift}].push_back({place.first->second, f.column});
  }
  group.powers.last = count(plan.powers);
  group.envelopes.first = count(plan.envelopes);
  for (const auto& [key, products] : envelopes) {
    const int32_t first = count(plan.products);
    plan.products.insert(plan.products.end(), products.begin(), products.end());
    plan.envelopes.push_back({key.first, key.second, from(first, plan.products)});
  }
  group.envelopes.last = count(plan.envelopes);
}

Range add_angular(const Functions& functions, const std::map<double, int32_t>& cutoffs,
                  PlanArrays& plan) {
  std::map<std::tuple<int32_t, bool, int32_t, int32_t>, Functions> groups;
  for (const SymmetryFunction& f : functions) {
    if (f.kind == FunctionKind::G2) continue;
    const auto [low, high] = std::minmax(f.first, f.second);
    groups[{cutoffs.at(f.cutoff), f.kind == FunctionKind::G4, low, high}].push_back(f);
  }
  const int32_t first = count(plan.angular);
  for (const auto& [key, members] : groups) {
    const auto [cutoff, third_side, low, high] = key;
    for (size_t begin = 0; begin < members.size(); begin += kMostFunctions) {
      const size_t last = std::min(members.size(), begin + kMostFunctions);
      AngularGroup group = {low, high, cutoff, third_side, {}, {}};
      add_products({members.begin() + begin, members.begin() + last}, group, plan);
      plan.angular.push_back(group);
    }
  }
  return from(first, plan.angular);
}

}  // namespace

PlanView PlanArrays::view() const {
  return {lists.data(),     list_of_species.data(),
          weights.data(),   static_cast<int32_t>(weights.size()),
          cutoffs.data(),   radial.data(),
          terms.data(),     angular.data(),
          envelopes.data(), powers.data(),
          products.data()};
}

PlanArrays make_plan(const std::vector<SymmetryFunction>& functions,
                     const std::vector<int32_t>& list_of_species,
                     const std::vector<double>& weights, CutoffShape cutoff) {
  if (list_of_species.size() != weights.size()) invalid("each species needs a list and a weight");
  check(cutoff);
  const int32_t n_species = count(weights);
  int32_t n_lists = 0;
  for (const int32_t list : list_of_species) {
    if (list < 0 || list >= n_species) {
      invalid("the list of a species must be 0 to " + std::to_string(n_species - 1));
    }
    n_lists = std::max(n_lists, list + 1);
  }
  std::vector<Functions> of_list(n_lists);
  for (const SymmetryFunction& f : functions) {
    check(f, n_lists, n_species);
    of_list[f.list].push_back(f);
  }
  PlanArrays plan;
  plan.list_of_species = list_of_species;
  plan.weights = weights;
  for (const Functions& own : of_list) {
    FunctionList list;
    list.cutoffs = add_cutoffs(own, cutoff, plan);
    std::map<double, int32_t> cutoffs;
    for (int32_t c = 0; c < size(list.cutoffs); ++c) {
      cutoffs[plan.cutoffs[list.cutoffs.first + c].radius] = c;
    }
    list.radial = add_radial(own, cutoffs, plan);
    list.angular = add_angular(own, cutoffs, plan);
    plan.lists.push_back(list);
  }
  return plan;
}

}  // namespace mlip
