// Products of equivariant features as operators of torch.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "arguments.h"
#include "mlip/products.h"

namespace {

using mlip::checked;
using mlip::kType;
using mlip::threads;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// The arguments that all operators have.
struct Arguments {
  const char* op;
  Tensor a;
  std::optional<Tensor> b;  // none for the square of a
  Tensor weights, elements, terms, factors;
  int64_t n_out;
};

// Checked arguments, and what the core makes of them.
template <class T>
struct Call {
  Arguments in;
  int64_t n_atoms, n_channels;
  mlip::ProductTable<T> table;
  mlip::ProductInput<T> input;

  explicit Call(const Arguments& given) : in(given) {
    in.a = checked(in.a, in.op, "a", kType<T>, {-1, -1, -1});
    n_atoms = in.a.size(1), n_channels = in.a.size(2);
    if (in.b) in.b = checked(*in.b, in.op, "b", kType<T>, {-1, n_atoms, n_channels});
    in.weights = checked(in.weights, in.op, "weights", kType<T>, {-1, -1, n_channels});
    in.elements = checked(in.elements, in.op, "elements", ScalarType::Long, {n_atoms});
    in.terms = checked(in.terms, in.op, "terms", ScalarType::Int, {-1, 4});
    in.factors = checked(in.factors, in.op, "factors", kType<T>, {in.terms.size(0)});
    static_assert(sizeof(mlip::ProductTerm) == 4 * sizeof(int32_t));
    table = {reinterpret_cast<const mlip::ProductTerm*>(in.terms.const_data_ptr<int32_t>()),
             in.factors.template const_data_ptr<T>(),
             in.terms.size(0),
             static_cast<int>(in.weights.size(0)),
             static_cast<int>(in.a.size(0)),
             static_cast<int>(in.b.value_or(in.a).size(0)),
             static_cast<int>(in.n_out)};
    input = with(in.a, in.b, in.weights);
  }

  mlip::ProductInput<T> with(const Tensor& a, const std::optional<Tensor>& b,
                             const std::optional<Tensor>& weights) const {
    return {a.const_data_ptr<T>(),
            b ? b->const_data_ptr<T>() : nullptr,
            weights ? weights->const_data_ptr<T>() : nullptr,
            in.elements.const_data_ptr<int64_t>(),
            n_atoms,
            in.weights.size(1),
            n_channels};
  }

  Tensor result_like(const Tensor& tensor) const {
    return torch::stable::new_empty(in.a, {tensor.size(0), tensor.size(1), tensor.size(2)});
  }
  Tensor out() const { return torch::stable::new_empty(in.a, {in.n_out, n_atoms, n_channels}); }

  // Room for gradients by a, b (nothing for a square) and the weights.
  std::tuple<Tensor, Tensor, Tensor> gradients() const {
    const Tensor none = torch::stable::new_empty(in.a, {0, n_atoms, n_channels});
    return {result_like(in.a), in.b ? result_like(*in.b) : none, result_like(in.weights)};
  }

