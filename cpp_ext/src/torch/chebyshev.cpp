// Chebyshev descriptors and their gradient as operators of torch.
#include "mlip/chebyshev.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <limits>
#include <stdexcept>

#include "environment_tensors.h"
#include "tensor_pages.h"

namespace {

using mlip::checked;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr const char* kOp = "mlip::chebyshev";

// The arguments that both operators have, checked.
struct Call {
  mlip::EdgeTensors edges;
  Tensor weights, legendre;
  mlip::ChebyshevBasis basis;

  Call(const Tensor& vectors, const Tensor& centres, const Tensor& neighbours,
       const Tensor& species, const Tensor& weights_, const Tensor& legendre_, int64_t radial_order,
       int64_t cutoff_kind, double cutoff, double angular_cutoff)
      : edges(kOp, vectors, centres, neighbours, species),
        weights(checked(weights_, kOp, "weights", ScalarType::Double, {-1, -1})),
        legendre(checked(legendre_, kOp, "legendre", ScalarType::Double, {-1, legendre_.size(0)})) {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max() / 2;
    if (radial_order < 0 || radial_order > kMost) {
      throw std::invalid_argument("mlip::chebyshev: radial_order is out of range");
    }
    basis = {static_cast<int>(radial_order),
             static_cast<int>(legendre.size(0)) - 1,
             static_cast<mlip::CutoffKind>(cutoff_kind),
             cutoff,
             angular_cutoff,
             weights.const_data_ptr<double>(),
             static_cast<int>(weights.size(0)),
             static_cast<int>(weights.size(1)),
             legendre.const_data_ptr<double>()};
  }

  int64_t n_features() const { return mlip::chebyshev_features_per_atom(basis); }
};

Tensor new_tensor(const Tensor& like, int64_t rows, int64_t columns) {
  Tensor tensor = torch::stable::new_empty(like, {rows, columns});
  mlip::ask_for_huge_pages(tensor);
  return tensor;
}

Tensor chebyshev(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species, Tensor weights,
                 Tensor legendre, int64_t radial_order, int64_t cutoff_kind, double cutoff,
                 double angular_cutoff) {
  const bool doubles = mlip::in_doubles(kOp, vectors);
  const Call call(vectors, centres, neighbours, species, weights, legendre, radial_order,
                  cutoff_kind, cutoff, angular_cutoff);
  const mlip::EnvironmentTensors atoms(kOp, call.edges);
  Tensor features = new_tensor(vectors, species.size(0), call.n_features());
  const auto run = [&](auto* out) {
    using Real = std::remove_pointer_t<decltype(out)>;
    mlip::chebyshev_features(call.basis, atoms.view<Real>(), mlip::threads(), out);
  };
  doubles ? run(features.mutable_data_ptr<double>()) : run(features.mutable_data_ptr<float>());
  return features;
}

Tensor chebyshev_gradients(Tensor by_features_, Tensor vectors, Tensor centres, Tensor neighbours,
                           Tensor species, Tensor weights, Tensor legendre, int64_t radial_order,
                           int64_t cutoff_kind, double cutoff, double angular_cutoff) {
  const bool doubles = mlip::in_doubles(kOp, vectors);
  const Call call(vectors, centres, neighbours, species, weights, legendre, radial_order,
                  cutoff_kind, cutoff, angular_cutoff);
  const mlip::EnvironmentTensors atoms(kOp, call.edges);
  const Tensor by_features = checked(by_features_, kOp, "by_features", vectors.scalar_type(),
                                     {species.size(0), call.n_features()});
  Tensor by_vectors = new_tensor(vectors, vectors.size(0), 3);
  const auto run = [&](auto* out) {
    using Real = std::remove_pointer_t<decltype(out)>;
    mlip::chebyshev_gradients(call.basis, atoms.view<Real>(), mlip::threads(),
                              by_features.const_data_ptr<Real>(), out);
  };
  doubles ? run(by_vectors.mutable_data_ptr<double>()) : run(by_vectors.mutable_data_ptr<float>());
  return by_vectors;
}

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
  m.impl("chebyshev", TORCH_BOX(&chebyshev));
  m.impl("chebyshev_gradients", TORCH_BOX(&chebyshev_gradients));
}
