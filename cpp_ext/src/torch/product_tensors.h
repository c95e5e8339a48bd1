// Arguments and results of the operators of products, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "arguments.h"
#include "mlip/products.h"

namespace mlip {

// The arguments that all operators have. Terms and factors are read on the processor, wherever the
// rest is.
struct ProductArguments {
  const char* op;
  torch::stable::Tensor a;
  std::optional<torch::stable::Tensor> b;  // none for the square of a
  torch::stable::Tensor weights, elements, terms, factors;
  int64_t n_out;
};

// Checked arguments, and what the core makes of them.
template <class T>
struct ProductCall {
  using Tensor = torch::stable::Tensor;
  using Three = std::tuple<Tensor, Tensor, Tensor>;

  ProductArguments in;
  int64_t n_atoms, n_channels;
  ProductTable<T> table;
  ProductInput<T> input;

  explicit ProductCall(const ProductArguments& given) : in(given) {
    using torch::headeronly::ScalarType;
    in.a = checked(in.a, in.op, "a", kType<T>, {-1, -1, -1});
    n_atoms = in.a.size(1), n_channels = in.a.size(2);
    if (in.b) in.b = checked(*in.b, in.op, "b", kType<T>, {-1, n_atoms, n_channels});
    in.weights = checked(in.weights, in.op, "weights", kType<T>, {-1, -1, n_channels});
    in.elements = checked(in.elements, in.op, "elements", ScalarType::Long, {n_atoms});
    in.terms = checked(in.terms, in.op, "terms", ScalarType::Int, {-1, 4});
    in.factors = checked(in.factors, in.op, "factors", kType<T>, {in.terms.size(0)});
    static_assert(sizeof(ProductTerm) == 4 * sizeof(int32_t));
    table = {reinterpret_cast<const ProductTerm*>(in.terms.const_data_ptr<int32_t>()),
             in.factors.template const_data_ptr<T>(),
             in.terms.size(0),
             static_cast<int>(in.weights.size(0)),
             static_cast<int>(in.a.size(0)),
             static_cast<int>(in.b.value_or(in.a).size(0)),
             narrow(in.n_out, in.op, "n_out")};
    input = with(in.a, in.b, in.weights);
  }

  ProductInput<T> with(const Tensor& a, const std::optional<Tensor>& b,
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

  Tensor checked_out(const Tensor& by_out) const {
    return checked(by_out, in.op, "by_out", kType<T>, {in.n_out, n_atoms, n_channels});
  }

  // Room for gradients by a, b (nothing for a square) and the weights (nothing if not wanted).
  Three gradients(bool weights_wanted) const {
    const Tensor no_b = torch::stable::new_empty(in.a, {0, n_atoms, n_channels});
    return {result_like(in.a), in.b ? result_like(*in.b) : no_b,
            weights_wanted ? result_like(in.weights)
                           : torch::stable::new_empty(in.a, {0, 0, n_channels})};
  }

  ProductGradients<T> pointers(Three& gradients) const {
    auto& [a, b, weights] = gradients;
    return {a.template mutable_data_ptr<T>(), in.b ? b.template mutable_data_ptr<T>() : nullptr,
            weights.size(0) ? weights.template mutable_data_ptr<T>() : nullptr};
  }
};

// The directions of second derivatives.
struct ProductDirections {
  torch::stable::Tensor a;
  std::optional<torch::stable::Tensor> b, weights;
};

// The operators by a `Machine`, made of the arguments before anything is read:
//
//   machine.check_place(tensor, name)        throws if the tensor lies elsewhere
//   machine.values(table, input, out)
//   machine.gradients(table, input, by_out, gradients)
//   machine.second(table, input, by_out, along, by_by_out, gradients)
template <class Machine>
struct ProductOperators {
  using Tensor = torch::stable::Tensor;
  using Three = std::tuple<Tensor, Tensor, Tensor>;
  using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

  static Tensor node_product(Tensor a, std::optional<Tensor> b, Tensor weights, Tensor elements,
                             Tensor terms, Tensor factors, int64_t n_out) {
    const ProductArguments in = {
        "mlip::node_product", a, b, weights, elements, terms, factors, n_out};
    return in_floats(a) ? values<float>(in) : values<double>(in);
  }

  static Three node_product_gradients(Tensor by_out, Tensor a, std::optional<Tensor> b,
                                      Tensor weights, Tensor elements, Tensor terms, Tensor factors,
                                      int64_t n_out, bool weights_wanted) {
    const ProductArguments in = {
        "mlip::node_product_gradients", a, b, weights, elements, terms, factors, n_out};
    return in_floats(a) ? gradients<float>(in, by_out, weights_wanted)
                        : gradients<double>(in, by_out, weights_wanted);
  }

  static Four node_product_second(Tensor along_a, std::optional<Tensor> along_b,
                                  std::optional<Tensor> along_weights, Tensor by_out, Tensor a,
                                  std::optional<Tensor> b, Tensor weights, Tensor elements,
                                  Tensor terms, Tensor factors, int64_t n_out) {
    const ProductArguments in = {
        "mlip::node_product_second", a, b, weights, elements, terms, factors, n_out};
    const ProductDirections along = {along_a, along_b, along_weights};
    return in_floats(a) ? second<float>(in, by_out, along) : second<double>(in, by_out, along);
  }

 private:
  static bool in_floats(const Tensor& a) {
    return a.scalar_type() == torch::headeronly::ScalarType::Float;
  }

  template <class T>
  static Tensor values(const ProductArguments& given) {
    const Machine machine(given);
    const ProductCall<T> call(given);
    Tensor out = call.out();
    machine.values(call.table, call.input, out.template mutable_data_ptr<T>());
    return out;
  }

  template <class T>
  static Three gradients(const ProductArguments& given, const Tensor& by_out, bool weights_wanted) {
    const Machine machine(given);
    machine.check_place(by_out, "by_out");
    const ProductCall<T> call(given);
    const Tensor by = call.checked_out(by_out);
    Three found = call.gradients(weights_wanted);
    machine.gradients(call.table, call.input, by.template const_data_ptr<T>(),
                      call.pointers(found));
    return found;
  }

  // The result by by_out first, then as gradients.
  template <class T>
  static Four second(const ProductArguments& given, const Tensor& by_out,
                     const ProductDirections& directions) {
    const Machine machine(given);
    machine.check_place(by_out, "by_out");
    const ProductCall<T> call(given);
    const Tensor by = call.checked_out(by_out);
    const char* const op = given.op;
    const auto like = [&](const Tensor& tensor, const char* name, const Tensor& model) {
      machine.check_place(tensor, name);
      return checked(tensor, op, name, kType<T>, {model.size(0), model.size(1), model.size(2)});
    };
    if (directions.b.has_value() != call.in.b.has_value()) {
      throw std::invalid_argument(std::string(op) + ": along_b is needed if and only if b is");
    }
    const Tensor along_a = like(directions.a, "along_a", call.in.a);
    std::optional<Tensor> along_b, along_weights;
    if (directions.b) along_b = like(*directions.b, "along_b", *call.in.b);
    if (directions.weights) {
      along_weights = like(*directions.weights, "along_weights", call.in.weights);
    }
    Tensor by_by = call.out();
    Three found = call.gradients(true);
    machine.second(call.table, call.input, by.template const_data_ptr<T>(),
                   call.with(along_a, along_b, along_weights), by_by.template mutable_data_ptr<T>(),
                   call.pointers(found));
    return std::tuple_cat(std::make_tuple(by_by), found);
  }
};

}  // namespace mlip