  mlip::ProductGradients<T> pointers(std::tuple<Tensor, Tensor, Tensor>& gradients) const {
    auto& [a, b, weights] = gradients;
    return {a.mutable_data_ptr<T>(), in.b ? b.mutable_data_ptr<T>() : nullptr,
            weights.mutable_data_ptr<T>()};
  }
};

template <class T>
Tensor values(const Arguments& arguments) {
  const Call<T> call(arguments);
  Tensor out = call.out();
  mlip::product(call.table, call.input, threads(), out.mutable_data_ptr<T>());
  return out;
}

template <class T>
std::tuple<Tensor, Tensor, Tensor> gradients(const Arguments& arguments, const Tensor& by_out) {
  const Call<T> call(arguments);
  const Tensor by = checked(by_out, arguments.op, "by_out", kType<T>,
                            {arguments.n_out, call.n_atoms, call.n_channels});
  std::tuple<Tensor, Tensor, Tensor> found = call.gradients();
  mlip::product_gradients(call.table, call.input, by.template const_data_ptr<T>(), threads(),
                          call.pointers(found));
  return found;
}

// The result by by_out first, then as gradients.
template <class T>
std::tuple<Tensor, Tensor, Tensor, Tensor> second(const Arguments& arguments, const Tensor& by_out,
                                                  const Tensor& a, const std::optional<Tensor>& b,
                                                  const std::optional<Tensor>& weights) {
  const Call<T> call(arguments);
  const char* const op = arguments.op;
  const Tensor by =
      checked(by_out, op, "by_out", kType<T>, {arguments.n_out, call.n_atoms, call.n_channels});
  const auto like = [&](const Tensor& tensor, const char* name, const Tensor& model) {
    return checked(tensor, op, name, kType<T>, {model.size(0), model.size(1), model.size(2)});
  };
  if (b.has_value() != call.in.b.has_value()) {
    throw std::invalid_argument(std::string(op) + ": along_b is needed if and only if b is");
  }
  const Tensor along_a = like(a, "along_a", call.in.a);
  std::optional<Tensor> along_b, along_weights;
  if (b) along_b = like(*b, "along_b", *call.in.b);
  if (weights) along_weights = like(*weights, "along_weights", call.in.weights);
  Tensor by_by = call.out();
  std::tuple<Tensor, Tensor, Tensor> found = call.gradients();
  mlip::product_second(call.table, call.input, by.template const_data_ptr<T>(),
                       call.with(along_a, along_b, along_weights), threads(),
                       by_by.mutable_data_ptr<T>(), call.pointers(found));
  return std::tuple_cat(std::make_tuple(by_by), found);
}

Tensor node_product(Tensor a, std::optional<Tensor> b, Tensor weights, Tensor elements,
                    Tensor terms, Tensor factors, int64_t n_out) {
  const Arguments in = {"mlip::node_product", a, b, weights, elements, terms, factors, n_out};
  return a.scalar_type() == ScalarType::Float ? values<float>(in) : values<double>(in);
}

std::tuple<Tensor, Tensor, Tensor> node_product_gradients(Tensor by_out, Tensor a,
                                                          std::optional<Tensor> b, Tensor weights,
                                                          Tensor elements, Tensor terms,
                                                          Tensor factors, int64_t n_out) {
  const Arguments in = {
      "mlip::node_product_gradients", a, b, weights, elements, terms, factors, n_out};
  return a.scalar_type() == ScalarType::Float ? gradients<float>(in, by_out)
                                              : gradients<double>(in, by_out);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> node_product_second(
    Tensor along_a, std::optional<Tensor> along_b, std::optional<Tensor> along_weights,
    Tensor by_out, Tensor a, std::optional<Tensor> b, Tensor weights, Tensor elements, Tensor terms,
    Tensor factors, int64_t n_out) {
  const Arguments in = {
      "mlip::node_product_second", a, b, weights, elements, terms, factors, n_out};
  return a.scalar_type() == ScalarType::Float
             ? second<float>(in, by_out, along_a, along_b, along_weights)
             : second<double>(in, by_out, along_a, along_b, along_weights);
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "node_product(Tensor a, Tensor? b, Tensor weights, Tensor elements, Tensor terms, "
      "Tensor factors, int n_out) -> Tensor out");
  m.def(
      "node_product_gradients(Tensor by_out, Tensor a, Tensor? b, Tensor weights, "
      "Tensor elements, Tensor terms, Tensor factors, int n_out) "
      "-> (Tensor by_a, Tensor by_b, Tensor by_weights)");
  m.def(
      "node_product_second(Tensor along_a, Tensor? along_b, Tensor? along_weights, "
      "Tensor by_out, Tensor a, Tensor? b, Tensor weights, Tensor elements, Tensor terms, "
      "Tensor factors, int n_out) "
      "-> (Tensor by_by_out, Tensor by_a, Tensor by_b, Tensor by_weights)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("node_product", TORCH_BOX(&node_product));
  m.impl("node_product_gradients", TORCH_BOX(&node_product_gradients));
  m.impl("node_product_second", TORCH_BOX(&node_product_second));
}
