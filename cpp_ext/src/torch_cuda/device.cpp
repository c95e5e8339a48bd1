#include "device.h"

#include <dlfcn.h>
#include <torch/csrc/stable/library.h>

#include "mlip/neighbours_cuda.h"

namespace mlip {

// The function lives in the part of torch that only its builds for CUDA have; it is looked up
// there, so that this library can be built beside any torch.
CUstream_st* current_stream(int32_t device) {
  using Get = AOTITorchError (*)(int32_t, void**);
  static const Get get = [] {
    void* const library = dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_NOLOAD);
    void* const found = library ? dlsym(library, "aoti_torch_get_current_cuda_stream") : nullptr;
    if (!found) throw std::runtime_error("mlip: this torch has no CUDA streams");
    return reinterpret_cast<Get>(found);
  }();
  void* stream = nullptr;
  STABLE_TORCH_ERROR_CODE_CHECK(get(device, &stream));
  return static_cast<CUstream_st*>(stream);
}

}  // namespace mlip

// For `mlip.kernels`: why a device cannot run this, or null.
extern "C" __attribute__((visibility("default"))) const char* mlip_cuda_problem(int device) {
  return mlip::cuda::problem_with(device);
}
