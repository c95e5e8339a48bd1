#include "lattice.h"

#include "reduction.h"

namespace mlip {

Lattice reduced_lattice(const double cell[9], const bool periodic[3]) {
  Lattice lattice;
  const Reduction done = reduce(cell, periodic, lattice);
  if (done.problem != Problem::kNone) raise(done.problem, done.which);
  return lattice;
}

}  // namespace mlip
