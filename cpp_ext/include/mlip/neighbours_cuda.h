// The neighbour list of neighbours.h on a GPU: the same pairs from arrays in its memory.
//
// Plain C++17 and the CUDA runtime: no torch, no Python, no global state, and no memory of its own.
// The caller gives a workspace of a size that follows from the numbers of atoms and structures. All
// work is queued on the caller's stream of the device that is current; `find` waits for it once, to
// learn the number of pairs.
//
//   mlip::cuda::Search search = {structures, n_atoms, 6.0, nullptr, stream};
//   cudaMalloc(&search.workspace, mlip::cuda::workspace_bytes(n_atoms, structures.n_structures));
//   const int64_t n = mlip::cuda::find(search);
//   ... room in the GPU's memory for n pairs, and scratch_bytes(n) of scratch ...
//   mlip::cuda::write(search, n, scratch, {centres, neighbours, shifts, nullptr, nullptr});
#pragma once

#include <cstdint>

#include "mlip/neighbours.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Borrowed throughout, and unchanged between `find` and `write`.
struct Search {
  Structures structures;  // its arrays, first_atom too, in the memory of the GPU
  int64_t n_atoms;        // what first_atom[n_structures] is, known without looking there
  double cutoff;          // Å
  void* workspace;        // workspace_bytes(...) of the GPU's memory, aligned to 256 bytes
  CUstream_st* stream;
};

// Bytes that a search needs to work in: some 150 for each atom, whatever the cell and wherever the
// atoms are. Throws std::invalid_argument if there are more than 2^29 atoms or structures.
int64_t workspace_bytes(int64_t n_atoms, int64_t n_structures);

// Finds all pairs and returns how many there are. Throws what NeighbourList::find throws, with the
// same words, also if first_atom does not rise from 0 to n_atoms; std::runtime_error if the GPU
// fails. The pairs are those of NeighbourList::find.
int64_t find(const Search& search);

// Bytes that writing so many pairs needs besides: 20 for each.
int64_t scratch_bytes(int64_t n_pairs);

// Queues the writing of the `n_pairs` that `find` found, in canonical order: by centre, then
// neighbour, then shift, its first component first. The arrays and the scratch memory are in the
// GPU's; null pointers mean that a quantity is not wanted.
void write(const Search& search, int64_t n_pairs, void* scratch, const PairArrays& out);

// Why device number `device` cannot run this, or null if it can.
const char* problem_with(int device);

}  // namespace mlip::cuda
