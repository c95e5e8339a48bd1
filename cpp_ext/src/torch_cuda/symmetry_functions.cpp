// The symmetry functions' operators for tensors in the memory of a GPU. The library of the
// processor (torch/symmetry_functions.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>

#include <initializer_list>
#include <vector>

#include "device.h"
#include "gpu/copy.h"
#include "mlip/symmetry_functions_cuda.h"
#include "symmetry_tensors.h"

namespace {

using mlip::EdgeTensors;
using mlip::FunctionTables;
using torch::stable::Tensor;

class Gpu {
 public:
  Gpu(const Tensor& vectors, std::initializer_list<mlip::NamedTensor> others)
      : on_device_(mlip::kSymmetryFunctions, vectors, "vectors", others) {}

  Tensor new_tensor(const Tensor& like, std::initializer_list<int64_t> shape) const {
    return torch::stable::new_empty(like, shape);
  }

  template <class Number>
  std::vector<Number> read(const Number* from, int64_t n) const {
    std::vector<Number> numbers(n);
    mlip::cuda::copy_to_host(numbers.data(), from, n * sizeof(Number), on_device_.stream());
    return numbers;
  }

  template <class Real>
  void evaluate(const EdgeTensors& tensors, const FunctionTables& tables, Tensor& features) const {
    run<Real>(tensors, tables, false,
              [&](const auto& functions, const auto& edges, const auto& rooms, auto... memory) {
                functions.evaluate(edges, features.size(1), features.mutable_data_ptr<Real>(),
                                   rooms, memory...);
              });
  }

  template <class Real>
  void differentiate(const EdgeTensors& tensors, const FunctionTables& tables,
                     const Tensor& gradient, Tensor& by_vector) const {
    run<Real>(tensors, tables, true,
              [&](const auto& functions, const auto& edges, const auto& rooms, auto... memory) {
                functions.differentiate(edges, gradient.size(1), gradient.const_data_ptr<Real>(),
                                        by_vector.mutable_data_ptr<Real>(), rooms, memory...);
              });
  }

 private:
  // work(functions, edges, rooms, tables, workspace, stream).
  template <class Real, class Work>
  void run(const EdgeTensors& tensors, const FunctionTables& given, bool back, Work work) const {
    const mlip::cuda::SymmetryFunctions functions(given.functions, given.lists, given.weights,
                                                  given.cutoff);
    const mlip::EdgesByCentre<Real> edges = tensors.view<Real>();
    Tensor tables = on_device_.bytes(tensors.vectors, functions.tables_bytes());
    const mlip::cuda::Rooms rooms =
        functions.look_at(edges, back, tables.mutable_data_ptr(), on_device_.stream());
    Tensor workspace = on_device_.bytes(tensors.vectors, rooms.bytes);
    work(functions, edges, rooms, tables.mutable_data_ptr(), workspace.mutable_data_ptr(),
         on_device_.stream());
  }

  mlip::OnDevice on_device_;
};

using Operators = mlip::SymmetryOperators<Gpu>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("symmetry_functions", TORCH_BOX(&Operators::symmetry_functions));
  m.impl("symmetry_functions_backward", TORCH_BOX(&Operators::symmetry_functions_backward));
}
