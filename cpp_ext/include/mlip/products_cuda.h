// Products of products.h on a GPU: the same results, to rounding, from arrays in its memory.
//
// Plain C++17 and the CUDA runtime: no torch, no Python, no global state, and no memory of its own.
// Work is queued on the caller's stream of the device that is current; each call waits for it once
// before, to learn whether the elements are right. Results are the same every time: no two threads
// add to one number.
#pragma once

#include <cstdint>

#include "mlip/products.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Bytes to work in: the terms in a few orders, and, if derivatives by the weights are wanted, some
// copies of these, 64 MB at most unless one alone is larger.
template <class T>
int64_t product_workspace_bytes(const ProductTable<T>& table, const ProductInput<T>& in,
                                bool weights_wanted);

// As the functions of products.h, with the same words if they throw. The table is in the memory of
// the processor; pointers within `in` and `along`, the results and `workspace`, aligned to 256
// bytes, are into that of the GPU. Throws std::runtime_error if the GPU fails.
template <class T>
void product(const ProductTable<T>& table, const ProductInput<T>& in, void* workspace,
             CUstream_st* stream, T* out);

template <class T>
void product_gradients(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                       void* workspace, CUstream_st* stream, const ProductGradients<T>& gradients);

template <class T>
void product_second(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                    const ProductInput<T>& along, void* workspace, CUstream_st* stream,
                    T* by_by_out, const ProductGradients<T>& gradients);

}  // namespace mlip::cuda
