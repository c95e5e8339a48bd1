// Sums over neighbours as operators of torch.
#include "mlip/neighbour_sums.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>

#include "arguments.h"

namespace {

using mlip::checked;
using mlip::kType;
using mlip::threads;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// l of a number of harmonics (l + 1)^2 that the core knows.
int degree_of(const char* op, const char* name, int64_t n_harmonics) {
  for (int l = 0; l <= mlip::kSumsMostDegrees; ++l) {
    if ((l + 1) * (l + 1) == n_harmonics) return l;
  }
  throw std::invalid_argument(
      std::string(op) + ": " + name + " must have (l + 1)^2 components, l up to " +
      std::to_string(mlip::kSumsMostDegrees) + ", not " + std::to_string(n_harmonics));
}

void require(const char* op, bool condition, const char* otherwise) {
  if (!condition) throw std::invalid_argument(std::string(op) + ": " + otherwise);
}

// Checked edges.
struct Edges {
  Tensor centres, neighbours;
  mlip::SumEdges edges;

  Edges(const char* op, const Tensor& given_centres, const Tensor& given_neighbours,
        int64_t n_edges, int64_t n_centres, int64_t n_senders)
      : centres(checked(given_centres, op, "centres", ScalarType::Long, {n_edges})),
        neighbours(checked(given_neighbours, op, "neighbours", ScalarType::Long, {n_edges})),
        edges{centres.const_data_ptr<int64_t>(), neighbours.const_data_ptr<int64_t>(), n_edges,
              n_centres, n_senders} {
    require(op, n_centres >= 0, "n_centres is negative");
  }
};

Tensor room(const Tensor& like, const Tensor& shape) {
  return shape.dim() == 2
             ? torch::stable::new_empty(like, {shape.size(0), shape.size(1)})
             : torch::stable::new_empty(like, {shape.size(0), shape.size(1), shape.size(2)});
}

// --------------------------------------------------------------------------- weights that are
// given

struct Given {
  const char* op;
  Tensor weights, harmonics, sent, centres, neighbours;
  int64_t n_centres;
};

template <class T>
struct Call {
  Given in;
  Edges edges;
  mlip::SumShape shape;

  explicit Call(const Given& given)
      : in(with_checked(given)),
        edges(in.op, in.centres, in.neighbours, in.harmonics.size(1), in.n_centres,
              in.sent.size(1)),
        shape{degree_of(in.op, "harmonics", in.harmonics.size(0)),
              degree_of(in.op, "sent", in.sent.size(0)), in.sent.size(2)} {
    if (in.weights.size(1) != shape.n_weights()) {
      throw std::invalid_argument(std::string(in.op) + ": weights must have " +
                                  std::to_string(shape.n_weights()) + " rows for each edge");
    }
  }

  static Given with_checked(Given in) {
    in.harmonics = checked(in.harmonics, in.op, "harmonics", kType<T>, {-1, -1});
    in.sent = checked(in.sent, in.op, "sent", kType<T>, {-1, -1, -1});
    in.weights = checked(in.weights, in.op, "weights", kType<T>,
                         {in.harmonics.size(1), -1, in.sent.size(2)});
    return in;
  }

  mlip::SumInput<T> input() const { return pointers(in.weights, in.harmonics, in.sent); }
  static mlip::SumInput<T> pointers(const Tensor& weights, const Tensor& harmonics,
                                    const Tensor& sent) {
    return {weights.const_data_ptr<T>(), harmonics.const_data_ptr<T>(), sent.const_data_ptr<T>()};
  }

