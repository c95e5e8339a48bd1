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
      : tensors_(tensors), first_edge_(tensors.species.size(0) + 1, 0) {
    check_order(tensors.centres, op);
    const int64_t n_edges = tensors.centres.size(0), n_atoms = tensors.species.size(0);
    const int64_t* const centre = tensors.centres.const_data_ptr<int64_t>();
    const int64_t* const neighbour = tensors.neighbours.const_data_ptr<int64_t>();
    for (int64_t e = 0; e < n_edges; ++e) {
      if (neighbour[e] < 0 || neighbour[e] >= n_atoms) {
        throw std::invalid_argument(no_such_neighbour(op));
      }
      if (centre[e] < 0 || centre[e] >= n_atoms) throw std::invalid_argument(no_such_centre(op));
      ++first_edge_[centre[e] + 1];
    }
    for (int64_t a = 0; a < n_atoms; ++a) first_edge_[a + 1] += first_edge_[a];
  }

  template <class Real>
  Environments<Real> view() const {
    return {tensors_.vectors.const_data_ptr<Real>(), tensors_.neighbours.const_data_ptr<int64_t>(),
            first_edge_.data(), tensors_.species.const_data_ptr<int64_t>(),
            tensors_.species.size(0)};
  }

 private:
  const EdgeTensors& tensors_;
  std::vector<int64_t> first_edge_;
};

}  // namespace mlip
