// Symmetry functions and the derivative by edge vectors as operators of torch. Python makes the
// first differentiable by the second.
#include "mlip/symmetry_functions.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <vector>

#include "symmetry_functions/problems.h"
#include "symmetry_tensors.h"
#include "tensor_pages.h"

namespace {

using mlip::FunctionTables;
using mlip::SymmetryTensors;
using torch::stable::Tensor;

void check_neighbours(const SymmetryTensors& tensors) {
  const int64_t* neighbour = tensors.neighbours.const_data_ptr<int64_t>();
  for (int64_t e = 0; e < tensors.neighbours.size(0); ++e) {
    if (neighbour[e] < 0 || neighbour[e] >= tensors.species.size(0)) {
      throw std::invalid_argument(mlip::no_such_neighbour());
    }
  }
}

std::vector<int64_t> first_edges(const SymmetryTensors& tensors) {
  mlip::check_order(tensors.centres, mlip::kSymmetryFunctions);
  const int64_t* centre = tensors.centres.const_data_ptr<int64_t>();
  const int64_t n = tensors.centres.size(0), n_atoms = tensors.species.size(0);
  std::vector<int64_t> first(n_atoms + 1, 0);
  for (int64_t e = 0; e < n; ++e) {
    if (centre[e] < 0 || centre[e] >= n_atoms) {
      throw std::invalid_argument(mlip::no_such_centre());
    }
    ++first[centre[e] + 1];
  }
  for (int64_t a = 0; a < n_atoms; ++a) first[a + 1] += first[a];
  return first;
}

class Processor {
 public:
  Processor(const Tensor&, std::initializer_list<mlip::NamedTensor>) {}

  Tensor new_tensor(const Tensor& like, std::initializer_list<int64_t> shape) const {
    Tensor tensor = torch::stable::new_empty(like, shape);
    mlip::ask_for_huge_pages(tensor);
    return tensor;
  }

  template <class Number>
  std::vector<Number> read(const Number* from, int64_t n) const {
    return {from, from + n};
  }

  template <class Real>
  void evaluate(const SymmetryTensors& tensors, const FunctionTables& tables,
                Tensor& features) const {
    run<Real>(tensors, tables, [&](const auto& functions, const auto& atoms) {
      functions.evaluate(atoms, features.size(1), features.mutable_data_ptr<Real>(), threads_);
    });
  }

  template <class Real>
  void differentiate(const SymmetryTensors& tensors, const FunctionTables& tables,
                     const Tensor& gradient, Tensor& by_vector) const {
    run<Real>(tensors, tables, [&](const auto& functions, const auto& atoms) {
      functions.differentiate(atoms, gradient.size(1), gradient.const_data_ptr<Real>(),
                              by_vector.mutable_data_ptr<Real>(), threads_);
    });
  }

 private:
  template <class Real, class Work>
  static void run(const SymmetryTensors& tensors, const FunctionTables& tables, Work work) {
    check_neighbours(tensors);
    const std::vector<int64_t> first_edge = first_edges(tensors);
    const mlip::SymmetryFunctions functions(tables.functions, tables.lists, tables.weights,
                                            tables.cutoff);
    work(functions, mlip::Environments<Real>{
                        tensors.vectors.const_data_ptr<Real>(),
                        tensors.neighbours.const_data_ptr<int64_t>(), first_edge.data(),
                        tensors.species.const_data_ptr<int64_t>(), tensors.species.size(0)});
  }

  int threads_ = static_cast<int>(torch::stable::get_num_threads());
};

using Operators = mlip::SymmetryOperators<Processor>;

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
  m.impl("symmetry_functions", TORCH_BOX(&Operators::symmetry_functions));
  m.impl("symmetry_functions_backward", TORCH_BOX(&Operators::symmetry_functions_backward));
}