  Tensor sums() const {
    return torch::stable::new_empty(in.sent, {shape.n_sums(), in.n_centres, shape.n_channels});
  }
  Tensor checked_sums(const Tensor& by_sums) const {
    return checked(by_sums, in.op, "by_sums", kType<T>,
                   {shape.n_sums(), in.n_centres, shape.n_channels});
  }
  std::tuple<Tensor, Tensor, Tensor> gradients() const {
    return {room(in.sent, in.weights), room(in.sent, in.harmonics), room(in.sent, in.sent)};
  }
};

template <class T>
mlip::SumGradients<T> pointers(std::tuple<Tensor, Tensor, Tensor>& gradients) {
  auto& [weights, harmonics, sent] = gradients;
  return {weights.mutable_data_ptr<T>(), harmonics.mutable_data_ptr<T>(),
          sent.mutable_data_ptr<T>()};
}

template <class T>
Tensor values(const Given& given) {
  const Call<T> call(given);
  Tensor out = call.sums();
  mlip::neighbour_sums(call.shape, call.edges.edges, call.input(), threads(),
                       out.template mutable_data_ptr<T>());
  return out;
}

template <class T>
std::tuple<Tensor, Tensor, Tensor> gradients(const Given& given, const Tensor& by_sums) {
  const Call<T> call(given);
  const Tensor by = call.checked_sums(by_sums);
  std::tuple<Tensor, Tensor, Tensor> found = call.gradients();
  mlip::neighbour_sum_gradients(call.shape, call.edges.edges, call.input(),
                                by.template const_data_ptr<T>(), threads(), pointers<T>(found));
  return found;
}

template <class T>
std::tuple<Tensor, Tensor, Tensor, Tensor> second(const Given& given, const Tensor& by_sums,
                                                  Tensor weights, Tensor harmonics, Tensor sent) {
  const Call<T> call(given);
  const Tensor by = call.checked_sums(by_sums);
  const auto& in = call.in;
  weights = checked(weights, in.op, "along_weights", kType<T>,
                    {in.weights.size(0), in.weights.size(1), in.weights.size(2)});
  harmonics = checked(harmonics, in.op, "along_harmonics", kType<T>,
                      {in.harmonics.size(0), in.harmonics.size(1)});
  sent = checked(sent, in.op, "along_sent", kType<T>,
                 {in.sent.size(0), in.sent.size(1), in.sent.size(2)});
  Tensor by_by = call.sums();
  std::tuple<Tensor, Tensor, Tensor> found = call.gradients();
  mlip::neighbour_sum_second(call.shape, call.edges.edges, call.input(),
                             by.template const_data_ptr<T>(),
                             Call<T>::pointers(weights, harmonics, sent), threads(),
                             by_by.template mutable_data_ptr<T>(), pointers<T>(found));
  return std::tuple_cat(std::make_tuple(by_by), found);
}

bool single(const Tensor& tensor) { return tensor.scalar_type() == ScalarType::Float; }

Tensor neighbour_sums(Tensor weights, Tensor harmonics, Tensor sent, Tensor centres,
                      Tensor neighbours, int64_t n_centres) {
  const Given given = {
      "mlip::neighbour_sums", weights, harmonics, sent, centres, neighbours, n_centres};
  return single(sent) ? values<float>(given) : values<double>(given);
}

std::tuple<Tensor, Tensor, Tensor> neighbour_sum_gradients(Tensor by_sums, Tensor weights,
                                                           Tensor harmonics, Tensor sent,
                                                           Tensor centres, Tensor neighbours,
                                                           int64_t n_centres) {
  const Given given = {
      "mlip::neighbour_sum_gradients", weights, harmonics, sent, centres, neighbours, n_centres};
  return single(sent) ? gradients<float>(given, by_sums) : gradients<double>(given, by_sums);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> neighbour_sum_second(
    Tensor along_weights, Tensor along_harmonics, Tensor along_sent, Tensor by_sums, Tensor weights,
    Tensor harmonics, Tensor sent, Tensor centres, Tensor neighbours, int64_t n_centres) {
  const Given given = {
      "mlip::neighbour_sum_second", weights, harmonics, sent, centres, neighbours, n_centres};
  return single(sent) ? second<float>(given, by_sums, along_weights, along_harmonics, along_sent)
                      : second<double>(given, by_sums, along_weights, along_harmonics, along_sent);
}

// -------------------------------------------------------------- weights that are radial functions

struct Radial {
  const char* op;
  Tensor vectors, sent, table, centres, neighbours;
  int64_t n_centres, l_max;
  double cutoff;
};

template <class T>
struct RadialCall {
  Radial in;
  Edges edges;
  mlip::SumShape shape;
  mlip::SumTable<T> table;

  explicit RadialCall(const Radial& given)
      : in(with_checked(given)),
        edges(in.op, in.centres, in.neighbours, in.vectors.size(0), in.n_centres, in.sent.size(1)),
        shape{static_cast<int>(in.l_max), degree_of(in.op, "sent", in.sent.size(0)),
              in.sent.size(2)} {
    in.table = checked(in.table, in.op, "table", kType<T>,
                       {-1, shape.n_weights(), mlip::kSumTableDegree<T> + 1,
                        mlip::sum_table_row(shape.n_channels)});
    require(in.op, in.table.size(0) >= 1, "table has no intervals");
    table = {in.table.template const_data_ptr<T>(), in.table.size(0), in.cutoff};
  }

  static Radial with_checked(Radial given) {
    require(given.op, given.cutoff > 0, "cutoff must be positive");
    require(given.op, given.l_max >= 0 && given.l_max <= mlip::kSumsMostDegrees,
            "l_max must be 0 to 6");
    given.vectors = checked(given.vectors, given.op, "vectors", kType<T>, {-1, 3});
    given.sent = checked(given.sent, given.op, "sent", kType<T>, {-1, -1, -1});
    return given;
  }
};

template <class T>
Tensor radial_values(const Radial& given) {
  const RadialCall<T> call(given);
  Tensor out = torch::stable::new_empty(
      call.in.sent, {call.shape.n_sums(), call.in.n_centres, call.shape.n_channels});
  mlip::radial_sums(
      call.shape, call.edges.edges, call.table, call.in.vectors.template const_data_ptr<T>(),
      call.in.sent.template const_data_ptr<T>(), threads(), out.template mutable_data_ptr<T>());
  return out;
}

template <class T>
std::tuple<Tensor, Tensor> radial_gradients(const Radial& given, const Tensor& by_sums,
                                            bool sent_wanted) {
  const RadialCall<T> call(given);
  const Tensor by = checked(by_sums, call.in.op, "by_sums", kType<T>,
                            {call.shape.n_sums(), call.in.n_centres, call.shape.n_channels});
  Tensor by_vectors = room(call.in.sent, call.in.vectors);
  Tensor by_sent = sent_wanted ? room(call.in.sent, call.in.sent)
                               : torch::stable::new_empty(call.in.sent, {0, 0, 0});
  mlip::radial_sum_gradients(
      call.shape, call.edges.edges, call.table, call.in.vectors.template const_data_ptr<T>(),
      call.in.sent.template const_data_ptr<T>(), by.template const_data_ptr<T>(), threads(),
      by_vectors.template mutable_data_ptr<T>(),
      sent_wanted ? by_sent.template mutable_data_ptr<T>() : nullptr);
  return {by_vectors, by_sent};
}

Tensor radial_sums(Tensor vectors, Tensor sent, Tensor table, Tensor centres, Tensor neighbours,
                   int64_t n_centres, int64_t l_max, double cutoff) {
  const Radial given = {"mlip::radial_sums", vectors,   sent,  table, centres,
                        neighbours,          n_centres, l_max, cutoff};
  return single(sent) ? radial_values<float>(given) : radial_values<double>(given);
}

std::tuple<Tensor, Tensor> radial_sum_gradients(Tensor by_sums, Tensor vectors, Tensor sent,
                                                Tensor table, Tensor centres, Tensor neighbours,
                                                int64_t n_centres, int64_t l_max, double cutoff,
                                                bool sent_wanted) {
  const Radial given = {"mlip::radial_sum_gradients",
                        vectors,
                        sent,
                        table,
                        centres,
                        neighbours,
                        n_centres,
                        l_max,
                        cutoff};
  return single(sent) ? radial_gradients<float>(given, by_sums, sent_wanted)
                      : radial_gradients<double>(given, by_sums, sent_wanted);
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "neighbour_sums(Tensor weights, Tensor harmonics, Tensor sent, Tensor centres, "
      "Tensor neighbours, int n_centres) -> Tensor sums");
  m.def(
      "neighbour_sum_gradients(Tensor by_sums, Tensor weights, Tensor harmonics, Tensor sent, "
      "Tensor centres, Tensor neighbours, int n_centres) "
      "-> (Tensor by_weights, Tensor by_harmonics, Tensor by_sent)");
  m.def(
      "neighbour_sum_second(Tensor along_weights, Tensor along_harmonics, Tensor along_sent, "
      "Tensor by_sums, Tensor weights, Tensor harmonics, Tensor sent, Tensor centres, "
      "Tensor neighbours, int n_centres) "
      "-> (Tensor by_by_sums, Tensor by_weights, Tensor by_harmonics, Tensor by_sent)");
  m.def(
      "radial_sums(Tensor vectors, Tensor sent, Tensor table, Tensor centres, Tensor neighbours, "
      "int n_centres, int l_max, float cutoff) -> Tensor sums");
  m.def(
      "radial_sum_gradients(Tensor by_sums, Tensor vectors, Tensor sent, Tensor table, "
      "Tensor centres, Tensor neighbours, int n_centres, int l_max, float cutoff, "
      "bool sent_wanted) -> (Tensor by_vectors, Tensor by_sent)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("neighbour_sums", TORCH_BOX(&neighbour_sums));
  m.impl("neighbour_sum_gradients", TORCH_BOX(&neighbour_sum_gradients));
  m.impl("neighbour_sum_second", TORCH_BOX(&neighbour_sum_second));
  m.impl("radial_sums", TORCH_BOX(&radial_sums));
  m.impl("radial_sum_gradients", TORCH_BOX(&radial_sum_gradients));
}
