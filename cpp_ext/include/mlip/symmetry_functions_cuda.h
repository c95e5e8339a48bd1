// Symmetry functions of symmetry_functions.h on a GPU: the same features and derivatives, to
// rounding, from arrays in its memory.
//
// As soap_cuda.h works with memory, streams and order; `look_at` is what waits for the stream, and
// learns how many neighbours there are.
//
//   mlip::cuda::SymmetryFunctions functions(listed, {0, 1}, {1.0, 8.0}, shape);
//   ... tables_bytes() of the GPU's memory for `tables`
//   const auto rooms = functions.look_at(atoms, false, tables, stream);
//   ... rooms.bytes of it for `workspace`
//   functions.evaluate(atoms, n_features, features, rooms, tables, workspace, stream);
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mlip/environments.h"
#include "mlip/symmetry_functions.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace mlip::cuda {

// Where atoms are treated, one in each room.
struct Rooms {
  int most_neighbours;
  int64_t number, bytes_each, bytes;
};

class SymmetryFunctions {
 public:
  // As mlip::SymmetryFunctions; two functions of a list may not have the same column.
  SymmetryFunctions(const std::vector<SymmetryFunction>& functions,
                    const std::vector<int32_t>& list_of_species, const std::vector<double>& weights,
                    CutoffShape cutoff);
  ~SymmetryFunctions();
  SymmetryFunctions(const SymmetryFunctions&) = delete;
  SymmetryFunctions& operator=(const SymmetryFunctions&) = delete;

  int64_t tables_bytes() const;

  // Carries the tables over and looks at the atoms, whose arrays are in the memory of the GPU;
  // `back` says whether it is for `differentiate`. Throws what the processor would, with the same
  // words; std::runtime_error if the GPU fails. The rooms take a gigabyte at most, unless one alone
  // takes more.
  template <class Real>
  Rooms look_at(const EdgesByCentre<Real>& edges, bool back, void* tables,
                CUstream_st* stream) const;

  // As those of mlip::SymmetryFunctions, in the rooms that were looked for.
  template <class Real>
  void evaluate(const EdgesByCentre<Real>& edges, int64_t n_features, Real* features,
                const Rooms& rooms, void* tables, void* workspace, CUstream_st* stream) const;
  template <class Real>
  void differentiate(const EdgesByCentre<Real>& edges, int64_t n_features, const Real* gradient,
                     Real* by_vector, const Rooms& rooms, void* tables, void* workspace,
                     CUstream_st* stream) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

}  // namespace mlip::cuda
