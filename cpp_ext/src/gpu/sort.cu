#include "sort.h"

#include <cub/device/device_radix_sort.cuh>

#include "launch.h"

namespace mlip::cuda {

void sort(const Sort& given, void* memory, size_t& bytes, cudaStream_t stream) {
  int bits = 1;
  while (bits < 32 && given.limit >> bits) ++bits;
  check(cub::DeviceRadixSort::SortPairs(memory, bytes, given.keys, given.sorted_keys, given.numbers,
                                        given.sorted_numbers, static_cast<int>(given.n), 0, bits,
                                        stream));
}

}  // namespace mlip::cuda
