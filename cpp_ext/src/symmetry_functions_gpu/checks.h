// What is wrong with atoms, and how much room the most crowded one needs.
#pragma once

#include <cstdint>

#include "gpu/check_atoms.h"
#include "gpu/count_before.h"
#include "mlip/symmetry_functions.h"
#include "symmetry_functions/problems.h"

namespace mlip::gpu {

struct AtomsReport {
  uint64_t failure;          // the least of those words, or kNoFailure
  uint64_t most_neighbours;  // of any atom
};

// For each atom, then each edge.
template <class Real>
struct LookAtAtoms {
  EdgesByCentre<Real> all;
  int64_t n_species;
  AtomsReport* report;

  MLIP_BOTH void operator()(int64_t i) const {
    const Real least_square = Real(kClosest * kClosest);
    CheckAtoms<Real>{all, n_species, least_square, &report->failure}(i);
    if (i >= all.n_atoms) return;
    const int64_t n = edges_before(i + 1) - edges_before(i);
    raise_to(&report->most_neighbours, static_cast<uint64_t>(n < 0 ? 0 : n));
  }

  MLIP_BOTH int64_t edges_before(int64_t atom) const {
    return count_before(all.centres, all.n_edges, atom);
  }
};

// Throws std::invalid_argument, as on the processor.
template <class Real, class ValueAt>
void raise_if_failed(const AtomsReport& report, const EdgesByCentre<Real>& all, ValueAt value_at) {
  raise_if_failed(report.failure, kSymmetryFunctions, all, value_at, too_close_or_far);
}

}  // namespace mlip::gpu
