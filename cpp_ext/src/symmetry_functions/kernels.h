// The hot loops: symmetry functions of some atoms. One copy for each instruction set; `kernels_for`
// tells when the program runs which of them the machine can run, the fastest first.
#pragma once

#include <cstdint>

#include "plan.h"

namespace mlip {

// The most of everything that any atom needs: what working memory must have room for.
struct Sizes {
  int64_t neighbours;
  int32_t bins, cutoffs, envelopes, terms;
  int64_t features;
};

// Both treat atoms [first, last) in memory of `bytes` that starts at a multiple of 64, and return
// the first edge that is shorter than kClosest, or -1.
template <class Real>
struct Kernels {
  int64_t (*bytes)(const Sizes& sizes);
  int64_t (*evaluate)(const PlanView& plan, const Environments<Real>& environments, int64_t first,
                      int64_t last, int64_t n_features, Real* features, const Sizes& sizes,
                      char* memory);
  int64_t (*differentiate)(const PlanView& plan, const Environments<Real>& environments,
                           int64_t first, int64_t last, int64_t n_features, const Real* gradient,
                           Real* by_vector, const Sizes& sizes, char* memory);
};

struct NamedKernels {
  const char* name;
  Kernels<double> doubles;
  Kernels<float> floats;
};

constexpr int kMostKernels = 3;

// How many there are; writes them into an array of kMostKernels.
int kernels_for_this_machine(NamedKernels* all);

NamedKernels baseline_kernels();
#ifdef MLIP_X86
NamedKernels avx2_kernels();
NamedKernels avx512_kernels();
#endif

}  // namespace mlip
