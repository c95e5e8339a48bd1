// The neighbours of one atom, sorted by species and distance class so that those that a group of
// functions sees lie side by side, and the working memory of one thread.
#pragma once

#include "lane_moves.h"
#include "lanes.h"

#include "formulas.h"
#include "plan.h"

namespace mlip {
namespace {

// Working memory. Arrays of numbers have room for the neighbours of the most crowded atom and two
// vectors more, `stride` in all; those of several quantities have one stride for each.
template <class Real>
struct Workspace {
  int64_t stride;
  int64_t* edge;   // of each neighbour
  int32_t* bin;    // of each edge
  int32_t* start;  // of each bin
  Real *x, *y, *z, *r, *inverse_r, *weight;
  Real *cutoff, *cutoff_slope;      // [cutoffs of the list]
  Real *envelope, *envelope_slope;  // [envelopes of a group]
  Real *by_x, *by_y, *by_z;         // derivatives by the vector to a neighbour: these ...
  Real* along;                      // ... and this times the vector
  // Pairs of one neighbour with others, those in reach side by side.
  Real *cosine, *square, *inverse, *pair_envelope, *pair_slope;
  Real *across, *outwards;
  uint32_t* reached;  // which of each vector of partners
  Real* sums;         // [terms of a group] vectors
  Real* twice;        // [n_features]
};

template <class Real>
struct Neighbours {
  const FunctionList* list;
  const Cutoff* cutoffs;
  int32_t n_cutoffs, n;
  const int32_t* start;

  // Those that see species `sees` (all with -1) within a cutoff of the list.
  Range in_sight(int32_t sees, int32_t cutoff) const {
    if (sees < 0) return {0, n};
    return {start[sees * n_cutoffs], start[sees * n_cutoffs + cutoff + 1]};
  }
};

// Bin of an edge: species and, within it, how many cutoffs the neighbour is beyond; -1 beyond all.
template <class Real>
inline int32_t bin_of(const Cutoff* cutoffs, int32_t n_cutoffs, Real r, int64_t species) {
  int32_t beyond = 0;
  while (beyond < n_cutoffs && !(r < Real(cutoffs[beyond].radius))) ++beyond;
  return beyond == n_cutoffs ? -1 : static_cast<int32_t>(species) * n_cutoffs + beyond;
}

// Sorts the edges of an atom into bins; returns the first edge that is too short or not finite, or
// -1.
template <class Real>
int64_t sort_edges(const PlanView& plan, const Environments<Real>& all_atoms, int64_t atom,
                   Neighbours<Real>& found, Workspace<Real>& work) {
  const int64_t first = all_atoms.first_edge[atom], last = all_atoms.first_edge[atom + 1];
  const int32_t n_bins = plan.n_species * found.n_cutoffs;
  for (int32_t b = 0; b <= n_bins + 1; ++b) work.start[b] = 0;
  for (int64_t e = first; e < last; ++e) {
    const Real* v = all_atoms.vectors + 3 * e;
    const Real square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    if (!(square >= Real(kClosest * kClosest) && square < Real(__builtin_inf()))) return e;
    const Real r = sizeof(Real) == 8 ? Real(__builtin_sqrt(square)) : __builtin_sqrtf(square);
    const int32_t bin =
        bin_of(found.cutoffs, found.n_cutoffs, r, all_atoms.species[all_atoms.neighbours[e]]);
    work.bin[e - first] = bin;
    if (bin >= 0) ++work.start[bin + 2];
  }
  for (int32_t b = 0; b < n_bins; ++b) work.start[b + 2] += work.start[b + 1];
  for (int64_t e = first; e < last; ++e) {
    const int32_t bin = work.bin[e - first];
    if (bin >= 0) work.edge[work.start[bin + 1]++] = e;
  }
  found.n = work.start[n_bins];
  found.start = work.start;
  return -1;
}

// Fills x, y, z, r, weights and cutoff functions; beyond the last neighbour everything is finite
// and weighs nothing.
template <class Real>
void fill(const PlanView& plan, const Environments<Real>& all_atoms, const Neighbours<Real>& found,
          Workspace<Real>& work) {
  constexpr int width = Lanes<Real>::width;
  for (int32_t k = 0; k < found.n; ++k) {
    const Real* v = all_atoms.vectors + 3 * work.edge[k];
    work.x[k] = v[0];
    work.y[k] = v[1];
    work.z[k] = v[2];
    work.weight[k] = Real(plan.weights[all_atoms.species[all_atoms.neighbours[work.edge[k]]]]);
  }
  const Real far = found.n_cutoffs ? Real(found.cutoffs[found.n_cutoffs - 1].radius) : Real(1);
  for (int32_t k = found.n; k < found.n + 2 * width; ++k) {
    work.x[k] = far;
    work.y[k] = work.z[k] = work.weight[k] = 0;
  }
  for (int32_t k = 0; k < found.n + width; k += width) {
    const Vec<Real> x = load(work.x + k), y = load(work.y + k), z = load(work.z + k);
    const Vec<Real> r = square_root(x * x + y * y + z * z);
    store<Real>(work.r + k, r);
    store<Real>(work.inverse_r + k, 1 / r);
    for (int32_t c = 0; c < found.n_cutoffs; ++c) {
      const Slope<Real> f = cutoff_function<Real>(found.cutoffs[c], r);
      store<Real>(work.cutoff + c * work.stride + k, f.value);
      store<Real>(work.cutoff_slope + c * work.stride + k, f.derivative);
    }
  }
}

}  // namespace
}  // namespace mlip
