// The vectors of edges and the transpose of that map as operators of torch.
#include "mlip/edges.h"

#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <initializer_list>

#include "edge_operators.h"
#include "tensor_pages.h"

namespace {

using torch::stable::Tensor;

class Processor : public mlip::InLargePages {
 public:
  Processor(const char*, const mlip::NamedTensor&, std::initializer_list<mlip::NamedTensor>) {}

  void vectors(const mlip::Edges& edges, const double* positions, const double* cells,
               const int64_t* rows, double* vectors) const {
    mlip::edge_vectors(edges, positions, cells, rows, mlip::threads(), vectors);
  }

  template <class Row>
  void sums(const mlip::Edges& edges, const double* by_vectors, const Row* rows,
            double* by_positions, double* by_cells) const {
    mlip::edge_sums(edges, by_vectors, rows, mlip::threads(), by_positions, by_cells);
  }
};

using Operators = mlip::EdgeOperators<Processor>;

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
  m.impl("edge_vectors", TORCH_BOX(&Operators::edge_vectors));
  m.impl("edge_sums", TORCH_BOX(&Operators::edge_sums));
}
