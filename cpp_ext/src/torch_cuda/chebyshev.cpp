// The Chebyshev descriptors' operators for tensors in the memory of a GPU. The library of the
// processor (torch/chebyshev.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <initializer_list>

#include "chebyshev_tensors.h"
#include "device.h"
#include "mlip/chebyshev_cuda.h"

namespace {

using mlip::ChebyshevCall;
using torch::stable::Tensor;

class Gpu {
 public:
  Gpu(const Tensor& vectors, std::initializer_list<mlip::NamedTensor> others)
      : on_device_(mlip::kChebyshev, vectors, "vectors", others) {}

  Tensor new_tensor(const Tensor& like, std::initializer_list<int64_t> shape) const {
    return torch::stable::new_empty(like, shape);
  }

  template <class Real>
  void features(const ChebyshevCall& call, Tensor& features) const {
    Tensor workspace = workspace_for<Real>(call, false);
    mlip::cuda::chebyshev_features(call.basis, call.edges.view<Real>(),
                                   workspace.mutable_data_ptr(), on_device_.stream(),
                                   features.mutable_data_ptr<Real>());
  }

  template <class Real>
  void gradients(const ChebyshevCall& call, const Tensor& by_features, Tensor& by_vectors) const {
    Tensor workspace = workspace_for<Real>(call, true);
    mlip::cuda::chebyshev_gradients(
        call.basis, call.edges.view<Real>(), workspace.mutable_data_ptr(), on_device_.stream(),
        by_features.const_data_ptr<Real>(), by_vectors.mutable_data_ptr<Real>());
  }

 private:
  template <class Real>
  Tensor workspace_for(const ChebyshevCall& call, bool back) const {
    const int64_t n = mlip::cuda::chebyshev_workspace_bytes<Real>(call.basis, call.n_atoms(), back);
    return on_device_.bytes(call.edges.vectors, n);
  }

  mlip::OnDevice on_device_;
};

using Operators = mlip::ChebyshevOperators<Gpu>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("chebyshev", TORCH_BOX(&Operators::chebyshev));
  m.impl("chebyshev_gradients", TORCH_BOX(&Operators::chebyshev_gradients));
}
