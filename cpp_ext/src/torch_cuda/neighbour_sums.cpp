// The operators of sums over neighbours for tensors in the memory of a GPU. The library of the
// processor (torch/neighbour_sums.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>

#include "device.h"
#include "mlip/neighbour_sums_cuda.h"
#include "neighbour_sum_operators.h"

namespace {

using mlip::GivenSumCall;
using mlip::RadialSumCall;
using mlip::SumGradients;
using mlip::SumInput;
using torch::stable::Tensor;

class Gpu {
 public:
  Gpu(const char* op, const Tensor& sent) : sent_(sent), on_device_(op, sent, "features sent") {}

  void check_place(const Tensor& tensor, const char* name) const { on_device_.check(tensor, name); }

  template <class T>
  void values(const GivenSumCall<T>& call, T* sums) const {
    run(call, {false, false, false}, [&](const auto& place) {
      mlip::cuda::neighbour_sums(call.shape, call.edges.edges, call.input(), place, sums);
    });
  }

  template <class T>
  void gradients(const GivenSumCall<T>& call, const T* by_sums, const SumGradients<T>& to) const {
    run(call, {false, true, true}, [&](const auto& place) {
      mlip::cuda::neighbour_sum_gradients(call.shape, call.edges.edges, call.input(), by_sums,
                                          place, to);
    });
  }

  template <class T>
  void second(const GivenSumCall<T>& call, const T* by_sums, const SumInput<T>& along,
              T* by_by_sums, const SumGradients<T>& to) const {
    run(call, {false, true, true}, [&](const auto& place) {
      mlip::cuda::neighbour_sum_second(call.shape, call.edges.edges, call.input(), by_sums, along,
                                       place, by_by_sums, to);
    });
  }

  template <class T>
  void values(const RadialSumCall<T>& call, T* sums) const {
    run(call, {true, false, false}, [&](const auto& place) {
      mlip::cuda::radial_sums(call.shape, call.edges.edges, call.table, call.vectors(), call.sent(),
                              place, sums);
    });
  }

  template <class T>
  void radial_gradients(const RadialSumCall<T>& call, const T* by_sums, T* by_vectors,
                        T* by_sent) const {
    run(call, {true, true, by_sent != nullptr}, [&](const auto& place) {
      mlip::cuda::radial_sum_gradients(call.shape, call.edges.edges, call.table, call.vectors(),
                                       call.sent(), by_sums, place, by_vectors, by_sent);
    });
  }

 private:
  // work(where) with the memory that a task needs.
  template <template <class> class Call, class T, class Work>
  void run(const Call<T>& call, const mlip::cuda::SumsTask& task, const Work& work) const {
    const int64_t n = mlip::cuda::sums_workspace_bytes<T>(call.shape, call.edges.edges, task);
    Tensor workspace = on_device_.bytes(sent_, n);
    work(mlip::cuda::SumsPlace{workspace.mutable_data_ptr(), on_device_.stream()});
  }

  Tensor sent_;
  mlip::OnDevice on_device_;
};

using Given = mlip::GivenSumOperators<Gpu>;
using Radial = mlip::RadialSumOperators<Gpu>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("neighbour_sums", TORCH_BOX(&Given::neighbour_sums));
  m.impl("neighbour_sum_gradients", TORCH_BOX(&Given::neighbour_sum_gradients));
  m.impl("neighbour_sum_second", TORCH_BOX(&Given::neighbour_sum_second));
  m.impl("radial_sums", TORCH_BOX(&Radial::radial_sums));
  m.impl("radial_sum_gradients", TORCH_BOX(&Radial::radial_sum_gradients));
}
