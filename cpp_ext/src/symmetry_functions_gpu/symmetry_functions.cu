// Symmetry functions as kernels, and the memory they work in.
#include "mlip/symmetry_functions_cuda.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "checks.h"
#include "gpu/copy.h"
#include "gpu/launch.h"
#include "gpu/memory.h"
#include "gpu/rooms.h"
#include "gradients.h"
#include "tables.h"
#include "values.h"

namespace mlip::cuda {
namespace {

// The report, then the tables.
struct Tables {
  gpu::AtomsReport* report;
  char* packed;
  PlanView plan;
  int64_t bytes;

  Tables(const PlanArrays& arrays, void* memory_) {
    gpu::Memory memory{static_cast<char*>(memory_)};
    report = memory.take<gpu::AtomsReport>(1);
    packed = memory.take<char>(0);
    plan = gpu::placed(arrays, memory);
    bytes = memory.bytes;
  }
};

template <class Work>
void for_all_atoms(const Work& work, const Rooms& rooms, void* workspace, cudaStream_t stream) {
  const gpu::InRooms<Work> in_rooms = {work, static_cast<char*>(workspace), rooms.bytes_each};
  for_each_in_crews(work.all.n_atoms, rooms.number, in_rooms, stream);
}

}  // namespace

struct SymmetryFunctions::Plan {
  PlanArrays arrays;
};

SymmetryFunctions::SymmetryFunctions(const std::vector<SymmetryFunction>& functions,
                                     const std::vector<int32_t>& list_of_species,
                                     const std::vector<double>& weights, CutoffShape cutoff)
    : plan_(new Plan{make_plan(functions, list_of_species, weights, cutoff)}) {
  gpu::check_columns(functions);
}

SymmetryFunctions::~SymmetryFunctions() = default;

int64_t SymmetryFunctions::tables_bytes() const { return Tables(plan_->arrays, nullptr).bytes; }

template <class Real>
Rooms SymmetryFunctions::look_at(const EdgesByCentre<Real>& edges, bool back, void* memory,
                                 cudaStream_t stream) const {
  const Tables tables(plan_->arrays, memory);
  const std::vector<char> packed = gpu::packed(plan_->arrays);
  const gpu::AtomsReport none = {gpu::kNoFailure, 0};
  check(
      cudaMemcpyAsync(tables.packed, packed.data(), packed.size(), cudaMemcpyHostToDevice, stream));
  check(cudaMemcpyAsync(tables.report, &none, sizeof none, cudaMemcpyHostToDevice, stream));
  const auto n_species = static_cast<int64_t>(plan_->arrays.weights.size());
  for_each(edges.n_atoms + edges.n_edges, gpu::LookAtAtoms<Real>{edges, n_species, tables.report},
           stream);
  const gpu::AtomsReport report = value_at(tables.report, stream);
  gpu::raise_if_failed(report, edges, [&](const auto* at) { return value_at(at, stream); });
  if (report.most_neighbours > std::numeric_limits<int32_t>::max() / 64) {
    throw std::invalid_argument(too_many_neighbours());
  }
  Rooms rooms;
  rooms.most_neighbours = static_cast<int>(report.most_neighbours);
  gpu::Memory room;
  gpu::atom_room_in<Real>(room, gpu::most_of(plan_->arrays, rooms.most_neighbours), back);
  rooms.bytes_each = room.bytes;
  rooms.number = gpu::rooms_for(edges.n_atoms, room.bytes);
  rooms.bytes = rooms.number * rooms.bytes_each;
  return rooms;
}

template <class Real>
void SymmetryFunctions::evaluate(const EdgesByCentre<Real>& edges, int64_t n_features,
                                 Real* features, const Rooms& rooms, void* memory, void* workspace,
                                 cudaStream_t stream) const {
  const Tables tables(plan_->arrays, memory);
  const gpu::Most most = gpu::most_of(plan_->arrays, rooms.most_neighbours);
  for_all_atoms(gpu::AtomFeatures<Real>{tables.plan, edges, most, n_features, features}, rooms,
                workspace, stream);
}

template <class Real>
void SymmetryFunctions::differentiate(const EdgesByCentre<Real>& edges, int64_t n_features,
                                      const Real* gradient, Real* by_vector, const Rooms& rooms,
                                      void* memory, void* workspace, cudaStream_t stream) const {
  const Tables tables(plan_->arrays, memory);
  const gpu::Most most = gpu::most_of(plan_->arrays, rooms.most_neighbours);
  for_all_atoms(gpu::AtomGradients<Real>{tables.plan, edges, most, n_features, gradient, by_vector},
                rooms, workspace, stream);
}

#define MLIP_SYMMETRY_FUNCTIONS(Real)                                                              \
  template Rooms SymmetryFunctions::look_at(const EdgesByCentre<Real>&, bool, void*, cudaStream_t) \
      const;                                                                                       \
  template void SymmetryFunctions::evaluate(const EdgesByCentre<Real>&, int64_t, Real*,            \
                                            const Rooms&, void*, void*, cudaStream_t) const;       \
  template void SymmetryFunctions::differentiate(const EdgesByCentre<Real>&, int64_t, const Real*, \
                                                 Real*, const Rooms&, void*, void*, cudaStream_t)  \
      const;
MLIP_SYMMETRY_FUNCTIONS(float)
MLIP_SYMMETRY_FUNCTIONS(double)
#undef MLIP_SYMMETRY_FUNCTIONS

}  // namespace mlip::cuda
