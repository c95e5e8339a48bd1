// Sums over neighbours of neighbour_sums.h on a GPU: the same results, to rounding, from arrays in
// its memory.
//
// Plain C++17 and the CUDA runtime: no torch, no Python, no global state, and no memory of its own.
// Work is queued on the caller's stream of the device that is current; each call waits for it once
// before, to learn whether the edges are right. Results are the same every time: no two threads
// add to one number, and sums run over edges in their order.
#pragma once

#include <cstdint>

#include "mlip/neighbour_sums.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Where to work, aligned to 256 bytes, and on which stream.
struct SumsPlace {
  void* workspace;
  CUstream_st* stream;
};

// What is asked for, on which the workspace depends: with `tabulated` weights some numbers for each
// harmonic of each edge, for gradients some 64 MB, and some 16 bytes for each edge if derivatives
// by what is sent are wanted.
struct SumsTask {
  bool tabulated, gradients, sent_wanted;
};

// Bytes to work in. Throws std::invalid_argument if there are too many edges or atoms for numbers
// of 32 bits.
template <class T>
int64_t sums_workspace_bytes(const SumShape& shape, const SumEdges& edges, const SumsTask& task);

// As the functions of neighbour_sums.h, with the same words if they throw; pointers are into the
// memory of the GPU. Throws std::runtime_error if the GPU fails.
template <class T>
void neighbour_sums(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                    const SumsPlace& place, T* sums);

template <class T>
void neighbour_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                             const T* by_sums, const SumsPlace& place,
                             const SumGradients<T>& gradients);

template <class T>
void neighbour_sum_second(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                          const T* by_sums, const SumInput<T>& along, const SumsPlace& place,
                          T* by_by_sums, const SumGradients<T>& gradients);

template <class T>
void radial_sums(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                 const T* vectors, const T* sent, const SumsPlace& place, T* sums);

template <class T>
void radial_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                          const T* vectors, const T* sent, const T* by_sums, const SumsPlace& place,
                          T* by_vectors, T* by_sent);

}  // namespace mlip::cuda
