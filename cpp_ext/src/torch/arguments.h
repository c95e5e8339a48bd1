// What the operators of torch ask of their arguments. All of them go through torch's stable ABI:
// one library for every torch >= 2.10.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>

#include "edge_problems.h"

namespace mlip {

template <class T>
constexpr torch::headeronly::ScalarType kType =
    sizeof(T) == 4 ? torch::headeronly::ScalarType::Float : torch::headeronly::ScalarType::Double;

struct NamedTensor {
  const char* name;
  const torch::stable::Tensor& tensor;
};

// The number as the core counts, or an error that names `op` and the argument.
inline int32_t narrow(int64_t number, const char* op, const char* name) {
  using Limits = std::numeric_limits<int32_t>;
  if (number < Limits::min() || number > Limits::max()) {
    throw std::invalid_argument(std::string(op) + ": " + name + " is out of range");
  }
  return static_cast<int32_t>(number);
}

// How many threads torch was given.
inline int threads() { return static_cast<int>(torch::stable::get_num_threads()); }

// The tensor, contiguous, or an error that names `op` and the argument. A size of -1 stands for
// any.
inline torch::stable::Tensor checked(const torch::stable::Tensor& tensor, const char* op,
                                     const char* name, torch::headeronly::ScalarType type,
                                     std::initializer_list<int64_t> shape) {
  bool fits = tensor.scalar_type() == type && tensor.dim() == static_cast<int64_t>(shape.size());
  int64_t d = 0;
  for (const int64_t size : shape) {
    fits = fits && (size < 0 || tensor.size(d) == size);
    ++d;
  }
  if (!fits) {
    throw std::invalid_argument(std::string(op) + ": " + name +
                                " has the wrong shape or type of numbers");
  }
  return tensor.is_contiguous() ? tensor : torch::stable::contiguous(tensor);
}

// Descriptors ask for edges sorted by centre, as neighbour lists have them.
inline void check_order(const torch::stable::Tensor& centres, const char* op) {
  const int64_t* const centre = centres.const_data_ptr<int64_t>();
  bool rising = true;
  for (int64_t e = 1; e < centres.size(0); ++e) rising &= centre[e] >= centre[e - 1];
  if (!rising) throw std::invalid_argument(centres_decrease(op));
}

}  // namespace mlip
