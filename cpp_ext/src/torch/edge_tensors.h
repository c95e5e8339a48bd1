// Tensors of atoms and edges, on any device.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "arguments.h"
#include "mlip/environments.h"

namespace mlip {

// Contiguous, and checked for their shapes.
struct EdgeTensors {
  torch::stable::Tensor vectors, centres, neighbours, species;

  EdgeTensors(const char* op, const torch::stable::Tensor& vectors_,
              const torch::stable::Tensor& centres_, const torch::stable::Tensor& neighbours_,
              const torch::stable::Tensor& species_) {
    using torch::headeronly::ScalarType;
    vectors = checked(vectors_, op, "vectors", vectors_.scalar_type(), {-1, 3});
    const int64_t n = vectors.size(0);
    centres = checked(centres_, op, "centres", ScalarType::Long, {n});
    neighbours = checked(neighbours_, op, "neighbours", ScalarType::Long, {n});
    species = checked(species_, op, "species", ScalarType::Long, {-1});
  }

  template <class Real>
  EdgesByCentre<Real> view() const {
    return {vectors.const_data_ptr<Real>(),
            centres.const_data_ptr<int64_t>(),
            neighbours.const_data_ptr<int64_t>(),
            species.const_data_ptr<int64_t>(),
            vectors.size(0),
            species.size(0)};
  }
};

// Whether vectors are float64; an error if they are not float32 either.
inline bool in_doubles(const char* op, const torch::stable::Tensor& vectors) {
  using torch::headeronly::ScalarType;
  const ScalarType type = vectors.scalar_type();
  if (type != ScalarType::Double && type != ScalarType::Float) {
    throw std::invalid_argument(std::string(op) + ": vectors must be float32 or float64");
  }
  return type == ScalarType::Double;
}

}  // namespace mlip
