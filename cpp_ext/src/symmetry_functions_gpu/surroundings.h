// The neighbours of one atom, found by a crew of threads. A crew does `for_each(n, work)`: work(0),
// ..., work(n - 1) in any order or at once, all done and seen by all when it ends; each of them
// writes numbers that no other reads or writes.
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"
#include "gpu/count_before.h"
#include "one_lane.h"

#include "symmetry_functions/formulas.h"

namespace mlip::gpu {

template <class Real, class Crew>
struct Surroundings {
  const PlanView& plan;
  const EdgesByCentre<Real>& all;
  const AtomRoom<Real>& room;
  const Crew& crew;
  int64_t atom, first_edge;
  int n_edges;

  MLIP_BOTH Surroundings(const PlanView& plan_, const EdgesByCentre<Real>& all_,
                         const AtomRoom<Real>& room_, const Crew& crew_, int64_t atom_)
      : plan(plan_),
        all(all_),
        room(room_),
        crew(crew_),
        atom(atom_),
        first_edge(count_before(all_.centres, all_.n_edges, atom_)),
        n_edges(
            static_cast<int>(count_before(all_.centres, all_.n_edges, atom_ + 1) - first_edge)) {}

  MLIP_BOTH const FunctionList& list() const {
    return plan.lists[plan.list_of_species[all.species[atom]]];
  }
  MLIP_BOTH int n_cutoffs() const { return size(list().cutoffs); }
  MLIP_BOTH const Cutoff& cutoff(int c) const { return plan.cutoffs[list().cutoffs.first + c]; }
  MLIP_BOTH int n_bins() const { return plan.n_species * n_cutoffs(); }
  MLIP_BOTH int n() const { return room.start[n_bins()]; }  // neighbours within reach

  // Those that see species `sees` (all with -1) within a cutoff of the list.
  MLIP_BOTH Range in_sight(int sees, int within) const {
    if (sees < 0) return {0, n()};
    return {room.start[sees * n_cutoffs()], room.start[sees * n_cutoffs() + within + 1]};
  }

  // Neighbours by species and, within it, by how many cutoffs they are beyond; of one bin in the
  // order of their edges.
  MLIP_BOTH void look_around() const {
    crew.for_each(n_edges, [&](int k) { room.bin[k] = bin_of(first_edge + k); });
    crew.for_each(n_edges, [&](int k) {
      if (room.bin[k] >= 0) room.edge[rank_of(k)] = k;
    });
    crew.for_each(n_bins() + 1, [&](int b) {
      int32_t before = 0;
      for (int k = 0; k < n_edges; ++k) before += room.bin[k] >= 0 && room.bin[k] < b;
      room.start[b] = before;
    });
    crew.for_each(n(), [&](int k) { fill(k, first_edge + room.edge[k]); });
  }

  MLIP_BOTH Real length(const Real* v) const {
    return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  }

  MLIP_BOTH int64_t species_of(int64_t edge) const { return all.species[all.neighbours[edge]]; }

  MLIP_BOTH int32_t bin_of(int64_t edge) const {
    const Real r = length(all.vectors + 3 * edge);
    int beyond = 0;
    while (beyond < n_cutoffs() && !(r < Real(cutoff(beyond).radius))) ++beyond;
    if (beyond == n_cutoffs()) return -1;
    return static_cast<int32_t>(species_of(edge) * n_cutoffs() + beyond);
  }

  MLIP_BOTH int rank_of(int k) const {
    const int32_t bin = room.bin[k];
    int rank = 0;
    for (int other = 0; other < n_edges; ++other) {
      const int32_t its = room.bin[other];
      rank += its >= 0 && (its < bin || (its == bin && other < k));
    }
    return rank;
  }

  MLIP_BOTH void fill(int k, int64_t edge) const {
    const Real *v = all.vectors + 3 * edge, r = length(v);
    room.x[k] = v[0];
    room.y[k] = v[1];
    room.z[k] = v[2];
    room.r[k] = r;
    room.inverse_r[k] = 1 / r;
    room.weight[k] = Real(plan.weights[species_of(edge)]);
    for (int c = 0; c < n_cutoffs(); ++c) {
      const Slope<Real> f = cutoff_function<Real>(cutoff(c), r);
      room.cutoff[c * room.stride + k] = f.value;
      room.cutoff_slope[c * room.stride + k] = f.derivative;
    }
  }

  // The cutoff function that a group of functions sees of neighbour k.
  MLIP_BOTH Slope<Real> weighed(int sees, int within, int k) const {
    const Real weight = sees < 0 ? room.weight[k] : Real(1);
    const int place = within * room.stride + k;
    return {weight * room.cutoff[place], weight * room.cutoff_slope[place]};
  }
};

}  // namespace mlip::gpu
