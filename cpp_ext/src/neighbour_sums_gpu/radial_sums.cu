// Sums over neighbours with weights that are radial functions in a table, as kernels.
#include "ready.h"

namespace mlip::cuda {

template <class T>
void radial_sums(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                 const T* vectors, const T* sent, const SumsPlace& place, T* sums) {
  SumsReady<T> ready(shape, edges, {true, false, false}, place);
  const gpu::Expanding<T> expanding(ready.memory, shape, edges.n_edges, false);
  gpu::bring_in_order(edges, vectors, ready.orders, false, ready.machine);
  const auto terms = gpu::expand(shape, edges, table, vectors, sent, expanding, ready.machine);
  gpu::add_up(terms, ready.orders, sums, ready.machine);
}

template <class T>
void radial_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                          const T* vectors, const T* sent, const T* by_sums, const SumsPlace& place,
                          T* by_vectors, T* by_sent) {
  const bool sent_wanted = by_sent != nullptr;
  SumsReady<T> ready(shape, edges, {true, true, sent_wanted}, place);
  const gpu::Expanding<T> expanding(ready.memory, shape, edges.n_edges, true);
  gpu::bring_in_order(edges, vectors, ready.orders, sent_wanted, ready.machine);
  const auto terms = gpu::expand(shape, edges, table, vectors, sent, expanding, ready.machine);
  gpu::back_to_vectors(terms, vectors, expanding, ready.orders, by_sums, by_vectors, by_sent,
                       ready.rooms, ready.machine);
}

#define MLIP_RADIAL_SUMS(T)                                                                 \
  template void radial_sums(const SumShape&, const SumEdges&, const SumTable<T>&, const T*, \
                            const T*, const SumsPlace&, T*);                                \
  template void radial_sum_gradients(const SumShape&, const SumEdges&, const SumTable<T>&,  \
                                     const T*, const T*, const T*, const SumsPlace&, T*, T*);
MLIP_RADIAL_SUMS(float)
MLIP_RADIAL_SUMS(double)
#undef MLIP_RADIAL_SUMS

}  // namespace mlip::cuda
