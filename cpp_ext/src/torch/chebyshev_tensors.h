// Arguments and results of the Chebyshev descriptors' operators, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>

#include "chebyshev/problems.h"
#include "edge_tensors.h"
#include "mlip/chebyshev.h"

namespace mlip {

// The numbers that both operators are given.
struct ChebyshevNumbers {
  int64_t radial_order, cutoff_kind;
  double cutoff, angular_cutoff;
};

// The tensors that both operators are given, checked; arrays of the basis are where they are.
struct ChebyshevCall {
  EdgeTensors edges;
  torch::stable::Tensor weights, legendre;
  ChebyshevBasis basis;

  ChebyshevCall(const EdgeTensors& edges_, const torch::stable::Tensor& weights_,
                const torch::stable::Tensor& legendre_, const ChebyshevNumbers& numbers)
      : edges(edges_),
        weights(checked(weights_, kChebyshev, "weights", torch::headeronly::ScalarType::Double,
                        {-1, -1})),
        legendre(checked(legendre_, kChebyshev, "legendre", torch::headeronly::ScalarType::Double,
                         {-1, legendre_.size(0)})) {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max() / 2;
    if (numbers.radial_order < 0 || numbers.radial_order > kMost) {
      throw std::invalid_argument("mlip::chebyshev: radial_order is out of range");
    }
    basis = {static_cast<int>(numbers.radial_order),
             static_cast<int>(legendre.size(0)) - 1,
             static_cast<CutoffKind>(numbers.cutoff_kind),
             numbers.cutoff,
             numbers.angular_cutoff,
             weights.const_data_ptr<double>(),
             static_cast<int>(weights.size(0)),
             static_cast<int>(weights.size(1)),
             legendre.const_data_ptr<double>()};
  }

  int64_t n_atoms() const { return edges.species.size(0); }
  int64_t n_features() const { return chebyshev_features_per_atom(basis); }
};

// The operators by a `Machine`, made of all tensors before anything is read:
//
//   Machine(vectors, {all other tensors})   throws if they lie elsewhere
//   machine.new_tensor(like, shape)         for results
//   machine.features<Real>(call, features)
//   machine.gradients<Real>(call, by_features, by_vectors)
template <class Machine>
struct ChebyshevOperators {
  using Tensor = torch::stable::Tensor;

  static Tensor chebyshev(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species,
                          Tensor weights, Tensor legendre, int64_t radial_order,
                          int64_t cutoff_kind, double cutoff, double angular_cutoff) {
    const bool doubles = in_doubles(kChebyshev, vectors);
    const Machine machine(vectors, {{"centres", centres},
                                    {"neighbours", neighbours},
                                    {"species", species},
                                    {"weights", weights},
                                    {"legendre", legendre}});
    const ChebyshevCall call({kChebyshev, vectors, centres, neighbours, species}, weights, legendre,
                             {radial_order, cutoff_kind, cutoff, angular_cutoff});
    Tensor features = machine.new_tensor(vectors, {call.n_atoms(), call.n_features()});
    doubles ? machine.template features<double>(call, features)
            : machine.template features<float>(call, features);
    return features;
  }

  static Tensor chebyshev_gradients(Tensor by_features_, Tensor vectors, Tensor centres,
                                    Tensor neighbours, Tensor species, Tensor weights,
                                    Tensor legendre, int64_t radial_order, int64_t cutoff_kind,
                                    double cutoff, double angular_cutoff) {
    const bool doubles = in_doubles(kChebyshev, vectors);
    const Machine machine(vectors, {{"by_features", by_features_},
                                    {"centres", centres},
                                    {"neighbours", neighbours},
                                    {"species", species},
                                    {"weights", weights},
                                    {"legendre", legendre}});
    const ChebyshevCall call({kChebyshev, vectors, centres, neighbours, species}, weights, legendre,
                             {radial_order, cutoff_kind, cutoff, angular_cutoff});
    const Tensor by_features = checked(by_features_, kChebyshev, "by_features",
                                       vectors.scalar_type(), {call.n_atoms(), call.n_features()});
    Tensor by_vectors = machine.new_tensor(vectors, {vectors.size(0), 3});
    doubles ? machine.template gradients<double>(call, by_features, by_vectors)
            : machine.template gradients<float>(call, by_features, by_vectors);
    return by_vectors;
  }
};

}  // namespace mlip
