// Features of atoms one after the other, and the way back; instantiated by the files for each
// instruction set.
#pragma once

#include "angular.h"
#include "kernels.h"
#include "radial.h"
#include "working_memory.h"

namespace mlip {
namespace {

// Lays a workspace out in memory that starts at a multiple of 64; returns how much it takes.
template <class Real>
int64_t lay_out(const Sizes& sizes, char* memory, Workspace<Real>& work) {
  char* const begin = memory;
  const int64_t stride = (sizes.neighbours + 4 * Lanes<Real>::width) / 16 * 16 + 16;
  work.stride = stride;
  work.edge = take<int64_t>(memory, sizes.neighbours);
  work.bin = take<int32_t>(memory, sizes.neighbours);
  work.start = take<int32_t>(memory, sizes.bins + 2);
  work.reached = take<uint32_t>(memory, stride);
  for (Real** one : {&work.x, &work.y, &work.z, &work.r, &work.inverse_r, &work.weight, &work.by_x,
                     &work.by_y, &work.by_z, &work.along, &work.cosine, &work.square, &work.inverse,
                     &work.across, &work.outwards}) {
    *one = take<Real>(memory, stride);
  }
  for (Real** one : {&work.cutoff, &work.cutoff_slope}) {
    *one = take<Real>(memory, stride * sizes.cutoffs);
  }
  for (Real** one : {&work.envelope, &work.envelope_slope, &work.pair_envelope, &work.pair_slope}) {
    *one = take<Real>(memory, stride * sizes.envelopes);
  }
  work.sums = take<Real>(memory, static_cast<int64_t>(sizes.terms) * Lanes<Real>::width);
  work.twice = take<Real>(memory, sizes.features);
  return memory - begin;
}

template <class Real>
int64_t bytes(const Sizes& sizes) {
  Workspace<Real> work;
  return lay_out<Real>(sizes, nullptr, work);
}

// The neighbours of an atom, ready; or the edge that is too short.
template <class Real>
int64_t look_around(const PlanView& plan, const Environments<Real>& all_atoms, int64_t atom,
                    Neighbours<Real>& found, Workspace<Real>& work) {
  found.list = plan.lists + plan.list_of_species[all_atoms.species[atom]];
  found.cutoffs = plan.cutoffs + found.list->cutoffs.first;
  found.n_cutoffs = size(found.list->cutoffs);
  const int64_t too_short = sort_edges(plan, all_atoms, atom, found, work);
  if (too_short < 0) fill(plan, all_atoms, found, work);
  return too_short;
}

template <class Real>
int64_t evaluate_atoms(const PlanView& plan, const Environments<Real>& all_atoms, int64_t first,
                       int64_t last, int64_t n_features, Real* features, const Sizes& sizes,
                       char* memory) {
  Workspace<Real> work;
  lay_out<Real>(sizes, memory, work);
  for (int64_t atom = first; atom < last; ++atom) {
    Neighbours<Real> found;
    const int64_t too_short = look_around(plan, all_atoms, atom, found, work);
    if (too_short >= 0) return too_short;
    Real* own = features + atom * n_features;
    for (int64_t c = 0; c < n_features; ++c) own[c] = 0;
    for (int32_t g = found.list->radial.first; g < found.list->radial.last; ++g) {
      add_radial(plan, plan.radial[g], found, work, own);
    }
    for (int32_t g = found.list->angular.first; g < found.list->angular.last; ++g) {
      add_angular(plan, plan.angular[g], found, work, own);
    }
  }
  return -1;
}

template <class Real>
void write_derivatives(const Environments<Real>& all_atoms, int64_t atom,
                       const Neighbours<Real>& found, const Workspace<Real>& work,
                       Real* by_vector) {
  for (int64_t c = 3 * all_atoms.first_edge[atom]; c < 3 * all_atoms.first_edge[atom + 1]; ++c) {
    by_vector[c] = 0;
  }
  for (int32_t k = 0; k < found.n; ++k) {
    Real* out = by_vector + 3 * work.edge[k];
    out[0] = work.by_x[k] + work.along[k] * work.x[k];
    out[1] = work.by_y[k] + work.along[k] * work.y[k];
    out[2] = work.by_z[k] + work.along[k] * work.z[k];
  }
}

template <class Real>
int64_t differentiate_atoms(const PlanView& plan, const Environments<Real>& all_atoms,
                            int64_t first, int64_t last, int64_t n_features, const Real* gradient,
                            Real* by_vector, const Sizes& sizes, char* memory) {
  Workspace<Real> work;
  lay_out<Real>(sizes, memory, work);
  for (int64_t atom = first; atom < last; ++atom) {
    Neighbours<Real> found;
    const int64_t too_short = look_around(plan, all_atoms, atom, found, work);
    if (too_short >= 0) return too_short;
    const Real* own = gradient + atom * n_features;
    for (int64_t c = 0; c < n_features; ++c) work.twice[c] = 2 * own[c];
    for (Real* by : {work.by_x, work.by_y, work.by_z, work.along}) {
      for (int32_t k = 0; k < found.n + Lanes<Real>::width; ++k) by[k] = 0;
    }
    for (int32_t g = found.list->radial.first; g < found.list->radial.last; ++g) {
      differentiate_radial(plan, plan.radial[g], found, own, work);
    }
    for (int32_t g = found.list->angular.first; g < found.list->angular.last; ++g) {
      differentiate_angular(plan, plan.angular[g], found, work.twice, work);
    }
    write_derivatives(all_atoms, atom, found, work, by_vector);
  }
  return -1;
}

template <class Real>
Kernels<Real> kernels() {
  return {bytes<Real>, evaluate_atoms<Real>, differentiate_atoms<Real>};
}

}  // namespace
}  // namespace mlip
