// Chebyshev descriptors and their gradient as operators of torch.
#include "mlip/chebyshev.h"

#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <initializer_list>

#include "chebyshev_tensors.h"
#include "environment_tensors.h"
#include "tensor_pages.h"

namespace {

using mlip::ChebyshevCall;
using torch::stable::Tensor;

class Processor : public mlip::InLargePages {
 public:
  Processor(const Tensor&, std::initializer_list<mlip::NamedTensor>) {}

  template <class Real>
  void features(const ChebyshevCall& call, Tensor& features) const {
    const mlip::EnvironmentTensors atoms(mlip::kChebyshev, call.edges);
    mlip::chebyshev_features(call.basis, atoms.view<Real>(), mlip::threads(),
                             features.mutable_data_ptr<Real>());
  }

  template <class Real>
  void gradients(const ChebyshevCall& call, const Tensor& by_features, Tensor& by_vectors) const {
    const mlip::EnvironmentTensors atoms(mlip::kChebyshev, call.edges);
    mlip::chebyshev_gradients(call.basis, atoms.view<Real>(), mlip::threads(),
                              by_features.const_data_ptr<Real>(),
                              by_vectors.mutable_data_ptr<Real>());
  }
};

using Operators = mlip::ChebyshevOperators<Processor>;

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "chebyshev(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species, "
      "Tensor weights, Tensor legendre, int radial_order, int cutoff_kind, float cutoff, "
      "float angular_cutoff) -> Tensor features");
  m.def(
      "chebyshev_gradients(Tensor by_features, Tensor vectors, Tensor centres, "
      "Tensor neighbours, Tensor species, Tensor weights, Tensor legendre, int radial_order, "
      "int cutoff_kind, float cutoff, float angular_cutoff) -> Tensor by_vectors");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("chebyshev", TORCH_BOX(&Operators::chebyshev));
  m.impl("chebyshev_gradients", TORCH_BOX(&Operators::chebyshev_gradients));
}
