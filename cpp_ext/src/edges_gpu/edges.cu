// The vectors of edges and sums over edges as kernels, and the memory they work in.
#include "gpu/memory.h"
#include "mlip/edges_cuda.h"
#include "neighbour_sums_gpu/machine.h"
#include "pipeline.h"

namespace mlip::cuda {
namespace {

struct SumsPlaceOfEdges {
  SumsGpu machine;
  gpu::EdgeSumPlace place;
  int64_t bytes;

  SumsPlaceOfEdges(const Edges& edges, void* workspace, cudaStream_t stream) : machine{} {
    const SumEdges sums = gpu::as_sums(edges);
    check_sizes(sums);
    gpu::Memory memory{static_cast<char*>(workspace)};
    place = gpu::edge_sum_place_in(memory, edges);
    machine.stream = stream;
    machine.find_room(sums, place.orders, memory);
    bytes = memory.bytes;
  }
};

}  // namespace

int64_t edge_sums_workspace_bytes(const Edges& edges) {
  return SumsPlaceOfEdges(edges, nullptr, nullptr).bytes;
}

void edge_vectors(const Edges& edges, const double* positions, const double* cells,
                  const int64_t* rows, void* workspace, cudaStream_t stream, double* vectors) {
  Gpu machine{stream};
  gpu::write_vectors(kEdgeVectors, edges, positions, cells, rows, static_cast<uint64_t*>(workspace),
                     vectors, machine);
}

template <class Row>
void edge_sums(const Edges& edges, const double* by_vectors, const Row* rows, void* workspace,
               cudaStream_t stream, double* by_positions, double* by_cells) {
  SumsPlaceOfEdges ready(edges, workspace, stream);
  gpu::write_sums(kEdgeSums, edges, by_vectors, rows, ready.place, by_positions, by_cells,
                  ready.machine);
}

template void edge_sums(const Edges&, const double*, const int64_t*, void*, cudaStream_t, double*,
                        double*);
template void edge_sums(const Edges&, const double*, const double*, void*, cudaStream_t, double*,
                        double*);

}  // namespace mlip::cuda
