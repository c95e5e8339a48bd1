// The search in stages, each the work of one thread (or one group of threads) of many. A stage sees
// all that earlier stages wrote, and nothing of what other threads of the same stage write, but for
// the words of shared_words.h: so it does not matter in which order its threads run.
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"
#include "bins.h"
#include "failures.h"
#include "gpu/shared_words.h"
#include "plan.h"
#include "reduction.h"
#include "walk.h"

namespace mlip::gpu {

MLIP_BOTH inline bool failed(const Arrays& work) { return work.report->failure != kNoFailure; }

MLIP_BOTH inline void fail(const Arrays& work, Problem problem, int64_t structure, int64_t which) {
  lower_to(&work.report->failure, coded(problem, structure, which));
}

// Once.
struct Begin {
  Input in;
  Arrays work;

  MLIP_BOTH void operator()(int64_t) const {
    *work.report = {kNoFailure, 0};
    work.first_pair[in.n_atoms] = 0;
  }
};

// For each structure: its reduced lattice.
struct Reduce {
  Input in;
  Arrays work;

  MLIP_BOTH void operator()(int64_t s) const {
    const Structures& all = in.structures;
    const int64_t first = all.first_atom[s], last = all.first_atom[s + 1];
    const bool ends = (s > 0 || first == 0) && (s + 1 < all.n_structures || last == in.n_atoms);
    if (!(ends && first <= last)) fail(work, Problem::kBorders, 0, 0);
    Plan& plan = work.plans[s];
    const Reduction done = reduce(all.cells + 9 * s, all.periodic + 3 * s, plan.lattice);
    plan.failed = done.problem != Problem::kNone;
    if (plan.failed) fail(work, done.problem, s, done.which);
    plan.first_bin = bins_before(first, s);
    for (int c = 0; c < 3; ++c) {
      plan.moves[c] = false;
      for (int r = 0; r < plan.lattice.rank; ++r) plan.moves[c] |= plan.lattice.basis[r][c] != 0;
    }
    for (uint64_t& extreme : plan.extremes) extreme = 0;
  }
};

// For each of fewer threads than atoms: some atoms wrapped into their cells, and how far they
// reach.
struct Wrap {
  Input in;
  Arrays work;
  int64_t n_threads;

  MLIP_BOTH void operator()(int64_t thread) const {
    double largest[kExtremes];
    int64_t s = -1;
    for (int64_t a = thread; a < in.n_atoms; a += n_threads) {
      const int64_t its = structure_of(a);
      if (its != s) {
        hand_in(s, largest);
        s = its;
        for (double& value : largest) value = -INFINITY;
      }
      Plan& plan = work.plans[s];
      const Problem problem = wrap(a, plan, largest);
      if (problem != Problem::kNone) {
        fail(work, problem, s, a - in.structures.first_atom[s]);
        plan.failed = true;
      }
      work.wrapped[a].atom = static_cast<int32_t>(a);
      work.wrapped[a].structure = static_cast<int32_t>(s);
    }
    hand_in(s, largest);
  }

  MLIP_BOTH int64_t structure_of(int64_t atom) const {
    int64_t low = 0, high = in.structures.n_structures;
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (in.structures.first_atom[middle] <= atom ? low : high) = middle;
    }
    return low;
  }

  MLIP_BOTH Problem wrap(int64_t a, const Plan& plan, double largest[kExtremes]) const {
    const Lattice& lattice = plan.lattice;
    const double* given = in.structures.positions + 3 * a;
    double* position = work.wrapped[a].position;
    int64_t* shift = work.shifts + 3 * a;
    for (int c = 0; c < 3; ++c) {
      if (!finite(given[c])) return Problem::kPositionNotFinite;
      position[c] = given[c];
      shift[c] = 0;
      if (plan.moves[c])
        largest[kFarthestAt] = std::fmax(largest[kFarthestAt], std::fabs(given[c]));
    }
    for (int r = 0; r < lattice.rank; ++r) {
      const double wraps = std::floor(dot(lattice.dual[r], given));
      if (wraps == 0) continue;
      for (int k = 0; k < 3; ++k) {
        const double sum = shift[k] - wraps * lattice.in_cell[r][k];
        if (!(std::fabs(sum) < kFarthest)) return Problem::kTooFar;
        shift[k] = static_cast<int64_t>(sum);
        position[k] -= wraps * lattice.basis[r][k];
      }
    }
    for (int r = 0; r < 3; ++r) {
      const double moved = std::fabs(static_cast<double>(shift[r]));
      const double coordinate = dot(lattice.dual[r], position);
      largest[kShiftAt + r] = std::fmax(largest[kShiftAt + r], moved);
      largest[kHighAt + r] = std::fmax(largest[kHighAt + r], coordinate);
      largest[kLowAt + r] = std::fmax(largest[kLowAt + r], -coordinate);
    }
    return Problem::kNone;
  }

  MLIP_BOTH void hand_in(int64_t s, const double largest[kExtremes]) const {
    if (s < 0) return;
    for (int k = 0; k < kExtremes; ++k) raise_to(&work.plans[s].extremes[k], ordered(largest[k]));
  }
};

// For each structure: its bins.
struct Complete {
  Input in;
  Arrays work;

