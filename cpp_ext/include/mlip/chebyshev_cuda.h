// Chebyshev descriptors of chebyshev.h on a GPU: the same features and derivatives, to rounding,
// from arrays in its memory.
//
// Plain C++17 and the CUDA runtime: no torch, no Python, no global state, and no memory of its own.
// Work is queued on the caller's stream of the device that is current; each call waits for it once
// before, to learn whether atoms and edges are right. Results are the same every time: no two
// threads add to one number.
#pragma once

#include <cstdint>

#include "mlip/chebyshev.h"
#include "mlip/environments.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Bytes to work in: 8 for each atom and a gigabyte at most for those that are treated at once. The
// basis is checked as by the functions of chebyshev.h.
template <class Real>
int64_t chebyshev_workspace_bytes(const ChebyshevBasis& basis, int64_t n_atoms, bool back);

// As the functions of chebyshev.h, with the same words if they throw; also if edges do not join
// atoms or are not sorted by centre. The arrays of the basis and of the edges, the results and
// `workspace`, aligned to 256 bytes, are in the memory of the GPU. Throws std::runtime_error if the
// GPU fails.
template <class Real>
void chebyshev_features(const ChebyshevBasis& basis, const EdgesByCentre<Real>& edges,
                        void* workspace, CUstream_st* stream, Real* features);

template <class Real>
void chebyshev_gradients(const ChebyshevBasis& basis, const EdgesByCentre<Real>& edges,
                         void* workspace, CUstream_st* stream, const Real* by_features,
                         Real* by_vectors);

}  // namespace mlip::cuda
