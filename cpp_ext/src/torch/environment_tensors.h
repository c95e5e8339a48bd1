// The neighbours of atoms from tensors of edges in the processor's memory.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "edge_tensors.h"
#include "mlip/environments.h"

namespace mlip {

// Edges that join atoms, sorted by centre.
class EnvironmentTensors {
 public:
  EnvironmentTensors(const char* op, const EdgeTensors& tensors)
      : tensors_(tensors), first_edge_(tensors.species.size(0) + 1) {
    const int64_t n_atoms = tensors.species.size(0), n_edges = tensors.centres.size(0);
    find_first_edges(tensors.centres.const_data_ptr<int64_t>(), n_edges, n_atoms, op);
    const int64_t* const neighbour = tensors.neighbours.const_data_ptr<int64_t>();
    bool inside = true;
    for (int64_t e = 0; e < n_edges; ++e) inside &= is_index(neighbour[e], n_atoms);
    if (!inside) throw std::invalid_argument(no_such_neighbour(op));
  }

  template <class Real>
  Environments<Real> view() const {
    return {tensors_.vectors.const_data_ptr<Real>(), tensors_.neighbours.const_data_ptr<int64_t>(),
            first_edge_.data(), tensors_.species.const_data_ptr<int64_t>(),
            tensors_.species.size(0)};
  }

 private:
  static bool is_index(int64_t number, int64_t size) {
    return static_cast<uint64_t>(number) < static_cast<uint64_t>(size);
  }

  void find_first_edges(const int64_t* centre, int64_t n_edges, int64_t n_atoms, const char* op) {
    int64_t atom = -1;  // all up to this one have their first edge
    for (int64_t e = 0; e < n_edges; ++e) {
      if (centre[e] == atom && e > 0) continue;
      if (e > 0 && centre[e] < atom) throw std::invalid_argument(centres_decrease(op));
      if (!is_index(centre[e], n_atoms)) throw std::invalid_argument(no_such_centre(op));
      while (atom < centre[e]) first_edge_[++atom] = e;
    }
    while (atom < n_atoms) first_edge_[++atom] = n_edges;
  }

  const EdgeTensors& tensors_;
  std::vector<int64_t> first_edge_;
};

}  // namespace mlip
