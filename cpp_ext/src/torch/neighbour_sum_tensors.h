// Arguments and results of the operators of sums over neighbours, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>

#include "arguments.h"
#include "mlip/neighbour_sums.h"

namespace mlip {

inline void require(const char* op, bool condition, const char* otherwise) {
  if (!condition) throw std::invalid_argument(std::string(op) + ": " + otherwise);
}

// l of a number of harmonics (l + 1)^2 that the core knows.
inline int sum_degree(const char* op, const char* name, int64_t n_harmonics) {
  for (int l = 0; l <= kSumsMostDegrees; ++l) {
    if ((l + 1) * (l + 1) == n_harmonics) return l;
  }
  throw std::invalid_argument(
      std::string(op) + ": " + name + " must have (l + 1)^2 components, l up to " +
      std::to_string(kSumsMostDegrees) + ", not " + std::to_string(n_harmonics));
}

// Checked edges.
struct SumEdgeTensors {
  torch::stable::Tensor centres, neighbours;
  SumEdges edges;

  SumEdgeTensors(const char* op, const torch::stable::Tensor& given_centres,
                 const torch::stable::Tensor& given_neighbours, int64_t n_edges, int64_t n_centres,
                 int64_t n_senders)
      : centres(
            checked(given_centres, op, "centres", torch::headeronly::ScalarType::Long, {n_edges})),
        neighbours(checked(given_neighbours, op, "neighbours", torch::headeronly::ScalarType::Long,
                           {n_edges})),
        edges{centres.const_data_ptr<int64_t>(), neighbours.const_data_ptr<int64_t>(), n_edges,
              n_centres, n_senders} {
    require(op, n_centres >= 0, "n_centres is negative");
  }
};

inline torch::stable::Tensor room_like(const torch::stable::Tensor& tensor) {
  using torch::stable::new_empty;
  return tensor.dim() == 2 ? new_empty(tensor, {tensor.size(0), tensor.size(1)})
                           : new_empty(tensor, {tensor.size(0), tensor.size(1), tensor.size(2)});
}

// --------------------------------------------------------------------- weights that are given

struct GivenSumArguments {
  const char* op;
  torch::stable::Tensor weights, harmonics, sent, centres, neighbours;
  int64_t n_centres;
};

template <class T>
struct GivenSumCall {
  using Tensor = torch::stable::Tensor;
  using Three = std::tuple<Tensor, Tensor, Tensor>;

  GivenSumArguments in;
  SumEdgeTensors edges;
  SumShape shape;

  explicit GivenSumCall(const GivenSumArguments& given)
      : in(with_checked(given)),
        edges(in.op, in.centres, in.neighbours, in.harmonics.size(1), in.n_centres,
              in.sent.size(1)),
        shape{sum_degree(in.op, "harmonics", in.harmonics.size(0)),
              sum_degree(in.op, "sent", in.sent.size(0)), in.sent.size(2)} {
    if (in.weights.size(1) != shape.n_weights()) {
      throw std::invalid_argument(std::string(in.op) + ": weights must have " +
                                  std::to_string(shape.n_weights()) + " rows for each edge");
    }
  }

  static GivenSumArguments with_checked(GivenSumArguments in) {
    in.harmonics = checked(in.harmonics, in.op, "harmonics", kType<T>, {-1, -1});
    in.sent = checked(in.sent, in.op, "sent", kType<T>, {-1, -1, -1});
    in.weights = checked(in.weights, in.op, "weights", kType<T>,
                         {in.harmonics.size(1), -1, in.sent.size(2)});
    return in;
  }

  SumInput<T> input() const { return pointers(in.weights, in.harmonics, in.sent); }
  static SumInput<T> pointers(const Tensor& weights, const Tensor& harmonics, const Tensor& sent) {
    return {weights.const_data_ptr<T>(), harmonics.const_data_ptr<T>(), sent.const_data_ptr<T>()};
  }

  Tensor sums() const {
    return torch::stable::new_empty(in.sent, {shape.n_sums(), in.n_centres, shape.n_channels});
  }
  Tensor checked_sums(const Tensor& by_sums) const {
    return checked(by_sums, in.op, "by_sums", kType<T>,
                   {shape.n_sums(), in.n_centres, shape.n_channels});
  }
  Three gradients() const {
    return {room_like(in.weights), room_like(in.harmonics), room_like(in.sent)};
  }
  static SumGradients<T> pointers(Three& gradients) {
    auto& [weights, harmonics, sent] = gradients;
    return {weights.template mutable_data_ptr<T>(), harmonics.template mutable_data_ptr<T>(),
            sent.template mutable_data_ptr<T>()};
  }
};

// -------------------------------------------------------------- weights that are radial functions

struct RadialSumArguments {
  const char* op;
  torch::stable::Tensor vectors, sent, table, centres, neighbours;
  int64_t n_centres, l_max;
  double cutoff;
};

template <class T>
struct RadialSumCall {
  using Tensor = torch::stable::Tensor;

  RadialSumArguments in;
  SumEdgeTensors edges;
  SumShape shape;
  SumTable<T> table;

  explicit RadialSumCall(const RadialSumArguments& given)
      : in(with_checked(given)),
        edges(in.op, in.centres, in.neighbours, in.vectors.size(0), in.n_centres, in.sent.size(1)),
        shape{static_cast<int>(in.l_max), sum_degree(in.op, "sent", in.sent.size(0)),
              in.sent.size(2)} {
    in.table =
        checked(in.table, in.op, "table", kType<T>,
                {-1, shape.n_weights(), kSumTableDegree<T> + 1, sum_table_row(shape.n_channels)});
    require(in.op, in.table.size(0) >= 1, "table has no intervals");
    table = {in.table.template const_data_ptr<T>(), in.table.size(0), in.cutoff};
  }

  static RadialSumArguments with_checked(RadialSumArguments given) {
    require(given.op, given.cutoff > 0, "cutoff must be positive");
    require(given.op, given.l_max >= 0 && given.l_max <= kSumsMostDegrees, "l_max must be 0 to 6");
    given.vectors = checked(given.vectors, given.op, "vectors", kType<T>, {-1, 3});
    given.sent = checked(given.sent, given.op, "sent", kType<T>, {-1, -1, -1});
    return given;
  }

  const T* vectors() const { return in.vectors.template const_data_ptr<T>(); }
  const T* sent() const { return in.sent.template const_data_ptr<T>(); }

  Tensor sums() const {
    return torch::stable::new_empty(in.sent, {shape.n_sums(), in.n_centres, shape.n_channels});
  }
  Tensor checked_sums(const Tensor& by_sums) const {
    return checked(by_sums, in.op, "by_sums", kType<T>,
                   {shape.n_sums(), in.n_centres, shape.n_channels});
  }
};

}  // namespace mlip
