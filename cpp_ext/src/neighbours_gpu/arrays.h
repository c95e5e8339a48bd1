// What the stages of the search on a GPU read and leave behind. All sizes follow from the numbers
// of atoms and structures alone, so that memory is asked for once and before anything is known
// about the atoms.
#pragma once

#include <cstdint>

#include "lattice.h"
#include "mlip/neighbours.h"
#include "problems.h"

namespace mlip::gpu {

// Atoms and structures are numbered in 32 bits, and so are the bins, of which there are more.
constexpr int64_t kMostAtoms = int64_t{1} << 29;

struct Input {
  Structures structures;
  int64_t n_atoms;
  double cutoff;
};

// An atom where the search sees it: wrapped into the reduced cell.
struct alignas(16) Point {
  double position[3];
  int32_t atom, structure;
};

// A pair as it is found: two atoms, and the reduced lattice vectors added to the other (of which
// there are fewer than 2^31, or the search is an error).
struct Hit {
  int32_t centre, other;
  int32_t image[3];
};

// Bins along one direction of the reduced lattice. The coordinate along it is a fraction if the
// direction repeats, else a length in Å; bin b holds the coordinates from b / per_unit on. Bins of
// a direction that repeats cover the cell; of one that does not, bin b is also bin b + number, so
// that atoms at the ends of the world need no more bins than any others.
struct Axis {
  bool repeats;
  int32_t number;
  double per_unit;
  double reach;  // of a centre, in units of the coordinate
};

// Largest values over the atoms of a structure, of: the coordinates that wrapping changes, the
// shifts by wrapping (3), the coordinates along the reduced directions (3) and their opposites (3).
constexpr int kExtremes = 10;
constexpr int kFarthestAt = 0, kShiftAt = 1, kHighAt = 4, kLowAt = 7;

// All that the search must know about a structure.
struct Plan {
  Lattice lattice;
  bool moves[3];  // whether wrapping changes x, y, z
  bool failed;
  uint64_t extremes[kExtremes];  // numbers coded by `ordered`
  Axis axes[3];
  int64_t first_bin;
  double sure, possible;  // Å^2; search.h says what they mean
};

struct Report {
  uint64_t failure;  // the least `coded` problem, or kNoFailure
  int64_t n_pairs;
};

struct Arrays {
  Report* report;
  Plan* plans;                          // [structures]
  Point* wrapped;                       // [atoms]
  int64_t* shifts;                      // [atoms][3], whole cell vectors that wrapping added
  uint32_t *bin_of_atom, *sorted_bins;  // [atoms]
  int32_t *atoms, *sorted_atoms;        // [atoms]; the latter by bin, in each bin ascending
  int32_t* start;                       // [bins + 1], where the points of a bin start
  Point* points;                        // [atoms], as `sorted_atoms`
  int64_t* first_pair;                  // [atoms + 1]; while counting, the pairs of each atom
};

// A structure has room for two bins an atom and one more; so it is known without looking where the
// bins of each start.
MLIP_BOTH inline int64_t most_bins(int64_t n_atoms) { return 2 * n_atoms + 1; }
MLIP_BOTH inline int64_t bins_before(int64_t first_atom, int64_t structure) {
  return 2 * first_atom + structure;
}

// `memory.take<T>(n)` gives room for n numbers or records.
template <class Memory>
Arrays arrays_in(Memory& memory, int64_t n_atoms, int64_t n_structures) {
  Arrays arrays;
  arrays.report = memory.template take<Report>(1);
  arrays.plans = memory.template take<Plan>(n_structures);
  arrays.wrapped = memory.template take<Point>(n_atoms);
  arrays.shifts = memory.template take<int64_t>(3 * n_atoms);
  arrays.bin_of_atom = memory.template take<uint32_t>(n_atoms);
  arrays.sorted_bins = memory.template take<uint32_t>(n_atoms);
  arrays.atoms = memory.template take<int32_t>(n_atoms);
  arrays.sorted_atoms = memory.template take<int32_t>(n_atoms);
  arrays.start = memory.template take<int32_t>(bins_before(n_atoms, n_structures) + 1);
  arrays.points = memory.template take<Point>(n_atoms);
  arrays.first_pair = memory.template take<int64_t>(n_atoms + 1);
  return arrays;
}

}  // namespace mlip::gpu
