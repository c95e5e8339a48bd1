// The operators of edge vectors and of sums over edges, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <tuple>

#include "arguments.h"
#include "edges/problems.h"
#include "mlip/edges.h"

namespace mlip {

// Tensors that edges are read from, checked.
struct EdgesOf {
  torch::stable::Tensor edges, structure;
  Edges view;

  EdgesOf(const char* op, const torch::stable::Tensor& edges_,
          const torch::stable::Tensor& structure_, int64_t n_structures)
      : edges(checked(edges_, op, "edges", torch::headeronly::ScalarType::Long, {2, -1})),
        structure(checked(structure_, op, "structure", torch::headeronly::ScalarType::Long, {-1})) {
    const int64_t* const ends = edges.const_data_ptr<int64_t>();
    const int64_t n = edges.size(1);
    view = {ends,        ends + n, n, structure.const_data_ptr<int64_t>(), structure.size(0),
            n_structures};
  }
};

// The operators by a `Machine`, made of an operator's name and all tensors before anything is read:
//
//   Machine(op, tensor, {all other tensors})   throws if these lie elsewhere
//   machine.new_tensor(like, shape)            for results
//   machine.vectors(edges, positions, cells, rows, vectors)
//   machine.sums(edges, by_vectors, rows, by_positions, by_cells)
template <class Machine>
struct EdgeOperators {
  using Tensor = torch::stable::Tensor;
  using ScalarType = torch::headeronly::ScalarType;

  static Tensor edge_vectors(Tensor positions_, Tensor cell_, Tensor structure, Tensor edges_,
                             Tensor shifts_) {
    const Machine machine(
        kEdgeVectors, {"positions", positions_},
        {{"cell", cell_}, {"structure", structure}, {"edges", edges_}, {"shifts", shifts_}});
    const EdgesOf edges(kEdgeVectors, edges_, structure, cell_.size(0));
    const int64_t n_atoms = edges.view.n_atoms, n = edges.view.n_edges;
    const Tensor positions =
        checked(positions_, kEdgeVectors, "positions", ScalarType::Double, {n_atoms, 3});
    const Tensor cell = checked(cell_, kEdgeVectors, "cell", ScalarType::Double, {-1, 3, 3});
    const Tensor shifts = checked(shifts_, kEdgeVectors, "shifts", ScalarType::Long, {n, 3});
    Tensor vectors = machine.new_tensor(positions, {n, 3});
    machine.vectors(edges.view, positions.const_data_ptr<double>(), cell.const_data_ptr<double>(),
                    shifts.const_data_ptr<int64_t>(), vectors.mutable_data_ptr<double>());
    return vectors;
  }

  static std::tuple<Tensor, Tensor> edge_sums(Tensor by_vectors_, Tensor rows_, Tensor structure,
                                              Tensor edges_, int64_t n_structures) {
    const Machine machine(kEdgeSums, {"by_vectors", by_vectors_},
                          {{"rows", rows_}, {"structure", structure}, {"edges", edges_}});
    const EdgesOf edges(kEdgeSums, edges_, structure, n_structures);
    const int64_t n = edges.view.n_edges;
    const bool whole = rows_.scalar_type() == ScalarType::Long;
    const Tensor by_vectors =
        checked(by_vectors_, kEdgeSums, "by_vectors", ScalarType::Double, {n, 3});
    const Tensor rows =
        checked(rows_, kEdgeSums, "rows", whole ? ScalarType::Long : ScalarType::Double, {n, 3});
    Tensor by_positions = machine.new_tensor(by_vectors, {edges.view.n_atoms, 3});
    Tensor by_cells = machine.new_tensor(by_vectors, {n_structures, 3, 3});
    const auto run = [&](const auto* numbers) {
      machine.sums(edges.view, by_vectors.const_data_ptr<double>(), numbers,
                   by_positions.mutable_data_ptr<double>(), by_cells.mutable_data_ptr<double>());
    };
    whole ? run(rows.const_data_ptr<int64_t>()) : run(rows.const_data_ptr<double>());
    return {by_positions, by_cells};
  }
};

}  // namespace mlip
