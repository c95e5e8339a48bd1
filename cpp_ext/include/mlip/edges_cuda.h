// The vectors of edges and the transpose of that map, edges.h, on a GPU: the same results, to
// rounding, from arrays in its memory.
//
// Plain C++17 and the CUDA runtime: no torch, no Python, no global state, and no memory of its own.
// Work is queued on the caller's stream of the device that is current; each call waits for it once
// before, to learn whether the edges are right. Results are the same every time: no two threads add
// to one number.
#pragma once

#include <cstdint>

#include "mlip/edges.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Bytes to work in: for vectors; for sums, which throw std::invalid_argument if there are more than
// 2^31 edges or atoms.
constexpr int64_t kEdgeVectorsWorkspaceBytes = 8;
int64_t edge_sums_workspace_bytes(const Edges& edges);

// As the functions of edges.h, with the same words if they throw; all arrays and `workspace`,
// aligned to 256 bytes, are in the memory of the GPU. Sums ask also that edges are sorted by centre
// and atoms by structure. Throws std::runtime_error if the GPU fails.
void edge_vectors(const Edges& edges, const double* positions, const double* cells,
                  const int64_t* rows, void* workspace, CUstream_st* stream, double* vectors);

template <class Row>
void edge_sums(const Edges& edges, const double* by_vectors, const Row* rows, void* workspace,
               CUstream_st* stream, double* by_positions, double* by_cells);

}  // namespace mlip::cuda
