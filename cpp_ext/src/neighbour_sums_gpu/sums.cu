// Sums over neighbours with weights that are given, as kernels.
#include "ready.h"

namespace mlip::cuda {

template <class T>
int64_t sums_workspace_bytes(const SumShape& shape, const SumEdges& edges, const SumsTask& task) {
  SumsReady<T> ready(shape, edges, task, {nullptr, nullptr});
  if (task.tabulated) {
    gpu::Expanding<T>(ready.memory, shape, edges.n_edges, task.gradients);
  }
  return ready.memory.bytes;
}

template <class T>
void neighbour_sums(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                    const SumsPlace& place, T* sums) {
  SumsReady<T> ready(shape, edges, {false, false, false}, place);
  const T* const no_vectors = nullptr;
  gpu::bring_in_order(edges, no_vectors, ready.orders, false, ready.machine);
  gpu::add_up(gpu::at_rest(shape, edges, in), ready.orders, sums, ready.machine);
}

template <class T>
void neighbour_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                             const T* by_sums, const SumsPlace& place,
                             const SumGradients<T>& gradients) {
  SumsReady<T> ready(shape, edges, {false, true, true}, place);
  const T* const no_vectors = nullptr;
  gpu::bring_in_order(edges, no_vectors, ready.orders, true, ready.machine);
  gpu::back_to_given(gpu::at_rest(shape, edges, in), ready.orders, by_sums, gradients, ready.rooms,
                     ready.machine);
}

template <class T>
void neighbour_sum_second(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                          const T* by_sums, const SumInput<T>& along, const SumsPlace& place,
                          T* by_by_sums, const SumGradients<T>& gradients) {
  SumsReady<T> ready(shape, edges, {false, true, true}, place);
  const T* const no_vectors = nullptr;
  gpu::bring_in_order(edges, no_vectors, ready.orders, true, ready.machine);
  const auto moving = gpu::in_motion(shape, edges, in, along);
  gpu::add_up(moving, ready.orders, by_by_sums, ready.machine);
  gpu::back_to_given(moving, ready.orders, by_sums, gradients, ready.rooms, ready.machine);
}

#define MLIP_SUMS(T)                                                                           \
  template int64_t sums_workspace_bytes<T>(const SumShape&, const SumEdges&, const SumsTask&); \
  template void neighbour_sums(const SumShape&, const SumEdges&, const SumInput<T>&,           \
                               const SumsPlace&, T*);                                          \
  template void neighbour_sum_gradients(const SumShape&, const SumEdges&, const SumInput<T>&,  \
                                        const T*, const SumsPlace&, const SumGradients<T>&);   \
  template void neighbour_sum_second(const SumShape&, const SumEdges&, const SumInput<T>&,     \
                                     const T*, const SumInput<T>&, const SumsPlace&, T*,       \
                                     const SumGradients<T>&);
MLIP_SUMS(float)
MLIP_SUMS(double)
#undef MLIP_SUMS

}  // namespace mlip::cuda
