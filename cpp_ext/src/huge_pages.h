// Large pages for large results.
#pragma once

#include <cstdint>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace mlip {

// Asks for pages of 2 MiB where this memory has room for whole ones. The C library gives large
// blocks back to the system when they are freed (those beyond 32 MiB always, smaller ones when they
// are many), so that call after call meets fresh pages: in pages of 4 KiB they cost 18 to 25 ns for
// each 40 bytes (one pair of atoms), in these 3. Only a hint: nothing happens where the system does
// not know it, and the memory stays what it was.
inline void ask_for_huge_pages(void* memory, int64_t bytes) {
#ifdef __linux__
  constexpr uintptr_t kPage = uintptr_t{1} << 21;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory), end = begin + bytes;
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage, last = end / kPage * kPage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

}  // namespace mlip
