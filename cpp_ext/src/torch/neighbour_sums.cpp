// Sums over neighbours as operators of torch.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include "huge_pages.h"
#include "neighbour_sum_operators.h"

namespace {

using mlip::GivenSumCall;
using mlip::RadialSumCall;
using mlip::SumGradients;
using mlip::SumInput;
using torch::stable::Tensor;

class Processor {
 public:
  Processor(const char*, const Tensor&) {}

  void check_place(const Tensor&, const char*) const {}

  template <class T>
  void values(const GivenSumCall<T>& call, T* sums) const {
    prepare(call, sums);
    mlip::neighbour_sums(call.shape, call.edges.edges, call.input(), threads_, sums);
  }

  template <class T>
  void gradients(const GivenSumCall<T>& call, const T* by_sums, const SumGradients<T>& to) const {
    mlip::neighbour_sum_gradients(call.shape, call.edges.edges, call.input(), by_sums, threads_,
                                  to);
  }

  template <class T>
  void second(const GivenSumCall<T>& call, const T* by_sums, const SumInput<T>& along,
              T* by_by_sums, const SumGradients<T>& to) const {
    mlip::neighbour_sum_second(call.shape, call.edges.edges, call.input(), by_sums, along, threads_,
                               by_by_sums, to);
  }

  template <class T>
  void values(const RadialSumCall<T>& call, T* sums) const {
    prepare(call, sums);
    mlip::radial_sums(call.shape, call.edges.edges, call.table, call.vectors(), call.sent(),
                      threads_, sums);
  }

  template <class T>
  void radial_gradients(const RadialSumCall<T>& call, const T* by_sums, T* by_vectors,
                        T* by_sent) const {
    mlip::radial_sum_gradients(call.shape, call.edges.edges, call.table, call.vectors(),
                               call.sent(), by_sums, threads_, by_vectors, by_sent);
  }

 private:
  template <class T, class Call>
  static void prepare(const Call& call, T* sums) {
    const int64_t rows = call.shape.n_sums() * call.edges.edges.n_centres;
    mlip::ask_for_huge_pages(sums, sizeof(T) * rows * call.shape.n_channels);
  }

  int threads_ = mlip::threads();
};

using Given = mlip::GivenSumOperators<Processor>;
using Radial = mlip::RadialSumOperators<Processor>;

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
  m.impl("neighbour_sums", TORCH_BOX(&Given::neighbour_sums));
  m.impl("neighbour_sum_gradients", TORCH_BOX(&Given::neighbour_sum_gradients));
  m.impl("neighbour_sum_second", TORCH_BOX(&Given::neighbour_sum_second));
  m.impl("radial_sums", TORCH_BOX(&Radial::radial_sums));
  m.impl("radial_sum_gradients", TORCH_BOX(&Radial::radial_sum_gradients));
}
