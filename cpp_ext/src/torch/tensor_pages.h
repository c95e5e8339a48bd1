// Large pages for tensors.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <initializer_list>

#include "huge_pages.h"

namespace mlip {

// To be called before anything is written.
inline void ask_for_huge_pages(torch::stable::Tensor& tensor) {
  ask_for_huge_pages(tensor.mutable_data_ptr(),
                     tensor.numel() * static_cast<int64_t>(tensor.element_size()));
}

// What every subject's machine on the processor has: memory for results.
class InLargePages {
 public:
  torch::stable::Tensor new_tensor(const torch::stable::Tensor& like,
                                   std::initializer_list<int64_t> shape) const {
    torch::stable::Tensor tensor = torch::stable::new_empty(like, shape);
    ask_for_huge_pages(tensor);
    return tensor;
  }
};

}  // namespace mlip
