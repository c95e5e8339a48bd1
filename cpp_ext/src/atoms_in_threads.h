// Atoms shared out among threads, each of which has working memory of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

#include "mlip/environments.h"
#include "threads.h"

namespace mlip {

constexpr int64_t kAtomsAtOnce = 8;

// Memory that starts at a multiple of 64 bytes.
class Aligned {
 public:
  explicit Aligned(int64_t bytes) : memory_(new char[bytes + 64]) {}
  char* begin() const {
    const auto address = reinterpret_cast<uintptr_t>(memory_.get());
    return memory_.get() + (64 - address % 64) % 64;
  }

 private:
  std::unique_ptr<char[]> memory_;
};

// Neighbours of the most crowded atom.
template <class Real>
int64_t most_neighbours(const Environments<Real>& atoms) {
  int64_t most = 0;
  for (int64_t a = 0; a < atoms.n_atoms; ++a) {
    most = std::max(most, atoms.first_edge[a + 1] - atoms.first_edge[a]);
  }
  return most;
}

// Whose edge it is.
template <class Real>
int64_t centre_of(const Environments<Real>& atoms, int64_t edge) {
  const int64_t* end = atoms.first_edge + atoms.n_atoms + 1;
  return std::upper_bound(atoms.first_edge, end, edge) - atoms.first_edge - 1;
}

// Calls work(first, last, memory) for some atoms at once until all are done, by as many threads as
// are `useful` and allowed. It returns an edge that features cannot be made of, or -1; so does
// this: the first one, whatever the threads.
template <class Work>
int64_t in_threads_over_atoms(int64_t n_atoms, int64_t bytes, int64_t useful, int most_threads,
                              Work work) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> next{0}, bad_edge{kNone};
  useful = std::min(useful, n_atoms / kAtomsAtOnce);
  const auto threads = std::clamp<int64_t>(useful, 1, std::max(1, most_threads));
  in_threads(static_cast<int>(threads), [&](int) {
    const Aligned memory(bytes);
    for (int64_t first = next.fetch_add(kAtomsAtOnce); first < n_atoms;
         first = next.fetch_add(kAtomsAtOnce)) {
      const int64_t edge = work(first, std::min(first + kAtomsAtOnce, n_atoms), memory.begin());
      int64_t known = bad_edge;
      while (edge >= 0 && edge < known && !bad_edge.compare_exchange_weak(known, edge)) {
      }
    }
  });
  return bad_edge == kNone ? -1 : bad_edge.load();
}

}  // namespace mlip
