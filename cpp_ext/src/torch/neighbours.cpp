// The neighbour list as operators of torch. They are not differentiable and need not be: vectors
// are computed from the indices and shifts in torch, and all derivatives with them.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <stdexcept>

#include "mlip/neighbours.h"
#include "neighbour_tensors.h"
#include "tensor_pages.h"

namespace {

using mlip::GivenTensors;
using mlip::PairTensors;
using torch::stable::Tensor;

// Bytes. A list that needed more working memory than this gives it back.
constexpr int64_t kMostKept = int64_t{1} << 29;

void check_borders(const GivenTensors& given) {
  const int64_t n = given.structures.n_structures, *first = given.structures.first_atom;
  bool ordered = first[0] == 0 && first[n] == given.n_atoms;
  for (int64_t s = 0; s < n; ++s) ordered = ordered && first[s] <= first[s + 1];
  if (!ordered) {
    throw std::invalid_argument(
        "mlip::neighbour_list: first_atom must rise from 0 to the number of atoms");
  }
}

PairTensors find(const Tensor& positions, const Tensor& cell, const Tensor& pbc,
                 const Tensor& first_atom, double cutoff, bool with_vectors) {
  const GivenTensors given(positions, cell, pbc, first_atom);
  check_borders(given);
  thread_local mlip::NeighbourList list;
  list.find(given.structures, cutoff, static_cast<int>(torch::stable::get_num_threads()));
  PairTensors found(given, list.size(), with_vectors);
  mlip::ask_for_huge_pages(found.edges);
  mlip::ask_for_huge_pages(found.shifts);
  if (with_vectors) {
    mlip::ask_for_huge_pages(found.distances);
    mlip::ask_for_huge_pages(found.vectors);
  }
  list.write(found.arrays);
  if (list.kept_bytes() > kMostKept) list.release();
  return found;
}

using Operators = mlip::NeighbourOperators<find>;

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "neighbour_list(Tensor positions, Tensor cell, Tensor pbc, Tensor first_atom, float cutoff) "
      "-> (Tensor edges, Tensor shifts)");
  m.def(
      "neighbour_list_with_vectors(Tensor positions, Tensor cell, Tensor pbc, Tensor first_atom, "
      "float cutoff) -> (Tensor edges, Tensor shifts, Tensor distances, Tensor vectors)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("neighbour_list", TORCH_BOX(&Operators::list));
  m.impl("neighbour_list_with_vectors", TORCH_BOX(&Operators::list_with_vectors));
}

// For `mlip.kernels.status()`.
extern "C" __attribute__((visibility("default"))) const char* mlip_instruction_set() {
  return mlip::instruction_set();
}
