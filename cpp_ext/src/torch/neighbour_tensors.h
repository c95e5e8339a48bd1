// Arguments and results of the neighbour list's operators, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <tuple>

#include "arguments.h"
#include "mlip/neighbours.h"

namespace mlip {

struct GivenTensors {
  torch::stable::Tensor positions, cell, pbc, first_atom;  // contiguous
  int64_t n_atoms;
  Structures structures;  // views of them

  GivenTensors(const torch::stable::Tensor& positions_, const torch::stable::Tensor& cell_,
               const torch::stable::Tensor& pbc_, const torch::stable::Tensor& first_atom_) {
    using torch::headeronly::ScalarType;
    constexpr const char* kName = "mlip::neighbour_list";
    positions = checked(positions_, kName, "positions", ScalarType::Double, {-1, 3});
    cell = checked(cell_, kName, "cell", ScalarType::Double, {-1, 3, 3});
    const int64_t n = cell.size(0);
    pbc = checked(pbc_, kName, "pbc", ScalarType::Bool, {n, 3});
    first_atom = checked(first_atom_, kName, "first_atom", ScalarType::Long, {n + 1});
    n_atoms = positions.size(0);
    structures = {positions.const_data_ptr<double>(), cell.const_data_ptr<double>(),
                  pbc.const_data_ptr<bool>(), first_atom.const_data_ptr<int64_t>(), n};
  }
};

struct PairTensors {
  torch::stable::Tensor edges, shifts, distances, vectors;
  PairArrays arrays;  // views of them

  PairTensors(const GivenTensors& given, int64_t n_pairs, bool with_vectors) {
    edges = torch::stable::new_empty(given.first_atom, {2, n_pairs});
    shifts = torch::stable::new_empty(given.first_atom, {n_pairs, 3});
    int64_t* both = edges.mutable_data_ptr<int64_t>();
    arrays = {both, both + n_pairs, shifts.mutable_data_ptr<int64_t>(), nullptr, nullptr};
    if (!with_vectors) return;
    distances = torch::stable::new_empty(given.positions, {n_pairs});
    vectors = torch::stable::new_empty(given.positions, {n_pairs, 3});
    arrays.distances = distances.mutable_data_ptr<double>();
    arrays.vectors = vectors.mutable_data_ptr<double>();
  }
};

// The operators, made of how pairs are found.
template <PairTensors (*find)(const torch::stable::Tensor& positions,
                              const torch::stable::Tensor& cell, const torch::stable::Tensor& pbc,
                              const torch::stable::Tensor& first_atom, double cutoff,
                              bool with_vectors)>
struct NeighbourOperators {
  using Tensor = torch::stable::Tensor;

  static std::tuple<Tensor, Tensor> list(Tensor positions, Tensor cell, Tensor pbc,
                                         Tensor first_atom, double cutoff) {
    PairTensors found = find(positions, cell, pbc, first_atom, cutoff, false);
    return {found.edges, found.shifts};
  }

  static std::tuple<Tensor, Tensor, Tensor, Tensor> list_with_vectors(Tensor positions, Tensor cell,
                                                                      Tensor pbc, Tensor first_atom,
                                                                      double cutoff) {
    PairTensors found = find(positions, cell, pbc, first_atom, cutoff, true);
    return {found.edges, found.shifts, found.distances, found.vectors};
  }
};

}  // namespace mlip
