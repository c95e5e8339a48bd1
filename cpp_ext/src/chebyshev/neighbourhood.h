// The neighbours of one atom as the loops want them, and the working memory of one thread.
#pragma once

#include "lane_moves.h"
#include "lanes.h"

#include "formulas.h"
#include "kernels.h"
#include "working_memory.h"

namespace mlip {
namespace {

// Arrays of neighbours consist of whole vectors; the places after the last neighbour hold one at
// distance one, of weight zero.
template <class Real>
struct Room {
  int64_t stride;       // places in an array of neighbours
  int64_t* edge;        // of each neighbour
  Real *x, *y, *z;      // unit vectors to the neighbours
  Real *r, *inverse_r;  // Å, 1 / Å
  Real* weights;        // [set][place]
  Real* harmonics;      // [lm] vectors: those of some neighbours
  Real* radial_sums;    // [set][a] vectors: sums over the neighbours in each lane
  Real* moment_sums;    // [set][lm] vectors
  Real* alone_sums;     // [set] vectors
  Real* moments;        // [lm]
  Real* by_alone;       // [set]
  Real* by_moments;     // [set][lm]
  Real *by_x, *by_y, *by_z;
};

// Lays a room out in memory that starts at a multiple of 64; returns how much it takes.
template <class Real>
int64_t lay_out(const ChebyshevTables<Real>& tables, int64_t most_neighbours, char* memory,
                Room<Real>& room) {
  constexpr int width = Lanes<Real>::width;
  char* const begin = memory;
  const int64_t harmonics = n_harmonics(tables), sets = tables.n_sets;
  room.stride = (most_neighbours + width - 1) / width * width;
  room.edge = take<int64_t>(memory, most_neighbours);
  Real** const of_neighbours[] = {&room.x,         &room.y,    &room.z,    &room.r,
                                  &room.inverse_r, &room.by_x, &room.by_y, &room.by_z};
  for (Real** one : of_neighbours) *one = take<Real>(memory, room.stride);
  room.weights = take<Real>(memory, sets * room.stride);
  room.harmonics = take<Real>(memory, harmonics * width);
  room.radial_sums = take<Real>(memory, sets * (tables.radial_order + 1) * width);
  room.moment_sums = take<Real>(memory, sets * harmonics * width);
  room.alone_sums = take<Real>(memory, sets * width);
  room.moments = take<Real>(memory, harmonics);
  room.by_alone = take<Real>(memory, sets);
  room.by_moments = take<Real>(memory, sets * harmonics);
  return memory - begin;
}

struct Counts {
  int64_t all, angular;  // neighbours, and those of the angular part, which come first
};

// The edges of an atom to its neighbours; returns the first that has no direction or no finite
// length, or -1.
template <class Real>
int64_t find_neighbours(const ChebyshevTables<Real>& tables, const Environments<Real>& atoms,
                        int64_t atom, const Room<Real>& room, Counts& n) {
  n = {0, 0};
  for (int64_t e = atoms.first_edge[atom]; e < atoms.first_edge[atom + 1]; ++e) {
    const Real* v = atoms.vectors + 3 * e;
    const Real square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    if (!(square > 0 && square < Real(__builtin_inf()))) return e;
    const Real r = sizeof(Real) == 8 ? Real(__builtin_sqrt(square)) : __builtin_sqrtf(square);
    if (!(r < Real(tables.radial.radius))) continue;
    room.edge[n.all] = e;
    if (r < Real(tables.angular.radius)) {
      room.edge[n.all] = room.edge[n.angular];
      room.edge[n.angular++] = e;
    }
    ++n.all;
  }
  return -1;
}

// Unit vectors, lengths and weights of the neighbours.
template <class Real>
void look_at(const ChebyshevTables<Real>& tables, const Environments<Real>& atoms, int64_t n,
             const Room<Real>& room) {
  constexpr int width = Lanes<Real>::width;
  for (int64_t k = 0; k < n; ++k) {
    const Real* v = atoms.vectors + 3 * room.edge[k];
    const Real* weights =
        tables.weights + atoms.species[atoms.neighbours[room.edge[k]]] * tables.n_sets;
    room.x[k] = v[0];
    room.y[k] = v[1];
    room.z[k] = v[2];
    for (int s = 0; s < tables.n_sets; ++s) room.weights[s * room.stride + k] = weights[s];
  }
  const int64_t end = (n + width - 1) / width * width;
  for (int64_t k = n; k < end; ++k) {
    room.x[k] = 1;
    room.y[k] = room.z[k] = 0;
    for (int s = 0; s < tables.n_sets; ++s) room.weights[s * room.stride + k] = 0;
  }
  for (int64_t k = 0; k < end; k += width) {
    const Vec<Real> x = load(room.x + k), y = load(room.y + k), z = load(room.z + k);
    const Vec<Real> r = square_root(x * x + y * y + z * z), inverse = 1 / r;
    store<Real>(room.x + k, x * inverse);
    store<Real>(room.y + k, y * inverse);
    store<Real>(room.z + k, z * inverse);
    store<Real>(room.r + k, r);
    store<Real>(room.inverse_r + k, inverse);
  }
}

}  // namespace
}  // namespace mlip
