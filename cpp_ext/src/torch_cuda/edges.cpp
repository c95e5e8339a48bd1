// The operators of edge vectors and of sums over edges for tensors in the memory of a GPU. The
// library of the processor (torch/edges.cpp) declares them and must be loaded first.
#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <initializer_list>

#include "device.h"
#include "edge_operators.h"
#include "mlip/edges_cuda.h"

namespace {

using torch::stable::Tensor;

class Gpu {
 public:
  Gpu(const char* op, const mlip::NamedTensor& first,
      std::initializer_list<mlip::NamedTensor> others)
      : like_(first.tensor), on_device_(op, first.tensor, first.name, others) {}

  Tensor new_tensor(const Tensor& like, std::initializer_list<int64_t> shape) const {
    return torch::stable::new_empty(like, shape);
  }

  void vectors(const mlip::Edges& edges, const double* positions, const double* cells,
               const int64_t* rows, double* vectors) const {
    Tensor workspace = on_device_.bytes(like_, mlip::cuda::kEdgeVectorsWorkspaceBytes);
    mlip::cuda::edge_vectors(edges, positions, cells, rows, workspace.mutable_data_ptr(),
                             on_device_.stream(), vectors);
  }

  template <class Row>
  void sums(const mlip::Edges& edges, const double* by_vectors, const Row* rows,
            double* by_positions, double* by_cells) const {
    Tensor workspace = on_device_.bytes(like_, mlip::cuda::edge_sums_workspace_bytes(edges));
    mlip::cuda::edge_sums(edges, by_vectors, rows, workspace.mutable_data_ptr(),
                          on_device_.stream(), by_positions, by_cells);
  }

 private:
  Tensor like_;
  mlip::OnDevice on_device_;
};

using Operators = mlip::EdgeOperators<Gpu>;

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(mlip, CUDA, m) {
  m.impl("edge_vectors", TORCH_BOX(&Operators::edge_vectors));
  m.impl("edge_sums", TORCH_BOX(&Operators::edge_sums));
}
