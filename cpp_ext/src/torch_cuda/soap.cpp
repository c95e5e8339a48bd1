// SOAP's operators for tensors in the memory of a GPU. The library of the processor
// (torch/soap.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>

#include "device.h"
#include "mlip/soap_cuda.h"
#include "soap_tensors.h"

namespace {

using torch::stable::Tensor;

class Gpu {
 public:
  explicit Gpu(const mlip::SoapArguments& in) : on_device_(in.op, in.vectors, "vectors") {
    check_place(in.centres, "centres");
    check_place(in.neighbours, "neighbours");
    check_place(in.species, "species");
    check_place(in.radial, "radial");
    check_place(in.own, "own");
    check_place(in.mixing, "mixing");
  }

  void check_place(const Tensor& tensor, const char* name) const { on_device_.check(tensor, name); }

  Tensor new_tensor(const Tensor& like, std::initializer_list<int64_t> shape) const {
    return torch::stable::new_empty(like, shape);
  }

  template <class T>
  void features(const mlip::SoapCall<T>& call, T* features) const {
    Tensor workspace = workspace_for(call, false);
    mlip::cuda::soap_features(call.basis, call.edges, workspace.mutable_data_ptr(),
                              on_device_.stream(), features);
  }

  template <class T>
  void gradients(const mlip::SoapCall<T>& call, const T* by_features, T* by_vectors,
                 T* by_mixing) const {
    Tensor workspace = workspace_for(call, true);
    mlip::cuda::soap_gradients(call.basis, call.edges, workspace.mutable_data_ptr(),
                               on_device_.stream(), by_features, by_vectors, by_mixing);
  }

 private:
  template <class T>
  Tensor workspace_for(const mlip::SoapCall<T>& call, bool back) const {
    const int64_t n = mlip::cuda::soap_workspace_bytes(call.basis, call.edges, back);
    return on_device_.bytes(call.in.vectors, n);
  }

  mlip::OnDevice on_device_;
};

using Operators = mlip::SoapOperators<Gpu>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("soap", TORCH_BOX(&Operators::soap));
  m.impl("soap_gradients", TORCH_BOX(&Operators::soap_gradients));
}
