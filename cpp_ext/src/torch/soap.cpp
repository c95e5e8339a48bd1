// The SOAP power spectrum and its gradient as operators of torch.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include "soap_tensors.h"
#include "tensor_pages.h"

namespace {

using torch::stable::Tensor;

class Processor : public mlip::InLargePages {
 public:
  explicit Processor(const mlip::SoapArguments&) {}

  void check_place(const Tensor&, const char*) const {}

  template <class T>
  void features(const mlip::SoapCall<T>& call, T* features) const {
    mlip::check_order(call.in.centres, call.in.op);
    mlip::soap_features(call.basis, call.edges, threads_, features);
  }

  template <class T>
  void gradients(const mlip::SoapCall<T>& call, const T* by_features, T* by_vectors,
                 T* by_mixing) const {
    mlip::check_order(call.in.centres, call.in.op);
    mlip::soap_gradients(call.basis, call.edges, threads_, by_features, by_vectors, by_mixing);
  }

 private:
  int threads_ = static_cast<int>(torch::stable::get_num_threads());
};

using Operators = mlip::SoapOperators<Processor>;

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "soap(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species, Tensor radial, "
      "Tensor own, Tensor mixing, int n_species, int n_max, float cutoff, bool with_total) "
      "-> Tensor features");
  m.def(
      "soap_gradients(Tensor by_features, Tensor vectors, Tensor centres, Tensor neighbours, "
      "Tensor species, Tensor radial, Tensor own, Tensor mixing, int n_species, int n_max, "
      "float cutoff, bool with_total) -> (Tensor by_vectors, Tensor by_mixing)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("soap", TORCH_BOX(&Operators::soap));
  m.impl("soap_gradients", TORCH_BOX(&Operators::soap_gradients));
}
