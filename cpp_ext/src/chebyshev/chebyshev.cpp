#include "mlip/chebyshev.h"

#include <cmath>
#include <stdexcept>
#include <vector>

#include "atoms_in_threads.h"
#include "harmonics.h"
#include "kernels.h"
#include "problems.h"

namespace mlip {
namespace {

// A thread is worth waking for about this many edges, a fifth of a millisecond.
constexpr int64_t kEdgesPerThread = 5000;

template <class Real>
void check_species(const Environments<Real>& atoms, int n_species) {
  for (int64_t a = 0; a < atoms.n_atoms; ++a) {
    if (atoms.species[a] < 0 || atoms.species[a] >= n_species) {
      throw std::invalid_argument(unknown_species(a));
    }
  }
}

// The basis in the numbers of the loops.
template <class Real>
class Tables {
 public:
  explicit Tables(const ChebyshevBasis& basis)
      : basis_(basis),
        harmonics_(basis.angular_order),
        weights_(basis.n_sets * basis.n_species),
        legendre_(basis.legendre,
                  basis.legendre + (basis.angular_order + 1) * (basis.angular_order + 1)) {
    for (int set = 0; set < basis.n_sets; ++set) {
      for (int k = 0; k < basis.n_species; ++k) {
        weights_[k * basis.n_sets + set] =
            static_cast<Real>(basis.weights[set * basis.n_species + k]);
      }
    }
  }

  ChebyshevTables<Real> view() const {
    return {basis_.radial_order,
            basis_.angular_order,
            basis_.n_sets,
            {basis_.cutoff_function, basis_.cutoff, 0},
            {basis_.cutoff_function, basis_.angular_cutoff, 0},
            weights_.data(),
            legendre_.data(),
            harmonics_.tables()};
  }

 private:
  const ChebyshevBasis& basis_;
  Harmonics<Real> harmonics_;
  std::vector<Real> weights_, legendre_;
};

// Calls work(kernels, tables, atoms, first, last, most_neighbours, memory) for all atoms, shared
// out among threads.
template <class Real, class Work>
void for_all_atoms(const ChebyshevBasis& basis, const Environments<Real>& atoms, int threads,
                   Work work) {
  check(basis);
  check_species(atoms, basis.n_species);
  const Tables<Real> own(basis);
  const ChebyshevTables<Real> tables = own.view();
  const ChebyshevKernels<Real> kernels = chebyshev_kernels<Real>();
  const int64_t most = most_neighbours(atoms), bytes = kernels.bytes(tables, most);
  const int64_t useful = atoms.first_edge[atoms.n_atoms] / kEdgesPerThread;
  const int64_t bad_edge = in_threads_over_atoms(
      atoms.n_atoms, bytes, useful, threads, [&](int64_t first, int64_t last, char* memory) {
        return work(kernels, tables, atoms, first, last, most, memory);
      });
  if (bad_edge < 0) return;
  const Real* v = atoms.vectors + 3 * bad_edge;
  const bool finite = std::isfinite(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  throw std::invalid_argument(
      not_defined(bad_edge, centre_of(atoms, bad_edge), atoms.neighbours[bad_edge], finite));
}

}  // namespace

template <class Real>
void chebyshev_features(const ChebyshevBasis& basis, const Environments<Real>& atoms, int threads,
                        Real* features) {
  for_all_atoms(basis, atoms, threads, [&](const auto& kernels, const auto&... what) {
    return kernels.features(what..., features);
  });
}

template <class Real>
void chebyshev_gradients(const ChebyshevBasis& basis, const Environments<Real>& atoms, int threads,
                         const Real* by_features, Real* by_vectors) {
  for_all_atoms(basis, atoms, threads, [&](const auto& kernels, const auto&... what) {
    return kernels.gradients(what..., by_features, by_vectors);
  });
}

#define MLIP_CHEBYSHEV(Real)                                                                      \
  template void chebyshev_features(const ChebyshevBasis&, const Environments<Real>&, int, Real*); \
  template void chebyshev_gradients(const ChebyshevBasis&, const Environments<Real>&, int,        \
                                    const Real*, Real*);
MLIP_CHEBYSHEV(float)
MLIP_CHEBYSHEV(double)
#undef MLIP_CHEBYSHEV

}  // namespace mlip