  MLIP_BOTH void operator()(int64_t s) const {
    Plan& plan = work.plans[s];
    const int64_t n_atoms = in.structures.first_atom[s + 1] - in.structures.first_atom[s];
    if (plan.failed || n_atoms <= 0) return;
    const Problem problem = complete(plan, in.structures.cells + 9 * s, n_atoms, in.cutoff);
    if (problem != Problem::kNone) fail(work, problem, s, 0);
  }
};

// For each atom: its bin.
struct Bin {
  Arrays work;

  MLIP_BOTH void operator()(int64_t a) const {
    work.atoms[a] = static_cast<int32_t>(a);
    work.bin_of_atom[a] = 0;
    if (failed(work)) return;
    const Point& point = work.wrapped[a];
    const Plan& plan = work.plans[point.structure];
    int64_t bin = 0;
    for (int r = 2; r >= 0; --r) {
      const double coordinate = dot(plan.lattice.dual[r], point.position);
      bin = bin * plan.axes[r].number + bin_of(plan.axes[r], coordinate);
    }
    work.bin_of_atom[a] = static_cast<uint32_t>(plan.first_bin + bin);
  }
};

// For each bin and one beyond the last: how many points lie before it.
struct Start {
  Arrays work;
  int64_t n_atoms;

  MLIP_BOTH void operator()(int64_t bin) const {
    int64_t low = 0, high = n_atoms;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (work.sorted_bins[middle] < bin) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    work.start[bin] = static_cast<int32_t>(low);
  }
};

// For each point: the atom that it is.
struct Gather {
  Arrays work;

  MLIP_BOTH void operator()(int64_t p) const {
    work.points[p] = work.wrapped[work.sorted_atoms[p]];
  }
};

struct NoEmit {
  MLIP_BOTH void operator()(int64_t, const Hit&) const {}
};

// For each point, by a group: how many neighbours it has.
struct Count {
  Input in;
  Arrays work;

  template <class Lanes>
  MLIP_BOTH void operator()(int64_t p, const Lanes& lanes) const {
    const int64_t n = failed(work) ? 0 : walk(in, work, static_cast<int32_t>(p), lanes, NoEmit{});
    if (lanes.own() == 0) work.first_pair[work.sorted_atoms[p]] = n;
  }
};

// Once.
struct Finish {
  Arrays work;
  int64_t n_atoms;

  MLIP_BOTH void operator()(int64_t) const { work.report->n_pairs = work.first_pair[n_atoms]; }
};

struct EmitTo {
  Hit* hits;

  MLIP_BOTH void operator()(int64_t k, const Hit& hit) const { hits[k] = hit; }
};

// For each point, by a group: its neighbours, in the order in which they are met.
struct Collect {
  Input in;
  Arrays work;
  Hit* hits;  // [pairs]

  template <class Lanes>
  MLIP_BOTH void operator()(int64_t p, const Lanes& lanes) const {
    const EmitTo emit{hits + work.first_pair[work.points[p].atom]};
    walk(in, work, static_cast<int32_t>(p), lanes, emit);
  }
};

// For each pair: written to its place, which is the number of its centre's hits that come before
// it, by neighbour and then by shift. Centres have few enough neighbours to count; and so one
// centre with very many keeps many threads busy.
struct Write {
  Arrays work;
  const Hit* hits;
  PairArrays out;

  MLIP_BOTH void operator()(int64_t p) const {
    const Hit hit = hits[p];
    const Plan& plan = work.plans[work.wrapped[hit.centre].structure];
    const int64_t first = work.first_pair[hit.centre], last = work.first_pair[hit.centre + 1];
    int64_t at = first;
    for (int64_t k = first; k < last; ++k) {
      const int32_t other = hits[k].other;
      at += other < hit.other || (other == hit.other && shifted_less(hits[k], hit, plan.lattice));
    }
    if (out.centres) out.centres[at] = hit.centre;
    if (out.neighbours) out.neighbours[at] = hit.other;
    if (out.shifts) shift_of(hit, plan.lattice, work.shifts, out.shifts + 3 * at);
    if (out.distances || out.vectors) write_lengths(hit, plan.lattice, at);
  }

  // Of two images of one atom: whether the first has the lesser shift, its first component first.
  MLIP_BOTH static bool shifted_less(const Hit& a, const Hit& b, const Lattice& lattice) {
    for (int k = 0; k < 3; ++k) {
      int64_t difference = 0;
      for (int r = 0; r < 3; ++r) {
        difference += (int64_t{a.image[r]} - b.image[r]) * lattice.in_cell[r][k];
      }
      if (difference != 0) return difference < 0;
    }
    return false;
  }

  MLIP_BOTH void write_lengths(const Hit& hit, const Lattice& lattice, int64_t at) const {
    const double *centre = work.wrapped[hit.centre].position,
                 *other = work.wrapped[hit.other].position;
    double v[3];
    for (int c = 0; c < 3; ++c) {
      v[c] = other[c] - centre[c];
      for (int r = 0; r < 3; ++r) v[c] += hit.image[r] * lattice.basis[r][c];
    }
    if (out.distances) out.distances[at] = length(v);
    for (int c = 0; out.vectors && c < 3; ++c) out.vectors[3 * at + c] = v[c];
  }
};

}  // namespace mlip::gpu
