// Rooms in which crews work, each on one atom at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "memory.h"

namespace mlip::gpu {

// More atoms at once than any GPU has blocks for would only take memory.
constexpr int64_t kMostRooms = 2048, kMostBytesOfRooms = int64_t{1} << 30;

inline int64_t rooms_for(int64_t n_atoms, int64_t bytes_each) {
  return std::min({kMostRooms, std::max<int64_t>(1, n_atoms),
                   std::max<int64_t>(1, kMostBytesOfRooms / bytes_each)});
}

// An atom's work, in the room of its crew, which `work.room_in(memory)` lays out.
template <class Work>
struct InRooms {
  Work work;
  char* rooms;
  int64_t bytes_each;

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, int64_t room, const Crew& crew) const {
    Memory memory{rooms + room * bytes_each};
    work(atom, work.room_in(memory), crew);
  }
};

}  // namespace mlip::gpu
