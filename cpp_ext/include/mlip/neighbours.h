// Neighbours of atoms within a cutoff, for any cell and periodicity.
//
// Plain C++17: no torch, no Python, no global state. A NeighbourList owns the memory it works in
// and keeps it between calls, so a caller who searches again and again (molecular dynamics) should
// keep the object: fresh memory costs more than the search. One object serves one thread at a time.
//
//   mlip::NeighbourList list;
//   list.find(structures, 6.0, 1);
//   std::vector<int64_t> centres(list.size()), neighbours(list.size()), shifts(3 * list.size());
//   list.write({centres.data(), neighbours.data(), shifts.data(), nullptr, nullptr});
#pragma once

#include <cstdint>
#include <memory>

namespace mlip {

// Structures of atoms, one after the other. Everything is borrowed: the arrays belong to the
// caller, are only read, and must live until `find` returns. Without atoms, or structures, pointers
// to the arrays that are then empty may be null; `first_atom` always has its first number.
struct Structures {
  // [first_atom[n_structures]][3], Å. Atoms may lie anywhere, inside the cell or far outside.
  const double* positions;
  // [n_structures][3][3], Å. Rows are cell vectors, left-handed or right-handed, however skewed.
  // Rows along directions that are not periodic may be anything finite.
  const double* cells;
  // [n_structures][3]
  const bool* periodic;
  // [n_structures + 1], starting at 0 and never decreasing: structure s owns the atoms from
  // first_atom[s] up to, not including, first_atom[s + 1]. Not checked.
  const int64_t* first_atom;
  int64_t n_structures;
};

// Where `write` puts the pairs. Each array belongs to the caller and has room for size() rows, of
// which all are written; a null pointer means that this quantity is not wanted.
struct PairArrays {
  int64_t* centres;     // [size()], atoms counted over all structures
  int64_t* neighbours;  // [size()], likewise
  int64_t* shifts;      // [size()][3], whole cell vectors; 0 along directions not periodic
  double* distances;    // [size()], Å
  double* vectors;      // [size()][3], Å, from centre to neighbour
};

class NeighbourList {
 public:
  NeighbourList();
  ~NeighbourList();
  NeighbourList(const NeighbourList&) = delete;
  NeighbourList& operator=(const NeighbourList&) = delete;

  // Finds all pairs (i, j, shift) of atoms of the same structure with
  //   |positions[j] - positions[i] + shift @ cell| < cutoff,
  // both (i, j, shift) and (j, i, -shift); an atom is its own neighbour only through an image.
  // Where rounding decides, it is that of this formula in double precision, evaluated from left to
  // right with shift @ cell = ((s0 c0 + s1 c1) + s2 c2), squares compared: the answer for a pair
  // does not depend on the other atoms, on the instruction set or on the threads.
  //
  // `threads` is the most that may be used, one of them the caller's; small inputs use one, and
  // what is less than 1 counts as 1. They are started and joined within the call, and none waits in
  // a loop. The result does not depend on their number.
  //
  // Throws std::invalid_argument, with words that name the structure or atom, if the cutoff is not
  // a positive finite number (or absurd: below 1e-9 or above 1e15 Å), a position or a cell is not
  // finite, the cell is singular along its periodic directions, atoms are so many cells away (some
  // 1e11 Å) that nothing is left of their places in the cell, or the list would need more than 2^31
  // images of one structure. Throws std::bad_alloc if memory runs out. After either, size() is 0
  // and the object is as good as new.
  void find(const Structures& structures, double cutoff, int threads);

  // Number of pairs that the last `find` found; 0 before the first.
  int64_t size() const;

  // Writes them in canonical order: by centre, then neighbour, then shift, its first component
  // first. The same pairs are the same list, however they were found. Vectors agree with the
  // definition above to rounding. May be called again; the arrays must not overlap. Uses as many
  // threads as `find` did.
  void write(const PairArrays& out) const;

  // Bytes of working memory that the object keeps for the next call.
  int64_t kept_bytes() const;

  // Gives that memory, and the list itself, back.
  void release();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The instruction set that `find` uses on this machine: "avx512", "avx2" or "baseline".
const char* instruction_set();

}  // namespace mlip
