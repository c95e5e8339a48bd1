// The core works in torch's own threads. They wait in a loop for a while after each operator of
// torch, and would keep threads beside them from their processors just when there is work.
#include "threads.h"

#include <torch/csrc/stable/ops.h>
#include <unistd.h>

#include "own_threads.h"

namespace mlip {

namespace {

// A process made by fork has none of its parent's threads, but torch would wait for them.
const pid_t first_process = getpid();

}  // namespace

void in_threads_of_program(int n, const std::function<void(int)>& work) {
  if (getpid() != first_process) return in_own_threads(n, work);
  torch::stable::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) work(static_cast<int>(t));
  });
}

}  // namespace mlip
