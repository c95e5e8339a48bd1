// The hot loops themselves: neighbours lie along the lanes of vector registers. Included once in
// each kernels_*.cpp.
#pragma once

#include "neighbourhood.h"

#include "formulas.h"

namespace mlip {
namespace {

// Harmonics of the neighbours in one vector.
template <class Real>
struct HarmonicsOfSome {
  Real* at;
  Vec<Real> load(int lm) const { return mlip::load(at + Lanes<Real>::width * lm); }
  void store(int lm, Vec<Real> v) const { mlip::store<Real>(at + Lanes<Real>::width * lm, v); }
};

template <class Real>
HarmonicsOfSome<Real> harmonics_from(const ChebyshevTables<Real>& tables, const Room<Real>& room,
                                     int64_t k) {
  const HarmonicsOfSome<Real> y = {room.harmonics};
  recursion(tables.harmonics, load(room.x + k), load(room.y + k), load(room.z + k), y);
  return y;
}

// ---------------------------------------------------------------------------------------- forwards

template <class Real>
void clear(Real* sums, int64_t count) {
  for (int64_t i = 0; i < count * Lanes<Real>::width; ++i) sums[i] = 0;
}

template <class Real>
inline void add(Real* sum, Vec<Real> what) {
  store<Real>(sum, load(sum) + what);
}

template <class Real>
void sum_radial(const ChebyshevTables<Real>& tables, int64_t n, const Room<Real>& room) {
  constexpr int width = Lanes<Real>::width;
  const int64_t terms = tables.radial_order + 1;
  clear(room.radial_sums, tables.n_sets * terms);
  for (int64_t k = 0; k < n; k += width) {
    const Vec<Real> r = load(room.r + k), f = cutoff_function<Real>(tables.radial, r).value;
    for (int s = 0; s < tables.n_sets; ++s) {
      const Vec<Real> weight = f * load(room.weights + s * room.stride + k);
      Real* const sums = room.radial_sums + s * terms * width;
      polynomials<Real>(tables.radial_order, twice_place<Real>(tables.radial, r), weight,
                        [&](int a, Vec<Real> term) { add<Real>(sums + a * width, term); });
    }
  }
}

template <class Real>
void sum_moments(const ChebyshevTables<Real>& tables, int64_t n, const Room<Real>& room) {
  constexpr int width = Lanes<Real>::width;
  const int64_t harmonics = n_harmonics(tables);
  clear(room.moment_sums, tables.n_sets * harmonics);
  clear(room.alone_sums, tables.n_sets);
  for (int64_t k = 0; k < n; k += width) {
    const Vec<Real> f = cutoff_function<Real>(tables.angular, load(room.r + k)).value;
    const HarmonicsOfSome<Real> y = harmonics_from(tables, room, k);
    for (int s = 0; s < tables.n_sets; ++s) {
      const Vec<Real> weight = f * load(room.weights + s * room.stride + k);
      add<Real>(room.alone_sums + s * width, weight * weight);
      Real* const sums = room.moment_sums + s * harmonics * width;
      for (int64_t lm = 0; lm < harmonics; ++lm) {
        add<Real>(sums + lm * width, weight * y.load(static_cast<int>(lm)));
      }
    }
  }
}

// Moments of one set.
template <class Real>
void add_up_moments(const ChebyshevTables<Real>& tables, int set, const Room<Real>& room) {
  constexpr int width = Lanes<Real>::width;
  const int64_t harmonics = n_harmonics(tables);
  const Real* const sums = room.moment_sums + set * harmonics * width;
  for (int64_t lm = 0; lm < harmonics; ++lm) room.moments[lm] = sum(load(sums + lm * width));
}

template <class Real>
void write_angular(const ChebyshevTables<Real>& tables, int set, const Room<Real>& room,
                   Real* features) {
  const int terms = tables.angular_order + 1;
  add_up_moments(tables, set, room);
  const Real alone = sum(load(room.alone_sums + set * Lanes<Real>::width));
  for (int a = 0; a < terms; ++a) features[a] = 0;
  for (int l = 0; l < terms; ++l) {
    const Real pairs = sum_over_pairs(l, room.moments, alone);
    for (int a = l; a < terms; ++a) features[a] += pairs * tables.legendre[l * terms + a];
  }
}

template <class Real>
int64_t features_of_atoms(const ChebyshevTables<Real>& tables, const Environments<Real>& atoms,
                          int64_t first, int64_t last, int64_t most_neighbours, char* memory,
                          Real* features) {
  constexpr int width = Lanes<Real>::width;
  const int radial_terms = tables.radial_order + 1, of_set = features_of_set(tables);
  Room<Real> room;
  lay_out(tables, most_neighbours, memory, room);
  for (int64_t atom = first; atom < last; ++atom) {
    Counts n;
    const int64_t bad_edge = find_neighbours(tables, atoms, atom, room, n);
    if (bad_edge >= 0) return bad_edge;
    look_at(tables, atoms, n.all, room);
    sum_radial(tables, n.all, room);
    sum_moments(tables, n.angular, room);
    for (int s = 0; s < tables.n_sets; ++s) {
      Real* const own = features + (atom * tables.n_sets + s) * of_set;
      const Real* const sums = room.radial_sums + s * radial_terms * width;
      for (int a = 0; a < radial_terms; ++a) own[a] = sum(load(sums + a * width));
      write_angular(tables, s, room, own + radial_terms);
    }
  }
  return -1;
}

// --------------------------------------------------------------------------------------- backwards

// From dE/d(angular features) of one set of weights: dE/d(moment).
template <class Real>
void write_by_moments(const ChebyshevTables<Real>& tables, int set, const Real* by_features,
                      const Room<Real>& room) {
  const int terms = tables.angular_order + 1;
  Real* const by_moments = room.by_moments + set * n_harmonics(tables);
  add_up_moments(tables, set, room);
  room.by_alone[set] = 0;
  for (int l = 0; l < terms; ++l) {
    const Real by_pairs = by_sum_over_pairs(tables, l, by_features);
    room.by_alone[set] -= by_pairs / 2;
    const Real factor = 2 * by_square<Real>(l) * by_pairs;
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) by_moments[lm] = factor * room.moments[lm];
  }
}

template <class Real>
void write_gradients(const Environments<Real>& atoms, int64_t atom, int64_t n,
                     const Room<Real>& room, Real* by_vectors) {
  for (int64_t c = 3 * atoms.first_edge[atom]; c < 3 * atoms.first_edge[atom + 1]; ++c) {
    by_vectors[c] = 0;
  }
  for (int64_t k = 0; k < n; ++k) {
    Real* const out = by_vectors + 3 * room.edge[k];
    out[0] = room.by_x[k];
    out[1] = room.by_y[k];
    out[2] = room.by_z[k];
  }
}

template <class Real>
int64_t gradients_of_atoms(const ChebyshevTables<Real>& tables, const Environments<Real>& atoms,
                           int64_t first, int64_t last, int64_t most_neighbours, char* memory,
                           const Real* by_features, Real* by_vectors) {
  const int radial_terms = tables.radial_order + 1, of_set = features_of_set(tables);
  Room<Real> room;
  lay_out(tables, most_neighbours, memory, room);
  for (int64_t atom = first; atom < last; ++atom) {
    Counts n;
    const int64_t bad_edge = find_neighbours(tables, atoms, atom, room, n);
    if (bad_edge >= 0) return bad_edge;
    look_at(tables, atoms, n.all, room);
    sum_moments(tables, n.angular, room);
    const Real* const own = by_features + atom * tables.n_sets * of_set;
    for (int s = 0; s < tables.n_sets; ++s) {
      write_by_moments(tables, s, own + s * of_set + radial_terms, room);
    }
    for (int64_t k = 0; k < n.all; k += Lanes<Real>::width) {
      const Vec<Real> u[3] = {load(room.x + k), load(room.y + k), load(room.z + k)};
      const Vec<Real> r = load(room.r + k);
      const auto weight = [&](int set) { return load(room.weights + set * room.stride + k); };
      Vec<Real> by_r = radial_gradient(tables, own, r, weight), by[3] = {}, out[3];
      if (k < n.angular) {
        angular_gradient(tables, room.by_alone, room.by_moments, r, u, weight, by_r, by);
      }
      join_gradient(by_r, by, u, load(room.inverse_r + k), out);
      store<Real>(room.by_x + k, out[0]);
      store<Real>(room.by_y + k, out[1]);
      store<Real>(room.by_z + k, out[2]);
    }
    write_gradients(atoms, atom, n.all, room, by_vectors);
  }
  return -1;
}

template <class Real>
int64_t bytes(const ChebyshevTables<Real>& tables, int64_t most_neighbours) {
  Room<Real> room;
  return lay_out<Real>(tables, most_neighbours, nullptr, room);
}

template <class Real>
ChebyshevKernels<Real> all_kernels(const char* name) {
  return {name, bytes<Real>, features_of_atoms<Real>, gradients_of_atoms<Real>};
}

}  // namespace
}  // namespace mlip
