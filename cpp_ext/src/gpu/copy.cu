#include "copy.h"

#include "launch.h"

namespace mlip::cuda {

void copy_to_host(void* to, const void* from, int64_t bytes, cudaStream_t stream) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
  check(cudaStreamSynchronize(stream));
}

}  // namespace mlip::cuda
