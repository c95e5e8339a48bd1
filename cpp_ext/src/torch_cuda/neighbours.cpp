// The neighbour list's operators for tensors in the memory of a GPU. The library of the processor
// (torch/neighbours.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>

#include "device.h"
#include "mlip/neighbours_cuda.h"
#include "neighbour_tensors.h"

namespace {

using mlip::GivenTensors;
using mlip::PairTensors;
using torch::stable::Tensor;

PairTensors find(const Tensor& positions, const Tensor& cell, const Tensor& pbc,
                 const Tensor& first_atom, double cutoff, bool with_vectors) {
  const mlip::OnDevice on_device("mlip::neighbour_list", positions, "positions");
  on_device.check(cell, "cell");
  on_device.check(pbc, "pbc");
  on_device.check(first_atom, "first_atom");
  const GivenTensors given(positions, cell, pbc, first_atom);
  mlip::cuda::Search search = {given.structures, given.n_atoms, cutoff, nullptr,
                               on_device.stream()};
  Tensor workspace = on_device.bytes(
      positions, mlip::cuda::workspace_bytes(given.n_atoms, given.structures.n_structures));
  search.workspace = workspace.mutable_data_ptr();
  const int64_t n_pairs = mlip::cuda::find(search);
  PairTensors found(given, n_pairs, with_vectors);
  Tensor scratch = on_device.bytes(positions, mlip::cuda::scratch_bytes(n_pairs));
  mlip::cuda::write(search, n_pairs, scratch.mutable_data_ptr(), found.arrays);
  return found;
}

using Operators = mlip::NeighbourOperators<find>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("neighbour_list", TORCH_BOX(&Operators::list));
  m.impl("neighbour_list_with_vectors", TORCH_BOX(&Operators::list_with_vectors));
}
