// The hot loop: for each centre, which points lie within the cutoff. One copy for each instruction
// set; `searches` tells when the program runs which of them the machine can run.
//
// This header and those copies use nothing but raw pointers: a function of the standard library
// that were compiled for AVX-512 there could be the copy that the linker keeps for the whole
// program.
#pragma once

#include <cstdint>

namespace mlip {

// Points in cells (cells.h) as plain pointers.
struct Grid {
  const double *x, *y, *z;
  const int32_t* start;
  int32_t number[3];
  double origin[3], edge[3], inverse_edge[3];
};

// Å and Å^2. Squared distances below `sure` are within the cutoff and those from `possible` on are
// not, whatever rounding did; between them `decide` settles it.
struct Limits {
  double reach, sure, possible;
  bool (*decide)(const void* context, int32_t centre, int32_t candidate);
  const void* context;
};

// A growing array of points. `grow` makes room for at least `more` beyond `size`.
struct Found {
  int32_t* data;
  int64_t size, room;
  void (*grow)(Found* found, int64_t more);
};

// Appends to `found` the neighbours of centres[0], centres[1], ... and sets counts[c] to how many
// belong to centres[c].
using Search = void (*)(const Grid& grid, const Limits& limits, const int32_t* centres,
                        int64_t n_centres, int32_t* counts, Found& found);

struct NamedSearch {
  Search search;
  const char* name;
};

// Fills `out` with those that this machine can run, the fastest first; returns how many.
constexpr int kMostSearches = 3;
int searches(NamedSearch out[kMostSearches]);

// Numbers that a scan may write past the end of what it found.
constexpr int64_t kOverrun = 8;

}  // namespace mlip
