// Symmetry functions and the derivative by edge vectors as operators of torch. Python makes the
// first differentiable by the second.
#include "mlip/symmetry_functions.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "environment_tensors.h"
#include "symmetry_tensors.h"
#include "tensor_pages.h"

namespace {

using mlip::EdgeTensors;
using mlip::FunctionTables;
using torch::stable::Tensor;

class Processor : public mlip::InLargePages {
 public:
  Processor(const Tensor&, std::initializer_list<mlip::NamedTensor>) {}

  template <class Number>
  std::vector<Number> read(const Number* from, int64_t n) const {
    return {from, from + n};
  }

  template <class Real>
  void evaluate(const EdgeTensors& tensors, const FunctionTables& tables, Tensor& features) const {
    run<Real>(tensors, tables, [&](const auto& functions, const auto& atoms) {
      functions.evaluate(atoms, features.size(1), features.mutable_data_ptr<Real>(), threads_);
    });
  }

  template <class Real>
  void differentiate(const EdgeTensors& tensors, const FunctionTables& tables,
                     const Tensor& gradient, Tensor& by_vector) const {
    run<Real>(tensors, tables, [&](const auto& functions, const auto& atoms) {
      functions.differentiate(atoms, gradient.size(1), gradient.const_data_ptr<Real>(),
                              by_vector.mutable_data_ptr<Real>(), threads_);
    });
  }

 private:
  template <class Real, class Work>
  static void run(const EdgeTensors& tensors, const FunctionTables& tables, Work work) {
    const mlip::EnvironmentTensors atoms(mlip::kSymmetryFunctions, tensors);
    const mlip::SymmetryFunctions functions(tables.functions, tables.lists, tables.weights,
                                            tables.cutoff);
    work(functions, atoms.view<Real>());
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
