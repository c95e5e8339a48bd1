// Radial functions of one atom, and their derivatives.
#pragma once

#include "environment.h"

namespace mlip {
namespace {

// The cutoff function that a group of functions sees of the neighbours from k on, before `last`.
template <class Real>
inline Slope<Real> weighed(const Workspace<Real>& work, int32_t sees, int32_t cutoff, int32_t k,
                           int32_t last) {
  Vec<Real> f = load(work.cutoff + cutoff * work.stride + k);
  Vec<Real> slope = load(work.cutoff_slope + cutoff * work.stride + k);
  if (sees < 0) {
    const Vec<Real> weight = load(work.weight + k);
    f *= weight;
    slope *= weight;
  }
  return {only_first<Real>(f, last - k), only_first<Real>(slope, last - k)};
}

template <class Real>
void add_radial(const PlanView& plan, const RadialGroup& group, const Neighbours<Real>& found,
                Workspace<Real>& work, Real* features) {
  constexpr int width = Lanes<Real>::width;
  const Range seen = found.in_sight(group.sees, group.cutoff);
  const RadialTerm* terms = plan.terms + group.terms.first;
  const int32_t n = size(group.terms);
  for (int32_t t = 0; t < n; ++t) store<Real>(work.sums + t * width, all<Real>(0));
  for (int32_t k = seen.first; k < seen.last; k += width) {
    const Vec<Real> f = weighed<Real>(work, group.sees, group.cutoff, k, seen.last).value;
    const Vec<Real> r = load(work.r + k);
    for (int32_t t = 0; t < n; ++t) {
      Real* sum = work.sums + t * width;
      store<Real>(sum, load(sum) + f * gaussian<Real>(terms[t], r));
    }
  }
  for (int32_t t = 0; t < n; ++t) features[terms[t].column] += sum(load(work.sums + t * width));
}

// Adds to work.along what a neighbour's distance means to the group.
template <class Real>
void differentiate_radial(const PlanView& plan, const RadialGroup& group,
                          const Neighbours<Real>& found, const Real* gradient,
                          Workspace<Real>& work) {
  constexpr int width = Lanes<Real>::width;
  const Range seen = found.in_sight(group.sees, group.cutoff);
  const RadialTerm* terms = plan.terms + group.terms.first;
  for (int32_t k = seen.first; k < seen.last; k += width) {
    const Slope<Real> f = weighed<Real>(work, group.sees, group.cutoff, k, seen.last);
    const Vec<Real> r = load(work.r + k);
    Vec<Real> by_r = all<Real>(0);
    for (int32_t t = 0; t < size(group.terms); ++t) {
      const Vec<Real> g = gaussian<Real>(terms[t], r);
      by_r += times_gaussian<Real>(f, terms[t], r, g).derivative * gradient[terms[t].column];
    }
    store<Real>(work.along + k, load(work.along + k) + by_r * load(work.inverse_r + k));
  }
}

}  // namespace
}  // namespace mlip
