// What symmetry functions on a GPU read and work in.
#pragma once

#include <cstdint>

#include "host_device.h"
#include "mlip/environments.h"
#include "symmetry_functions/plan.h"

namespace mlip::gpu {

// Pairs of neighbours that are treated at once, unless one neighbour alone has more partners; and
// parts of a sum over them, each by a thread.
constexpr int kPairsAtOnce = 512, kParts = 8;

// The most of everything that any atom needs.
struct Most {
  int neighbours, bins, cutoffs, envelopes, powers, products;
};

// Where one atom at a time is worked on: its neighbours within reach, by species and distance
// class; then pairs of them, `pairs` at most. Arrays of several quantities have one stride for
// each.
template <class Real>
struct AtomRoom {
  int stride, pairs;
  int32_t *bin, *edge;  // of each edge of the atom; of each neighbour
  int32_t* start;       // [bins + 1] where each bin begins
  Real *x, *y, *z, *r, *inverse_r, *weight;
  Real *cutoff, *cutoff_slope;                    // [cutoffs of the list]
  Real *envelope, *envelope_slope;                // [envelopes of a group]
  Real *cosine, *distance, *third, *third_slope;  // of pairs; third is 0 out of reach
  Real* power;                                    // [powers of a group]
  Real *term, *sums;                              // [envelopes], [products][kParts]; forwards
  // Backwards.
  Real* power_slope;                          // [powers]
  Real *across, *first_along, *second_along;  // of pairs: derivative by the vector to the first is
                                              // across * (second) + first_along * (first)
  Real *by_x, *by_y, *by_z, *along;           // of neighbours, likewise
};

template <class Real, class Memory>
MLIP_BOTH AtomRoom<Real> atom_room_in(Memory& memory, const Most& most, bool back) {
  AtomRoom<Real> room;
  const int64_t n = room.stride = most.neighbours;
  const int64_t pairs = room.pairs = n < kPairsAtOnce ? kPairsAtOnce : most.neighbours;
  for (int32_t** one : {&room.bin, &room.edge}) *one = memory.template take<int32_t>(n);
  room.start = memory.template take<int32_t>(most.bins + 1);
  for (Real** one : {&room.x, &room.y, &room.z, &room.r, &room.inverse_r, &room.weight}) {
    *one = memory.template take<Real>(n);
  }
  for (Real** one : {&room.cutoff, &room.cutoff_slope}) {
    *one = memory.template take<Real>(n * most.cutoffs);
  }
  for (Real** one : {&room.envelope, &room.envelope_slope}) {
    *one = memory.template take<Real>(n * most.envelopes);
  }
  for (Real** one : {&room.cosine, &room.distance, &room.third, &room.third_slope}) {
    *one = memory.template take<Real>(pairs);
  }
  room.power = memory.template take<Real>(pairs * most.powers);
  room.term = memory.template take<Real>(back ? 0 : pairs * most.envelopes);
  room.sums = memory.template take<Real>(back ? 0 : most.products * kParts);
  room.power_slope = memory.template take<Real>(back ? pairs * most.powers : 0);
  for (Real** one : {&room.across, &room.first_along, &room.second_along}) {
    *one = memory.template take<Real>(back ? pairs : 0);
  }
  for (Real** one : {&room.by_x, &room.by_y, &room.by_z, &room.along}) {
    *one = memory.template take<Real>(back ? n : 0);
  }
  return room;
}

}  // namespace mlip::gpu
