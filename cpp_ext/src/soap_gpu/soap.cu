// SOAP as kernels, and the memory they work in.
#include <limits>
#include <stdexcept>
#include <vector>

#include "gpu/copy.h"
#include "gpu/launch.h"
#include "gpu/memory.h"
#include "gpu/rooms.h"
#include "gpu/sort.h"
#include "mlip/soap_cuda.h"
#include "sorting.h"
#include "spectrum.h"
#include "tables.h"

namespace mlip::cuda {
namespace {

void require(bool condition, const char* otherwise) {
  if (!condition) throw std::invalid_argument(otherwise);
}

// Everything that a call works with.
template <class T>
struct Ready {
  gpu::SoapInput<T> in;
  gpu::SoapTables<T> tables;
  gpu::SortedEdges sorted;
  char *packed_tables, *rooms;
  int64_t room_bytes, n_rooms, bytes;
  void* to_sort_in;
  size_t sort_bytes = 0;
  cudaStream_t stream;

  Ready(const SoapBasis<T>& basis, const SoapEdges<T>& edges, bool back, void* workspace,
        cudaStream_t stream_)
      : in(basis, edges), tables(basis.l_max), stream(stream_) {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    require(edges.n_edges <= kMost, "more than 2^31 edges for SOAP on a GPU");
    require(edges.n_atoms <= kMost / basis.n_species, "too many atoms for SOAP on a GPU");
    require(FeatureOrder(basis).count() <= kMost, "more than 2^31 features for each atom");
    gpu::Memory memory{static_cast<char*>(workspace)};
    packed_tables = memory.at;
    tables.place(memory, &in);
    sorted = gpu::sorted_edges_in(memory, edges.n_edges);
    sort(nullptr);
    to_sort_in = memory.take<char>(static_cast<int64_t>(sort_bytes));
    gpu::Memory room;
    gpu::room_in(room, in, back);
    room_bytes = room.bytes;
    n_rooms = gpu::rooms_for(edges.n_atoms, room_bytes);
    rooms = memory.take<char>(n_rooms * room_bytes);
    bytes = memory.bytes;
  }

  void sort(void* memory) {
    const uint64_t rows = static_cast<uint64_t>(in.edges.n_atoms) * in.basis.n_species;
    cuda::sort(
        {sorted.rows, sorted.sorted_rows, sorted.numbers, sorted.order, in.edges.n_edges, rows},
        memory, sort_bytes, stream);
  }

  // Throws as `op` does if atoms or edges are wrong; then sorts the edges.
  void prepare(const char* op) {
    const std::vector<char> packed = tables.packed();
    check(cudaMemcpyAsync(packed_tables, packed.data(), packed.size(), cudaMemcpyHostToDevice,
                          stream));
    check(cudaMemsetAsync(sorted.failure, 0xff, sizeof *sorted.failure, stream));
    for_each(in.edges.n_atoms + in.edges.n_edges, gpu::CheckSoap<T>{in, sorted}, stream);
    gpu::raise_if_failed(value_at(sorted.failure, stream), op, in,
                         [&](const auto* at) { return value_at(at, stream); });
    if (in.edges.n_edges == 0) return;
    for_each(in.edges.n_edges, gpu::SoapRow<T>{in, sorted}, stream);
    sort(to_sort_in);
  }

  template <class Work>
  void for_all_atoms(const Work& work) {
    for_each_in_crews(in.edges.n_atoms, n_rooms, gpu::InRooms<Work>{work, rooms, room_bytes},
                      stream);
  }
};

}  // namespace

template <class T>
int64_t soap_workspace_bytes(const SoapBasis<T>& basis, const SoapEdges<T>& edges, bool back) {
  return Ready<T>(basis, edges, back, nullptr, nullptr).bytes;
}

template <class T>
void soap_features(const SoapBasis<T>& basis, const SoapEdges<T>& edges, void* workspace,
                   cudaStream_t stream, T* features) {
  Ready<T> ready(basis, edges, false, workspace, stream);
  ready.prepare("mlip::soap");
  ready.for_all_atoms(gpu::SoapFeatures<T>{ready.in, ready.sorted, features});
}

template <class T>
void soap_gradients(const SoapBasis<T>& basis, const SoapEdges<T>& edges, void* workspace,
                    cudaStream_t stream, const T* by_features, T* by_vectors, T* by_mixing) {
  Ready<T> ready(basis, edges, true, workspace, stream);
  ready.prepare("mlip::soap_gradients");
  ready.for_all_atoms(
      gpu::SoapGradients<T>{ready.in, ready.sorted, by_features, by_vectors, by_mixing});
}

#define MLIP_SOAP(T)                                                                              \
  template int64_t soap_workspace_bytes(const SoapBasis<T>&, const SoapEdges<T>&, bool);          \
  template void soap_features(const SoapBasis<T>&, const SoapEdges<T>&, void*, cudaStream_t, T*); \
  template void soap_gradients(const SoapBasis<T>&, const SoapEdges<T>&, void*, cudaStream_t,     \
                               const T*, T*, T*);
MLIP_SOAP(float)
MLIP_SOAP(double)
#undef MLIP_SOAP

}  // namespace mlip::cuda
