// Angular functions of one atom, and their derivatives: for each neighbour j, its partners k many
// at once. Partners out of j's reach are left out first, so that what is costly is computed for
// pairs that count.
#pragma once

#include "environment.h"
#include "radial.h"

namespace mlip {
namespace {

// weight f(r) exp(-eta (r - shift)^2) of all neighbours of a range, for each envelope of a group.
template <class Real>
void fill_envelopes(const PlanView& plan, const AngularGroup& group, Range seen,
                    Workspace<Real>& work) {
  for (int32_t e = 0; e < size(group.envelopes); ++e) {
    const Envelope& envelope = plan.envelopes[group.envelopes.first + e];
    Real* values = work.envelope + e * work.stride;
    Real* slopes = work.envelope_slope + e * work.stride;
    for (int32_t k = seen.first; k < seen.last; k += Lanes<Real>::width) {
      const Slope<Real> f =
          weighed<Real>(work, group.first, group.cutoff, k, k + Lanes<Real>::width);
      const Vec<Real> r = load(work.r + k), g = gaussian<Real>(envelope, r);
      const Slope<Real> both = times_gaussian<Real>(f, envelope, r, g);
      store<Real>(values + k, both.value);
      store<Real>(slopes + k, both.derivative);
    }
  }
}

// Collects the partners in [first, last) of neighbour j that are within reach of it; returns how
// many.
template <class Real>
int32_t collect_pairs(const AngularGroup& group, Real radius, int32_t j, Range partners,
                      bool with_slopes, Workspace<Real>& work) {
  constexpr int width = Lanes<Real>::width;
  const Vec<Real> xj = all(work.x[j]), yj = all(work.y[j]), zj = all(work.z[j]);
  const Vec<Real> inverse_j = all(work.inverse_r[j]);
  const Vec<Real> most = all(group.third_side ? radius * radius : Real(1e30));
  const int32_t n_envelopes = size(group.envelopes);
  int32_t n = 0;
  uint32_t* reached = work.reached;
  for (int32_t k = partners.first; k < partners.last; k += width) {
    const Vec<Real> x = load(work.x + k), y = load(work.y + k), z = load(work.z + k);
    const Vec<Real> dx = x - xj, dy = y - yj, dz = z - zj;
    const Vec<Real> square = dx * dx + dy * dy + dz * dz;
    const uint32_t bits = lanes_below(square, most) & first_lanes<Real>(partners.last - k);
    *reached++ = bits;
    if (!bits) continue;
    const Vec<Real> inverse = load(work.inverse_r + k);
    const Vec<Real> cosine = (x * xj + y * yj + z * zj) * (inverse * inverse_j);
    store<Real>(work.cosine + n, gathered(cosine, bits));
    store<Real>(work.square + n, gathered(square, bits));
    for (int32_t e = 0; e < n_envelopes; ++e) {
      const int64_t row = e * work.stride;
      store<Real>(work.pair_envelope + row + n, gathered(load(work.envelope + row + k), bits));
    }
    if (with_slopes) {
      store<Real>(work.inverse + n, gathered(inverse, bits));
      for (int32_t e = 0; e < n_envelopes; ++e) {
        const int64_t row = e * work.stride;
        store<Real>(work.pair_slope + row + n, gathered(load(work.envelope_slope + row + k), bits));
      }
    }
    n += __builtin_popcount(bits);
  }
  // What follows the last pair weighs nothing and is finite.
  store<Real>(work.cosine + n, all<Real>(0));
  store<Real>(work.square + n, all<Real>(radius * radius * Real(0.25)));
  store<Real>(work.inverse + n, all<Real>(0));
  for (int32_t e = 0; e < n_envelopes; ++e) {
    store<Real>(work.pair_envelope + e * work.stride + n, all<Real>(0));
    store<Real>(work.pair_slope + e * work.stride + n, all<Real>(0));
  }
  return n;
}

// f(r_jk) and r_jk of a vector of pairs; both one where a group does not look at the third side.
template <class Real>
inline Slope<Real> third_side(const AngularGroup& group, const Cutoff& cutoff, Vec<Real> square,
                              Vec<Real>& distance) {
  if (!group.third_side) {
    distance = all<Real>(1);
    return {all<Real>(1), all<Real>(0)};
  }
  distance = square_root(square);
  return cutoff_function<Real>(cutoff, distance);
}

inline const Product* products_of(const PlanView& plan, const AngularGroup& group) {
  return plan.products + plan.envelopes[group.envelopes.first].products.first;
}

// Sums of all products of a group over the pairs of neighbour j that were collected.
template <class Real>
void add_pairs(const PlanView& plan, const AngularGroup& group, const Cutoff& cutoff, int32_t j,
               int32_t n, Workspace<Real>& work) {
  constexpr int width = Lanes<Real>::width;
  const int32_t n_powers = size(group.powers);
  const Product* first_product = products_of(plan, group);
  for (int32_t p = 0; p < n; p += width) {
    const Vec<Real> cosine = load(work.cosine + p);
    Vec<Real> distance, powers[kMostFunctions];
    const Slope<Real> f = third_side<Real>(group, cutoff, load(work.square + p), distance);
    for (int32_t q = 0; q < n_powers; ++q) {
      powers[q] = angle_power<Real>(plan.powers[group.powers.first + q], cosine).value;
    }
    for (int32_t e = 0; e < size(group.envelopes); ++e) {
      const Envelope& envelope = plan.envelopes[group.envelopes.first + e];
      const int64_t row = e * work.stride;
      Vec<Real> term = load(work.pair_envelope + row + p) * work.envelope[row + j];
      if (group.third_side) term *= f.value * gaussian<Real>(envelope, distance);
      for (int32_t s = envelope.products.first; s < envelope.products.last; ++s) {
        Real* sum = work.sums + (plan.products + s - first_product) * width;
        store<Real>(sum, load(sum) + term * powers[plan.products[s].power]);
      }
    }
  }
}

// Derivatives of the sum of gradient times function over the collected pairs of neighbour j, with
// v_j and v_k the vectors to both: by v_k it is across v_j + outwards v_k, by v_j it is across v_k
// and something along v_j, which is returned.
template <class Real>
Real differentiate_pairs(const PlanView& plan, const AngularGroup& group, const Cutoff& cutoff,
                         int32_t j, int32_t n, const Real* gradient, Workspace<Real>& work) {
  const int32_t n_powers = size(group.powers), n_envelopes = size(group.envelopes);
  const Vec<Real> inverse_j = all(work.inverse_r[j]);
  Vec<Real> along = all<Real>(0), by_envelope[kMostFunctions];
  for (int32_t e = 0; e < n_envelopes; ++e) by_envelope[e] = all<Real>(0);
  for (int32_t p = 0; p < n; p += Lanes<Real>::width) {
    const Vec<Real> cosine = load(work.cosine + p), inverse = load(work.inverse + p);
    Vec<Real> distance;
    const Slope<Real> f = third_side<Real>(group, cutoff, load(work.square + p), distance);
    Slope<Real> powers[kMostFunctions];
    for (int32_t q = 0; q < n_powers; ++q) {
      powers[q] = angle_power<Real>(plan.powers[group.powers.first + q], cosine);
    }
    Vec<Real> by_cosine = all<Real>(0), by_distance = by_cosine, by_r = by_cosine;
    for (int32_t e = 0; e < n_envelopes; ++e) {
      const Envelope& envelope = plan.envelopes[group.envelopes.first + e];
      Vec<Real> value = all<Real>(0), slope = value;
      for (int32_t s = envelope.products.first; s < envelope.products.last; ++s) {
        const Real g = gradient[plan.products[s].column];
        value += powers[plan.products[s].power].value * g;
        slope += powers[plan.products[s].power].derivative * g;
      }
      const int64_t row = e * work.stride;
      const Vec<Real> own = load(work.pair_envelope + row + p);
      const Vec<Real> both = own * work.envelope[row + j];
      if (group.third_side) {
        const Vec<Real> g = gaussian<Real>(envelope, distance);
        const Slope<Real> third = times_gaussian<Real>(f, envelope, distance, g);
        by_distance += both * value * third.derivative;
        value *= third.value;
        slope *= third.value;
      }
      by_cosine += both * slope;
      by_r += load(work.pair_slope + row + p) * work.envelope[row + j] * value;
      by_envelope[e] += own * value;
    }
    by_distance /= distance;
    const Vec<Real> turn = by_cosine * cosine;
    store<Real>(work.across + p, by_cosine * inverse * inverse_j - by_distance);
    store<Real>(work.outwards + p, by_distance + (by_r - turn * inverse) * inverse);
    along += by_distance - turn * inverse_j * inverse_j;
  }
  for (int32_t e = 0; e < n_envelopes; ++e) {
    along += by_envelope[e] * (work.envelope_slope[e * work.stride + j] * work.inverse_r[j]);
  }
  return sum(along);
}

// Hands what was found for the collected pairs of neighbour j to it and to its partners.
template <class Real>
void spread_pairs(int32_t j, Range partners, Real along, Workspace<Real>& work) {
  constexpr int width = Lanes<Real>::width;
  const Vec<Real> xj = all(work.x[j]), yj = all(work.y[j]), zj = all(work.z[j]);
  Vec<Real> x = all<Real>(0), y = x, z = x;
  int32_t n = 0;
  const uint32_t* reached = work.reached;
  for (int32_t k = partners.first; k < partners.last; k += width) {
    const uint32_t bits = *reached++;
    if (!bits) continue;
    const Vec<Real> across = spread(load(work.across + n), bits);
    const Vec<Real> outwards = spread(load(work.outwards + n), bits);
    n += __builtin_popcount(bits);
    store<Real>(work.by_x + k, load(work.by_x + k) + across * xj);
    store<Real>(work.by_y + k, load(work.by_y + k) + across * yj);
    store<Real>(work.by_z + k, load(work.by_z + k) + across * zj);
    store<Real>(work.along + k, load(work.along + k) + outwards);
    x += across * load(work.x + k);
    y += across * load(work.y + k);
    z += across * load(work.z + k);
  }
  work.by_x[j] += sum(x);
  work.by_y[j] += sum(y);
  work.by_z[j] += sum(z);
  work.along[j] += along;
}

// Calls pairs(j, partners) for each neighbour j of a group that counts, and its partners.
template <class Real, class Work>
inline void for_each_partner(const AngularGroup& group, const Neighbours<Real>& found,
                             const Workspace<Real>& work, Work pairs) {
  Range ones = found.in_sight(group.first, group.cutoff);
  Range others = found.in_sight(group.second, group.cutoff);
  const bool same = group.first == group.second;
  if (size(ones) > size(others)) {  // long rows of partners fill vectors better
    const Range more = ones;
    ones = others;
    others = more;
  }
  for (int32_t j = ones.first; j < ones.last; ++j) {
    const Range partners = {same ? j + 1 : others.first, others.last};
    const bool seen = work.cutoff[group.cutoff * work.stride + j] != 0;
    if (seen && partners.first < partners.last) pairs(j, partners);
  }
}

template <class Real>
void prepare_angular(const PlanView& plan, const AngularGroup& group, const Neighbours<Real>& found,
                     Workspace<Real>& work) {
  fill_envelopes(plan, group, found.in_sight(group.first, group.cutoff), work);
  if (group.first != group.second) {
    fill_envelopes(plan, group, found.in_sight(group.second, group.cutoff), work);
  }
}

template <class Real>
void add_angular(const PlanView& plan, const AngularGroup& group, const Neighbours<Real>& found,
                 Workspace<Real>& work, Real* features) {
  constexpr int width = Lanes<Real>::width;
  const Cutoff& cutoff = found.cutoffs[group.cutoff];
  const Product* product = products_of(plan, group);
  const int32_t n_products = plan.envelopes[group.envelopes.last - 1].products.last -
                             plan.envelopes[group.envelopes.first].products.first;
  prepare_angular(plan, group, found, work);
  for (int32_t s = 0; s < n_products; ++s) store<Real>(work.sums + s * width, all<Real>(0));
  for_each_partner(group, found, work, [&](int32_t j, Range partners) {
    const int32_t n = collect_pairs(group, Real(cutoff.radius), j, partners, false, work);
    add_pairs(plan, group, cutoff, j, n, work);
  });
  for (int32_t s = 0; s < n_products; ++s) {
    features[product[s].column] += 2 * sum(load(work.sums + s * width));
  }
}

// `twice` is the gradient by the features, times two.
template <class Real>
void differentiate_angular(const PlanView& plan, const AngularGroup& group,
                           const Neighbours<Real>& found, const Real* twice,
                           Workspace<Real>& work) {
  const Cutoff& cutoff = found.cutoffs[group.cutoff];
  prepare_angular(plan, group, found, work);
  for_each_partner(group, found, work, [&](int32_t j, Range partners) {
    const int32_t n = collect_pairs(group, Real(cutoff.radius), j, partners, true, work);
    const Real along = differentiate_pairs(plan, group, cutoff, j, n, twice, work);
    spread_pairs(j, partners, along, work);
  });
}

}  // namespace
}  // namespace mlip
