// Parts of one block of memory, for loops in files compiled for wider instruction sets. In an
// unnamed namespace, as instruction_sets.h asks.
#pragma once

#include <cstdint>

namespace mlip {
namespace {

// The next `count` of something; each part begins at a multiple of 64 bytes if the block does.
template <class Real>
Real* take(char*& memory, int64_t count) {
  Real* taken = reinterpret_cast<Real*>(memory);
  memory += (count * static_cast<int64_t>(sizeof(Real)) + 63) / 64 * 64;
  return taken;
}

}  // namespace
}  // namespace mlip
