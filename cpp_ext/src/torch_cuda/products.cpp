// The operators of products for tensors in the memory of a GPU. The library of the processor
// (torch/products.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>

#include <stdexcept>
#include <string>

#include "device.h"
#include "mlip/products_cuda.h"
#include "product_tensors.h"

namespace {

using mlip::ProductGradients;
using mlip::ProductInput;
using mlip::ProductTable;
using torch::stable::Tensor;

class Gpu {
 public:
  explicit Gpu(const mlip::ProductArguments& in)
      : like_(in.a), on_device_(in.op, in.a, "features") {
    if (in.b) check_place(*in.b, "b");
    check_place(in.weights, "weights");
    check_place(in.elements, "elements");
    if (in.terms.is_cuda() || in.factors.is_cuda()) {
      throw std::invalid_argument(std::string(in.op) + ": terms and factors are not on the CPU");
    }
  }

  void check_place(const Tensor& tensor, const char* name) const { on_device_.check(tensor, name); }

  template <class T>
  void values(const ProductTable<T>& table, const ProductInput<T>& in, T* out) const {
    Tensor workspace = workspace_for(table, in, false);
    mlip::cuda::product(table, in, workspace.mutable_data_ptr(), on_device_.stream(), out);
  }

  template <class T>
  void gradients(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                 const ProductGradients<T>& to) const {
    Tensor workspace = workspace_for(table, in, to.weights != nullptr);
    mlip::cuda::product_gradients(table, in, by_out, workspace.mutable_data_ptr(),
                                  on_device_.stream(), to);
  }

  template <class T>
  void second(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
              const ProductInput<T>& along, T* by_by_out, const ProductGradients<T>& to) const {
    Tensor workspace = workspace_for(table, in, to.weights != nullptr);
    mlip::cuda::product_second(table, in, by_out, along, workspace.mutable_data_ptr(),
                               on_device_.stream(), by_by_out, to);
  }

 private:
  template <class T>
  Tensor workspace_for(const ProductTable<T>& table, const ProductInput<T>& in,
                       bool weights_wanted) const {
    const int64_t n = mlip::cuda::product_workspace_bytes(table, in, weights_wanted);
    return on_device_.bytes(like_, n);
  }

  Tensor like_;
  mlip::OnDevice on_device_;
};

using Operators = mlip::ProductOperators<Gpu>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("node_product", TORCH_BOX(&Operators::node_product));
  m.impl("node_product_gradients", TORCH_BOX(&Operators::node_product_gradients));
  m.impl("node_product_second", TORCH_BOX(&Operators::node_product_second));
}
