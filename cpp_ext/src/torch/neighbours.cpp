// The neighbour list as operators of torch. They are not differentiable and need not be: vectors
// are computed from the indices and shifts in torch, and all derivatives with them.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <tuple>

#include "arguments.h"
#include "huge_pages.h"
#include "mlip/neighbours.h"

namespace {

constexpr const char* kName = "mlip::neighbour_list";

using mlip::checked;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// Bytes. A list that needed more working memory than this gives it back.
constexpr int64_t kMostKept = int64_t{1} << 29;

struct Found {
  Tensor edges, shifts, distances, vectors;
};

// A new tensor of the type of `like`, and where its numbers go.
template <class Number>
Number* make(Tensor& tensor, const Tensor& like, std::initializer_list<int64_t> shape) {
  tensor = torch::stable::new_empty(like, shape);
  Number* const numbers = tensor.mutable_data_ptr<Number>();
  mlip::ask_for_huge_pages(numbers, tensor.numel() * static_cast<int64_t>(sizeof(Number)));
  return numbers;
}

Found find(const Tensor& positions_, const Tensor& cell_, const Tensor& pbc_,
           const Tensor& first_atom_, double cutoff, bool with_vectors) {
  const Tensor positions = checked(positions_, kName, "positions", ScalarType::Double, {-1, 3});
  const Tensor cell = checked(cell_, kName, "cell", ScalarType::Double, {-1, 3, 3});
  const int64_t n = cell.size(0);
  const Tensor pbc = checked(pbc_, kName, "pbc", ScalarType::Bool, {n, 3});
  const Tensor first_atom = checked(first_atom_, kName, "first_atom", ScalarType::Long, {n + 1});
  const int64_t* first = first_atom.const_data_ptr<int64_t>();
  bool ordered = first[0] == 0 && first[n] == positions.size(0);
  for (int64_t s = 0; s < n; ++s) ordered = ordered && first[s] <= first[s + 1];
  if (!ordered) {
    throw std::invalid_argument(
        "mlip::neighbour_list: first_atom must rise from 0 to the number of atoms");
  }

  thread_local mlip::NeighbourList list;
  list.find({positions.const_data_ptr<double>(), cell.const_data_ptr<double>(),
             pbc.const_data_ptr<bool>(), first, n},
            cutoff, static_cast<int>(torch::stable::get_num_threads()));
  const int64_t n_pairs = list.size();
  Found found;
  int64_t* edges = make<int64_t>(found.edges, first_atom, {2, n_pairs});
  mlip::PairArrays out = {edges, edges + n_pairs,
                          make<int64_t>(found.shifts, first_atom, {n_pairs, 3}), nullptr, nullptr};
  if (with_vectors) {
    out.distances = make<double>(found.distances, positions, {n_pairs});
    out.vectors = make<double>(found.vectors, positions, {n_pairs, 3});
  }
  list.write(out);
  if (list.kept_bytes() > kMostKept) list.release();
  return found;
}

std::tuple<Tensor, Tensor> neighbour_list(Tensor positions, Tensor cell, Tensor pbc,
                                          Tensor first_atom, double cutoff) {
  Found found = find(positions, cell, pbc, first_atom, cutoff, false);
  return {found.edges, found.shifts};
}

std::tuple<Tensor, Tensor, Tensor, Tensor> neighbour_list_with_vectors(Tensor positions,
                                                                       Tensor cell, Tensor pbc,
                                                                       Tensor first_atom,
                                                                       double cutoff) {
  Found found = find(positions, cell, pbc, first_atom, cutoff, true);
  return {found.edges, found.shifts, found.distances, found.vectors};
}

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
  m.impl("neighbour_list", TORCH_BOX(&neighbour_list));
  m.impl("neighbour_list_with_vectors", TORCH_BOX(&neighbour_list_with_vectors));
}

// For `mlip.kernels.status()`.
extern "C" __attribute__((visibility("default"))) const char* mlip_instruction_set() {
  return mlip::instruction_set();
}
