// Products as kernels, and the memory they work in.
#include "gpu/machine.h"
#include "gpu/memory.h"
#include "mlip/products_cuda.h"
#include "pipeline.h"

namespace mlip::cuda {
namespace {

// Checked arguments, and where to work.
template <class T>
struct Ready {
  Gpu machine;
  gpu::ProductArrays<T> arrays;

  Ready(const ProductTable<T>& table, const ProductInput<T>& in, bool weights_wanted,
        void* workspace, cudaStream_t stream)
      : machine{stream} {
    gpu::Memory memory{static_cast<char*>(workspace)};
    arrays = gpu::product_arrays_in(memory, table, in, weights_wanted);
    gpu::prepare(table, in, arrays, machine);
  }
};

}  // namespace

template <class T>
int64_t product_workspace_bytes(const ProductTable<T>& table, const ProductInput<T>& in,
                                bool weights_wanted) {
  gpu::Memory memory;
  gpu::product_arrays_in(memory, table, in, weights_wanted);
  return memory.bytes;
}

template <class T>
void product(const ProductTable<T>& table, const ProductInput<T>& in, void* workspace,
             cudaStream_t stream, T* out) {
  Ready<T> ready(table, in, false, workspace, stream);
  gpu::multiply(gpu::at_rest(in), ready.arrays, out, ready.machine);
}

template <class T>
void product_gradients(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                       void* workspace, cudaStream_t stream, const ProductGradients<T>& gradients) {
  Ready<T> ready(table, in, gradients.weights != nullptr, workspace, stream);
  gpu::multiply_back(gpu::at_rest(in), ready.arrays, by_out, gradients, ready.machine);
}

template <class T>
void product_second(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                    const ProductInput<T>& along, void* workspace, cudaStream_t stream,
                    T* by_by_out, const ProductGradients<T>& gradients) {
  Ready<T> ready(table, in, gradients.weights != nullptr, workspace, stream);
  const gpu::ProductFactors<gpu::InMotion<T>> moving = gpu::in_motion(in, along);
  gpu::multiply(moving, ready.arrays, by_by_out, ready.machine);
  gpu::multiply_back(moving, ready.arrays, by_out, gradients, ready.machine);
}

#define MLIP_PRODUCTS(T)                                                                           \
  template int64_t product_workspace_bytes(const ProductTable<T>&, const ProductInput<T>&, bool);  \
  template void product(const ProductTable<T>&, const ProductInput<T>&, void*, cudaStream_t, T*);  \
  template void product_gradients(const ProductTable<T>&, const ProductInput<T>&, const T*, void*, \
                                  cudaStream_t, const ProductGradients<T>&);                       \
  template void product_second(const ProductTable<T>&, const ProductInput<T>&, const T*,           \
                               const ProductInput<T>&, void*, cudaStream_t, T*,                    \
                               const ProductGradients<T>&);
MLIP_PRODUCTS(float)
MLIP_PRODUCTS(double)
#undef MLIP_PRODUCTS

}  // namespace mlip::cuda
