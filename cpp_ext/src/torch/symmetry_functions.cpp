// Symmetry functions and the derivative by edge vectors as operators of torch. Python makes the
// first differentiable by the second.
#include "mlip/symmetry_functions.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "arguments.h"
#include "tensor_pages.h"

namespace {

constexpr const char* kName = "mlip::symmetry_functions";

using mlip::checked;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

struct Arguments {
  Tensor vectors, centres, neighbours, species;
  std::vector<int64_t> first_edge;
  mlip::SymmetryFunctions functions;

  template <class Real>
  mlip::Environments<Real> environments() const {
    return {vectors.const_data_ptr<Real>(), neighbours.const_data_ptr<int64_t>(), first_edge.data(),
            species.const_data_ptr<int64_t>(), species.size(0)};
  }
};

// Rows of `integers` are kind (2, 4, 5), list, column, first, second, sign; of `reals` eta, shift,
// cutoff, zeta.
std::vector<mlip::SymmetryFunction> functions_of(const Tensor& integers_, const Tensor& reals_,
                                                 int64_t n_features) {
  const Tensor integers = checked(integers_, kName, "integers", ScalarType::Long, {-1, 6});
  const int64_t n = integers.size(0);
  const Tensor reals = checked(reals_, kName, "reals", ScalarType::Double, {n, 4});
  std::vector<mlip::SymmetryFunction> functions;
  for (int64_t f = 0; f < n; ++f) {
    const int64_t* i = integers.const_data_ptr<int64_t>() + 6 * f;
    const double* r = reals.const_data_ptr<double>() + 4 * f;
    if (i[0] != 2 && i[0] != 4 && i[0] != 5) {
      throw std::invalid_argument("mlip::symmetry_functions: a kind is not 2, 4 or 5");
    }
    if (i[2] >= n_features) {
      throw std::invalid_argument("mlip::symmetry_functions: a column is not among the features");
    }
    const auto kind = i[0] == 2   ? mlip::FunctionKind::G2
                      : i[0] == 4 ? mlip::FunctionKind::G4
                                  : mlip::FunctionKind::G5;
    functions.push_back({kind, static_cast<int32_t>(i[1]), static_cast<int32_t>(i[2]),
                         static_cast<int32_t>(i[3]), static_cast<int32_t>(i[4]),
                         static_cast<int32_t>(i[5]), r[0], r[1], r[2], r[3]});
  }
  return functions;
}

std::vector<int64_t> first_edges(const Tensor& centres, int64_t n_atoms) {
  mlip::check_order(centres, kName);
  const int64_t* centre = centres.const_data_ptr<int64_t>();
  const int64_t n = centres.size(0);
  std::vector<int64_t> first(n_atoms + 1, 0);
  for (int64_t e = 0; e < n; ++e) {
    if (centre[e] < 0 || centre[e] >= n_atoms) {
      throw std::invalid_argument("mlip::symmetry_functions: centres must be atoms");
    }
    ++first[centre[e] + 1];
  }
  for (int64_t a = 0; a < n_atoms; ++a) first[a + 1] += first[a];
  return first;
}

Arguments arguments(const Tensor& vectors_, const Tensor& centres_, const Tensor& neighbours_,
                    const Tensor& species_, const Tensor& integers, const Tensor& reals,
                    const Tensor& lists_, const Tensor& weights_, int64_t cutoff_kind,
                    double cutoff_start, int64_t n_features) {
  const Tensor vectors = checked(vectors_, kName, "vectors", vectors_.scalar_type(), {-1, 3});
  const int64_t n_edges = vectors.size(0);
  const Tensor centres = checked(centres_, kName, "centres", ScalarType::Long, {n_edges});
  const Tensor neighbours = checked(neighbours_, kName, "neighbours", ScalarType::Long, {n_edges});
  const Tensor species = checked(species_, kName, "species", ScalarType::Long, {-1});
  const Tensor lists = checked(lists_, kName, "lists", ScalarType::Long, {-1});
  const Tensor weights = checked(weights_, kName, "weights", ScalarType::Double, {lists.size(0)});
  for (int64_t e = 0; e < n_edges; ++e) {
    const int64_t neighbour = neighbours.const_data_ptr<int64_t>()[e];
    if (neighbour < 0 || neighbour >= species.size(0)) {
      throw std::invalid_argument("mlip::symmetry_functions: a neighbour is not an atom");
    }
  }
  const int64_t* list = lists.const_data_ptr<int64_t>();
  const double* weight = weights.const_data_ptr<double>();
  return {vectors,
          centres,
          neighbours,
          species,
          first_edges(centres, species.size(0)),
          {functions_of(integers, reals, n_features),
           {list, list + lists.size(0)},
           {weight, weight + weights.size(0)},
           {static_cast<mlip::CutoffKind>(cutoff_kind), cutoff_start}}};
}

template <class Real>
void evaluate(const Arguments& given, Tensor& features) {
  given.functions.evaluate(given.environments<Real>(), features.size(1),
                           features.mutable_data_ptr<Real>(),
                           static_cast<int>(torch::stable::get_num_threads()));
}

template <class Real>
void differentiate(const Arguments& given, const Tensor& gradient, Tensor& by_vector) {
  given.functions.differentiate(given.environments<Real>(), gradient.size(1),
                                gradient.const_data_ptr<Real>(), by_vector.mutable_data_ptr<Real>(),
                                static_cast<int>(torch::stable::get_num_threads()));
}

bool in_doubles(const Tensor& vectors) {
  const ScalarType type = vectors.scalar_type();
  if (type != ScalarType::Double && type != ScalarType::Float) {
    throw std::invalid_argument("mlip::symmetry_functions: vectors must be float32 or float64");
  }
  return type == ScalarType::Double;
}

Tensor symmetry_functions(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species,
                          Tensor integers, Tensor reals, Tensor lists, Tensor weights,
                          int64_t cutoff_kind, double cutoff_start, int64_t n_features) {
  const bool doubles = in_doubles(vectors);
  const Arguments given = arguments(vectors, centres, neighbours, species, integers, reals, lists,
                                    weights, cutoff_kind, cutoff_start, n_features);
  Tensor features = torch::stable::new_empty(vectors, {given.species.size(0), n_features});
  mlip::ask_for_huge_pages(features);
  doubles ? evaluate<double>(given, features) : evaluate<float>(given, features);
  return features;
}

Tensor symmetry_functions_backward(Tensor gradient_, Tensor vectors, Tensor centres,
                                   Tensor neighbours, Tensor species, Tensor integers, Tensor reals,
                                   Tensor lists, Tensor weights, int64_t cutoff_kind,
                                   double cutoff_start) {
  const bool doubles = in_doubles(vectors);
  const Tensor gradient =
      checked(gradient_, kName, "gradient", vectors.scalar_type(), {species.size(0), -1});
  const Arguments given = arguments(vectors, centres, neighbours, species, integers, reals, lists,
                                    weights, cutoff_kind, cutoff_start, gradient.size(1));
  Tensor by_vector = torch::stable::new_empty(vectors, {given.vectors.size(0), 3});
  mlip::ask_for_huge_pages(by_vector);
  doubles ? differentiate<double>(given, gradient, by_vector)
          : differentiate<float>(given, gradient, by_vector);
  return by_vector;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "symmetry_functions(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species, "
      "Tensor integers, Tensor reals, Tensor lists, Tensor weights, int cutoff_kind, "
      "float cutoff_start, int n_features) -> Tensor");
  m.def(
      "symmetry_functions_backward(Tensor gradient, Tensor vectors, Tensor centres, "
      "Tensor neighbours, Tensor species, Tensor integers, Tensor reals, Tensor lists, "
      "Tensor weights, int cutoff_kind, float cutoff_start) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("symmetry_functions", TORCH_BOX(&symmetry_functions));
  m.impl("symmetry_functions_backward", TORCH_BOX(&symmetry_functions_backward));
}
