// The neighbour list's operators for tensors in the memory of a GPU. The library of the processor
// (torch/neighbours.cpp) declares them and must be loaded first.
#include <dlfcn.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <stdexcept>
#include <tuple>

#include "mlip/neighbours_cuda.h"
#include "neighbour_tensors.h"

namespace {

using mlip::GivenTensors;
using mlip::PairTensors;
using torch::stable::Tensor;

// torch's stream on a device. The function lives in the part of torch that only its builds for CUDA
// have; it is looked up there, so that this library can be built beside any torch.
CUstream_st* current_stream(int32_t device) {
  using Get = AOTITorchError (*)(int32_t, void**);
  static const Get get = [] {
    void* const library = dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_NOLOAD);
    void* const found = library ? dlsym(library, "aoti_torch_get_current_cuda_stream") : nullptr;
    if (!found) throw std::runtime_error("mlip::neighbour_list: this torch has no CUDA streams");
    return reinterpret_cast<Get>(found);
  }();
  void* stream = nullptr;
  STABLE_TORCH_ERROR_CODE_CHECK(get(device, &stream));
  return static_cast<CUstream_st*>(stream);
}

void check_device(const Tensor& tensor, int32_t device, const char* name) {
  if (tensor.is_cuda() && tensor.get_device_index() == device) return;
  throw std::invalid_argument(std::string("mlip::neighbour_list: ") + name +
                              " is not on the device of the positions");
}

PairTensors find(const Tensor& positions, const Tensor& cell, const Tensor& pbc,
                 const Tensor& first_atom, double cutoff, bool with_vectors) {
  // The dispatcher comes here if any tensor is on a GPU, not only if the positions are.
  if (!positions.is_cuda()) {
    throw std::invalid_argument("mlip::neighbour_list: the positions are not on the GPU");
  }
  const int32_t device = positions.get_device_index();
  check_device(cell, device, "cell");
  check_device(pbc, device, "pbc");
  check_device(first_atom, device, "first_atom");
  const torch::stable::accelerator::DeviceGuard on_device(device);
  const GivenTensors given(positions, cell, pbc, first_atom);
  mlip::cuda::Search search = {given.structures, given.n_atoms, cutoff, nullptr,
                               current_stream(device)};
  // torch's memory follows the stream: what is still queued has it to itself when this returns.
  const auto bytes = [&](int64_t n) {
    return torch::stable::new_empty(given.positions, {n}, torch::headeronly::ScalarType::Byte);
  };
  Tensor workspace =
      bytes(mlip::cuda::workspace_bytes(given.n_atoms, given.structures.n_structures));
  search.workspace = workspace.mutable_data_ptr();
  const int64_t n_pairs = mlip::cuda::find(search);
  PairTensors found(given, n_pairs, with_vectors);
  Tensor scratch = bytes(mlip::cuda::scratch_bytes(n_pairs));
  mlip::cuda::write(search, n_pairs, scratch.mutable_data_ptr(), found.arrays);
  return found;
}

std::tuple<Tensor, Tensor> neighbour_list(Tensor positions, Tensor cell, Tensor pbc,
                                          Tensor first_atom, double cutoff) {
  PairTensors found = find(positions, cell, pbc, first_atom, cutoff, false);
  return {found.edges, found.shifts};
}

std::tuple<Tensor, Tensor, Tensor, Tensor> neighbour_list_with_vectors(Tensor positions,
                                                                       Tensor cell, Tensor pbc,
                                                                       Tensor first_atom,
                                                                       double cutoff) {
  PairTensors found = find(positions, cell, pbc, first_atom, cutoff, true);
  return {found.edges, found.shifts, found.distances, found.vectors};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("neighbour_list", TORCH_BOX(&neighbour_list));
  m.impl("neighbour_list_with_vectors", TORCH_BOX(&neighbour_list_with_vectors));
}

// For `mlip.kernels`: why a device cannot run this, or null.
extern "C" __attribute__((visibility("default"))) const char* mlip_cuda_problem(int device) {
  return mlip::cuda::problem_with(device);
}
