// The GPU on which an operator works.
#pragma once

#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>

#include "arguments.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip {

// torch's stream on a device.
CUstream_st* current_stream(int32_t device);

// The device of one tensor, made the current one. The dispatcher comes here if any tensor is on a
// GPU: where the others are must be looked at before they are read.
class OnDevice {
 public:
  OnDevice(const char* op, const torch::stable::Tensor& tensor, const char* name)
      : op_(op), name_(name), device_(device_of(op, tensor, name)), guard_(device_) {}

  OnDevice(const char* op, const torch::stable::Tensor& tensor, const char* name,
           std::initializer_list<NamedTensor> others)
      : OnDevice(op, tensor, name) {
    for (const NamedTensor& other : others) check(other.tensor, other.name);
  }

  void check(const torch::stable::Tensor& other, const char* name) const {
    if (other.is_cuda() && other.get_device_index() == device_) return;
    throw std::invalid_argument(std::string(op_) + ": " + name + " is not on the device of the " +
                                name_);
  }

  CUstream_st* stream() const { return current_stream(device_); }

  // torch's memory follows the stream: what is still queued has it to itself when this is freed.
  torch::stable::Tensor bytes(const torch::stable::Tensor& like, int64_t n) const {
    return torch::stable::new_empty(like, {n}, torch::headeronly::ScalarType::Byte);
  }

 private:
  static int32_t device_of(const char* op, const torch::stable::Tensor& tensor, const char* name) {
    if (tensor.is_cuda()) return tensor.get_device_index();
    throw std::invalid_argument(std::string(op) + ": the " + name + " are not on the GPU");
  }

  const char *op_, *name_;
  int32_t device_;
  torch::stable::accelerator::DeviceGuard guard_;
};

}  // namespace mlip
