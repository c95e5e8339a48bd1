// Chebyshev descriptors as kernels, and the memory they work in.
#include "gpu/machine.h"
#include "gpu/memory.h"
#include "gpu/rooms.h"
#include "mlip/chebyshev_cuda.h"
#include "pipeline.h"
#include "works.h"

namespace mlip::cuda {
namespace {

template <class Real>
struct Places {
  gpu::ChebyshevPlace<Real> before;
  char* rooms;
  int64_t room_bytes, n_rooms, bytes;

  Places(const ChebyshevBasis& basis, int64_t n_atoms, bool back, void* workspace) {
    check(basis);
    gpu::Memory memory{static_cast<char*>(workspace)}, room;
    before = gpu::chebyshev_place_in<Real>(memory, basis, n_atoms);
    ChebyshevTables<Real> sizes{};
    sizes.radial_order = basis.radial_order;
    sizes.angular_order = basis.angular_order;
    sizes.n_sets = basis.n_sets;
    gpu::chebyshev_room_in(room, sizes, back);
    room_bytes = room.bytes;
    n_rooms = gpu::rooms_for(n_atoms, room_bytes);
    rooms = memory.take<char>(n_rooms * room_bytes);
    bytes = memory.bytes;
  }
};

// Calls make_work(input) and does that work.
template <class Real, class MakeWork>
void for_all_atoms(const ChebyshevBasis& basis, const EdgesByCentre<Real>& edges, bool back,
                   void* workspace, cudaStream_t stream, MakeWork make_work) {
  const Places<Real> places(basis, edges.n_atoms, back, workspace);
  Gpu machine{stream};
  const auto work = make_work(gpu::prepare(basis, edges, places.before, machine));
  const gpu::InRooms<std::decay_t<decltype(work)>> in_rooms = {work, places.rooms,
                                                               places.room_bytes};
  machine.for_each_in_crews(edges.n_atoms, places.n_rooms, in_rooms);
}

}  // namespace

template <class Real>
int64_t chebyshev_workspace_bytes(const ChebyshevBasis& basis, int64_t n_atoms, bool back) {
  return Places<Real>(basis, n_atoms, back, nullptr).bytes;
}

template <class Real>
void chebyshev_features(const ChebyshevBasis& basis, const EdgesByCentre<Real>& edges,
                        void* workspace, cudaStream_t stream, Real* features) {
  for_all_atoms(basis, edges, false, workspace, stream, [&](const gpu::ChebyshevInput<Real>& in) {
    return gpu::ChebyshevFeatures<Real>{in, features};
  });
}

template <class Real>
void chebyshev_gradients(const ChebyshevBasis& basis, const EdgesByCentre<Real>& edges,
                         void* workspace, cudaStream_t stream, const Real* by_features,
                         Real* by_vectors) {
  for_all_atoms(basis, edges, true, workspace, stream, [&](const gpu::ChebyshevInput<Real>& in) {
    return gpu::ChebyshevGradients<Real>{in, by_features, by_vectors};
  });
}

#define MLIP_CHEBYSHEV(Real)                                                                  \
  template int64_t chebyshev_workspace_bytes<Real>(const ChebyshevBasis&, int64_t, bool);     \
  template void chebyshev_features(const ChebyshevBasis&, const EdgesByCentre<Real>&, void*,  \
                                   cudaStream_t, Real*);                                      \
  template void chebyshev_gradients(const ChebyshevBasis&, const EdgesByCentre<Real>&, void*, \
                                    cudaStream_t, const Real*, Real*);
MLIP_CHEBYSHEV(float)
MLIP_CHEBYSHEV(double)
#undef MLIP_CHEBYSHEV

}  // namespace mlip::cuda
