// Products of equivariant features as operators of torch.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include "huge_pages.h"
#include "product_tensors.h"

namespace {

class Processor {
 public:
  explicit Processor(const mlip::ProductArguments&) {}

  void check_place(const torch::stable::Tensor&, const char*) const {}

  template <class T>
  void values(const mlip::ProductTable<T>& table, const mlip::ProductInput<T>& in, T* out) const {
    prepare(out, table.n_out, in);
    mlip::product(table, in, threads_, out);
  }

  template <class T>
  void gradients(const mlip::ProductTable<T>& table, const mlip::ProductInput<T>& in,
                 const T* by_out, const mlip::ProductGradients<T>& to) const {
    prepare(to, table, in);
    mlip::product_gradients(table, in, by_out, threads_, to);
  }

  template <class T>
  void second(const mlip::ProductTable<T>& table, const mlip::ProductInput<T>& in, const T* by_out,
              const mlip::ProductInput<T>& along, T* by_by_out,
              const mlip::ProductGradients<T>& to) const {
    prepare(by_by_out, table.n_out, in);
    prepare(to, table, in);
    mlip::product_second(table, in, by_out, along, threads_, by_by_out, to);
  }

 private:
  template <class T>
  static void prepare(T* features, int components, const mlip::ProductInput<T>& in) {
    const int64_t bytes = sizeof(T) * components * in.n_atoms * in.n_channels;
    mlip::ask_for_huge_pages(features, bytes);
  }
  template <class T>
  static void prepare(const mlip::ProductGradients<T>& to, const mlip::ProductTable<T>& table,
                      const mlip::ProductInput<T>& in) {
    prepare(to.a, table.n_first, in);
    if (!in.is_square()) prepare(to.b, table.n_second, in);
  }

  int threads_ = mlip::threads();
};

using Operators = mlip::ProductOperators<Processor>;

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "node_product(Tensor a, Tensor? b, Tensor weights, Tensor elements, Tensor terms, "
      "Tensor factors, int n_out) -> Tensor out");
  m.def(
      "node_product_gradients(Tensor by_out, Tensor a, Tensor? b, Tensor weights, "
      "Tensor elements, Tensor terms, Tensor factors, int n_out, bool weights_wanted) "
      "-> (Tensor by_a, Tensor by_b, Tensor by_weights)");
  m.def(
      "node_product_second(Tensor along_a, Tensor? along_b, Tensor? along_weights, "
      "Tensor by_out, Tensor a, Tensor? b, Tensor weights, Tensor elements, Tensor terms, "
      "Tensor factors, int n_out) "
      "-> (Tensor by_by_out, Tensor by_a, Tensor by_b, Tensor by_weights)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("node_product", TORCH_BOX(&Operators::node_product));
  m.impl("node_product_gradients", TORCH_BOX(&Operators::node_product_gradients));
  m.impl("node_product_second", TORCH_BOX(&Operators::node_product_second));
}
