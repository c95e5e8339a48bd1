// Arguments and results of the symmetry functions' operators, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <vector>

#include "edge_tensors.h"
#include "mlip/symmetry_functions.h"
#include "symmetry_functions/problems.h"

namespace mlip {

// What the functions are, read to where this program runs.
struct FunctionTables {
  std::vector<SymmetryFunction> functions;
  std::vector<int32_t> lists;
  std::vector<double> weights;
  CutoffShape cutoff;
};

// Rows of `integers` are kind (2, 4, 5), list, column, first, second, sign; of `reals` eta, shift,
// cutoff, zeta. `read(pointer, count)` gives a vector of numbers of a tensor.
template <class Read>
FunctionTables function_tables(const torch::stable::Tensor& integers_,
                               const torch::stable::Tensor& reals_,
                               const torch::stable::Tensor& lists_,
                               const torch::stable::Tensor& weights_, int64_t cutoff_kind,
                               double cutoff_start, int64_t n_features, Read read) {
  using torch::headeronly::ScalarType;
  constexpr const char* kName = kSymmetryFunctions;
  const auto integers = checked(integers_, kName, "integers", ScalarType::Long, {-1, 6});
  const int64_t n = integers.size(0);
  const auto reals = checked(reals_, kName, "reals", ScalarType::Double, {n, 4});
  const auto lists = checked(lists_, kName, "lists", ScalarType::Long, {-1});
  const int64_t n_species = lists.size(0);
  const auto weights = checked(weights_, kName, "weights", ScalarType::Double, {n_species});
  const std::vector<int64_t> all_integers = read(integers.const_data_ptr<int64_t>(), 6 * n);
  const std::vector<double> all_reals = read(reals.const_data_ptr<double>(), 4 * n);
  const std::vector<int64_t> all_lists = read(lists.const_data_ptr<int64_t>(), n_species);
  FunctionTables tables;
  for (int64_t f = 0; f < n; ++f) {
    const int64_t* i = all_integers.data() + 6 * f;
    const double* r = all_reals.data() + 4 * f;
    if (i[0] != 2 && i[0] != 4 && i[0] != 5) {
      throw std::invalid_argument("mlip::symmetry_functions: a kind is not 2, 4 or 5");
    }
    if (i[2] >= n_features) {
      throw std::invalid_argument("mlip::symmetry_functions: a column is not among the features");
    }
    const auto kind = i[0] == 2   ? FunctionKind::G2
                      : i[0] == 4 ? FunctionKind::G4
                                  : FunctionKind::G5;
    const auto whole = [&](int64_t number) {
      return narrow(number, kName, "a number in integers");
    };
    tables.functions.push_back({kind, whole(i[1]), whole(i[2]), whole(i[3]), whole(i[4]),
                                whole(i[5]), r[0], r[1], r[2], r[3]});
  }
  for (const int64_t list : all_lists) {
    tables.lists.push_back(narrow(list, kName, "a number in lists"));
  }
  tables.weights = read(weights.const_data_ptr<double>(), n_species);
  tables.cutoff = {static_cast<CutoffKind>(cutoff_kind), cutoff_start};
  return tables;
}

// The operators by a `Machine`, made of all tensors before anything is read:
//
//   Machine(vectors, {all other tensors})   throws if they lie elsewhere
//   machine.new_tensor(like, shape)         for results
//   machine.read(pointer, count)            a vector of numbers
//   machine.evaluate<Real>(tensors, tables, features)
//   machine.differentiate<Real>(tensors, tables, gradient, by_vector)
template <class Machine>
struct SymmetryOperators {
  using Tensor = torch::stable::Tensor;

  static Tensor symmetry_functions(Tensor vectors, Tensor centres, Tensor neighbours,
                                   Tensor species, Tensor integers, Tensor reals, Tensor lists,
                                   Tensor weights, int64_t cutoff_kind, double cutoff_start,
                                   int64_t n_features) {
    const bool doubles = in_doubles(kSymmetryFunctions, vectors);
    const Machine machine(vectors, {{"centres", centres},
                                    {"neighbours", neighbours},
                                    {"species", species},
                                    {"integers", integers},
                                    {"reals", reals},
                                    {"lists", lists},
                                    {"weights", weights}});
    const EdgeTensors tensors(kSymmetryFunctions, vectors, centres, neighbours, species);
    const FunctionTables tables =
        function_tables(integers, reals, lists, weights, cutoff_kind, cutoff_start, n_features,
                        [&](const auto* from, int64_t n) { return machine.read(from, n); });
    Tensor features = machine.new_tensor(vectors, {tensors.species.size(0), n_features});
    doubles ? machine.template evaluate<double>(tensors, tables, features)
            : machine.template evaluate<float>(tensors, tables, features);
    return features;
  }

  static Tensor symmetry_functions_backward(Tensor gradient_, Tensor vectors, Tensor centres,
                                            Tensor neighbours, Tensor species, Tensor integers,
                                            Tensor reals, Tensor lists, Tensor weights,
                                            int64_t cutoff_kind, double cutoff_start) {
    const bool doubles = in_doubles(kSymmetryFunctions, vectors);
    const Machine machine(vectors, {{"gradient", gradient_},
                                    {"centres", centres},
                                    {"neighbours", neighbours},
                                    {"species", species},
                                    {"integers", integers},
                                    {"reals", reals},
                                    {"lists", lists},
                                    {"weights", weights}});
    const EdgeTensors tensors(kSymmetryFunctions, vectors, centres, neighbours, species);
    const Tensor gradient = checked(gradient_, kSymmetryFunctions, "gradient",
                                    vectors.scalar_type(), {tensors.species.size(0), -1});
    const FunctionTables tables = function_tables(
        integers, reals, lists, weights, cutoff_kind, cutoff_start, gradient.size(1),
        [&](const auto* from, int64_t n) { return machine.read(from, n); });
    Tensor by_vector = machine.new_tensor(vectors, {tensors.vectors.size(0), 3});
    doubles ? machine.template differentiate<double>(tensors, tables, gradient, by_vector)
            : machine.template differentiate<float>(tensors, tables, gradient, by_vector);
    return by_vector;
  }
};

}  // namespace mlip
