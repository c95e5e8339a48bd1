// Large pages for tensors.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include "huge_pages.h"

namespace mlip {

// To be called before anything is written.
inline void ask_for_huge_pages(torch::stable::Tensor& tensor) {
  ask_for_huge_pages(tensor.mutable_data_ptr(),
                     tensor.numel() * static_cast<int64_t>(tensor.element_size()));
}

}  // namespace mlip
