// The stages one after the other, on any `Machine`:
//
//   machine.for_each(n, stage)           stage(0), ..., stage(n - 1), in any order
//   machine.for_each_in_groups(n, stage) the same, each by a group of threads: stage(i, lanes)
//   machine.sort(work, n_atoms, n_bins)  bin_of_atom and atoms into sorted_bins and sorted_atoms,
//   by
//                                        bin, equal ones left in their order
//   machine.add_up(numbers, n)           each number replaced by the sum of those before it
//
// A GPU is one (list.cu); the tests have others.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "stages.h"

namespace mlip::gpu {

// More threads than a GPU runs at once would only share fewer atoms each.
constexpr int64_t kWrapThreads = 1 << 16;

// Leaves in `work` what `write` needs, and in work.report what was found or wrong.
template <class Machine>
void find(const Input& in, const Arrays& work, Machine& machine) {
  const int64_t n_atoms = in.n_atoms, n_structures = in.structures.n_structures;
  const int64_t n_bins = bins_before(n_atoms, n_structures);
  const int64_t n_threads = n_atoms < kWrapThreads ? n_atoms : kWrapThreads;
  machine.for_each(1, Begin{in, work});
  machine.for_each(n_structures, Reduce{in, work});
  machine.for_each(n_threads, Wrap{in, work, n_threads});
  machine.for_each(n_structures, Complete{in, work});
  machine.for_each(n_atoms, Bin{work});
  machine.sort(work, n_atoms, n_bins);
  machine.for_each(n_bins + 1, Start{work, n_atoms});
  machine.for_each(n_atoms, Gather{work});
  machine.for_each_in_groups(n_atoms, Count{in, work});
  machine.add_up(work.first_pair, n_atoms + 1);
  machine.for_each(1, Finish{work, n_atoms});
}

// Throws std::invalid_argument, as the search on the processor does.
inline void raise_if_failed(const Report& report) {
  if (report.failure == kNoFailure) return;
  const Failure failure = decoded(report.failure);
  const std::string problem = words(failure.problem, failure.which);
  if (failure.problem == Problem::kBorders) throw std::invalid_argument(problem);
  throw std::invalid_argument("structure " + std::to_string(failure.structure) + ": " + problem);
}

// `hits` has room for all pairs.
template <class Machine>
void write(const Input& in, const Arrays& work, Hit* hits, int64_t n_pairs, const PairArrays& out,
           Machine& machine) {
  if (n_pairs == 0) return;
  machine.for_each_in_groups(in.n_atoms, Collect{in, work, hits});
  machine.for_each(n_pairs, Write{work, hits, out});
}

}  // namespace mlip::gpu
