// SOAP of soap.h on a GPU: the same features and gradients, to rounding, from arrays in its memory.
//
// Plain C++17 and the CUDA runtime: no torch, no Python, no global state, and no memory of its own.
// The caller gives a workspace whose size follows from the basis and the numbers of atoms and
// edges. Work is queued on the caller's stream of the device that is current; each call waits for
// it once before, to learn whether the atoms and edges are right. Results are the same every time:
// no two threads add to one number.
#pragma once

#include <cstdint>

#include "mlip/soap.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Bytes to work in: some 40 for each edge, and rooms for as many atoms as the GPU can treat at once
// in a gigabyte. `back` says whether it is for gradients. Throws std::invalid_argument if there are
// too many edges, atoms or features for numbers of 32 bits.
template <class T>
int64_t soap_workspace_bytes(const SoapBasis<T>& basis, const SoapEdges<T>& edges, bool back);

// As soap_features and soap_gradients of soap.h, but of edges sorted by centre, with the words of
// torch's operators if they throw; pointers within
// `basis` and `edges`, and `workspace`, aligned to 256 bytes, are into the memory of the GPU.
// Throws std::runtime_error if the GPU fails.
template <class T>
void soap_features(const SoapBasis<T>& basis, const SoapEdges<T>& edges, void* workspace,
                   CUstream_st* stream, T* features);

template <class T>
void soap_gradients(const SoapBasis<T>& basis, const SoapEdges<T>& edges, void* workspace,
                    CUstream_st* stream, const T* by_features, T* by_vectors, T* by_mixing);

}  // namespace mlip::cuda
