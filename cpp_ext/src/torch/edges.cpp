// The vectors of edges and the transpose of that map as operators of torch.
#include "mlip/edges.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>

#include "arguments.h"
#include "tensor_pages.h"

namespace {

using mlip::checked;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr const char* kVectors = "mlip::edge_vectors";
constexpr const char* kSums = "mlip::edge_sums";

// Tensors that edges are read from.
struct EdgesOf {
  Tensor edges, structure;
  mlip::Edges view;

  EdgesOf(const char* op, const Tensor& edges_, const Tensor& structure_, int64_t n_structures)
      : edges(checked(edges_, op, "edges", ScalarType::Long, {2, -1})),
        structure(checked(structure_, op, "structure", ScalarType::Long, {-1})) {
    const int64_t* const ends = edges.const_data_ptr<int64_t>();
    const int64_t n = edges.size(1);
    view = {ends,        ends + n, n, structure.const_data_ptr<int64_t>(), structure.size(0),
            n_structures};
  }
};

Tensor edge_vectors(Tensor positions_, Tensor cell_, Tensor structure, Tensor edges_,
                    Tensor shifts_) {
  const EdgesOf edges(kVectors, edges_, structure, cell_.size(0));
  const int64_t n_atoms = edges.view.n_atoms, n = edges.view.n_edges;
  const Tensor positions =
      checked(positions_, kVectors, "positions", ScalarType::Double, {n_atoms, 3});
  const Tensor cell = checked(cell_, kVectors, "cell", ScalarType::Double, {-1, 3, 3});
  const Tensor shifts = checked(shifts_, kVectors, "shifts", ScalarType::Long, {n, 3});
  Tensor vectors = torch::stable::new_empty(positions, {n, 3});
  mlip::ask_for_huge_pages(vectors);
  mlip::edge_vectors(edges.view, positions.const_data_ptr<double>(), cell.const_data_ptr<double>(),
                     shifts.const_data_ptr<int64_t>(), mlip::threads(),
                     vectors.mutable_data_ptr<double>());
  return vectors;
}

std::tuple<Tensor, Tensor> edge_sums(Tensor by_vectors_, Tensor rows_, Tensor structure,
                                     Tensor edges_, int64_t n_structures) {
  const EdgesOf edges(kSums, edges_, structure, n_structures);
  const int64_t n = edges.view.n_edges;
  const bool whole = rows_.scalar_type() == ScalarType::Long;
  const Tensor by_vectors = checked(by_vectors_, kSums, "by_vectors", ScalarType::Double, {n, 3});
  const Tensor rows =
      checked(rows_, kSums, "rows", whole ? ScalarType::Long : ScalarType::Double, {n, 3});
  Tensor by_positions = torch::stable::new_empty(by_vectors, {edges.view.n_atoms, 3});
  Tensor by_cells = torch::stable::new_empty(by_vectors, {n_structures, 3, 3});
  const auto run = [&](const auto* numbers) {
    mlip::edge_sums(edges.view, by_vectors.const_data_ptr<double>(), numbers, mlip::threads(),
                    by_positions.mutable_data_ptr<double>(), by_cells.mutable_data_ptr<double>());
  };
  whole ? run(rows.const_data_ptr<int64_t>()) : run(rows.const_data_ptr<double>());
  return {by_positions, by_cells};
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "edge_vectors(Tensor positions, Tensor cell, Tensor structure, Tensor edges, Tensor shifts) "
      "-> Tensor vectors");
  m.def(
      "edge_sums(Tensor by_vectors, Tensor rows, Tensor structure, Tensor edges, "
      "int n_structures) -> (Tensor by_positions, Tensor by_cells)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("edge_vectors", TORCH_BOX(&edge_vectors));
  m.impl("edge_sums", TORCH_BOX(&edge_sums));
}
