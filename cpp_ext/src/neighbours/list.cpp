#include "mlip/neighbours.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "ascending.h"
#include "cells.h"
#include "definition.h"
#include "images.h"
#include "lattice.h"
#include "problems.h"
#include "search.h"
#include "threads.h"
#include "vector3.h"

namespace mlip {
namespace {

// From here on two threads were worth it wherever it was measured, a thin gas or a liquid, whether
// the threads had just worked, and start at once, or had slept, and took some 50 µs to be awake.
constexpr int64_t kAtomsPerThread = 200;

NamedSearch best_search() {
  NamedSearch all[kMostSearches];
  searches(all);
  return all[0];
}

void grow_found(Found* found, int64_t more);

// The neighbours that one thread found.
struct Hits {
  std::vector<int32_t> points, counts;
  Ascending ascending;
  Found found() { return {points.data(), 0, static_cast<int64_t>(points.size()), grow_found}; }
};

struct FoundIn : Found {
  std::vector<int32_t>* storage;
};

void grow_found(Found* found, int64_t more) {
  auto* storage = static_cast<FoundIn*>(found)->storage;
  storage->resize(std::max<size_t>(2 * storage->size(), found->size + more + 1024));
  found->data = storage->data();
  found->room = static_cast<int64_t>(storage->size());
}

// Settles pairs so near to the cutoff that rounding decides, whichever images the search compared.
struct Judge {
  const double* positions;
  const double* cell;
  const Point* points;
  const int32_t* source;
  double cutoff2;

  static bool decide(const void* context, int32_t centre, int32_t candidate) {
    const Judge& judge = *static_cast<const Judge*>(context);
    const Image& i = judge.points[judge.source[centre]].image;
    const Image& j = judge.points[judge.source[candidate]].image;
    int64_t shift[3];
    for (int k = 0; k < 3; ++k) shift[k] = j.shift[k] - i.shift[k];
    return within_as_defined(judge.positions + 3 * i.atom, judge.positions + 3 * j.atom, shift,
                             judge.cell, judge.cutoff2);
  }
};

// One structure, ready to be searched.
struct Prepared {
  Points points;
  Cells cells;
  Limits limits;
  Judge judge;
};

void prepare(const Structures& structures, int64_t s, double cutoff, Prepared& prepared) {
  const int64_t first = structures.first_atom[s], n_atoms = structures.first_atom[s + 1] - first;
  const double* cell = structures.cells + 9 * s;
  const double* positions = structures.positions + 3 * first;
  const Lattice lattice = reduced_lattice(cell, structures.periodic + 3 * s);
  const double margin = kMargin * cutoff;
  const double magnitude =
      place_images(positions, n_atoms, first, lattice, cell, cutoff + margin, prepared.points);
  if (kRounding * magnitude > margin) raise(Problem::kRounding);
  sort_into_cells(prepared.points, cutoff, prepared.cells);
  if (n_atoms == 0) return;

  const double error = kRounding * (magnitude + prepared.cells.extent + cutoff);
  const double sure = std::max(0.0, cutoff - error), possible = cutoff + error;
  prepared.limits.sure = sure * sure;
  prepared.limits.possible = possible * possible;
  prepared.limits.reach = possible * (1 + 1e-8);  // cells are found by rounded coordinates
  prepared.limits.decide = Judge::decide;
  prepared.judge = {structures.positions, cell, prepared.points.all.data(),
                    prepared.cells.source.data(), cutoff * cutoff};
  prepared.limits.context = &prepared.judge;
}

// One centre, its neighbours in canonical order, and where they go.
struct Row {
  const Point* points;
  const Point& centre;
  const int32_t* neighbours;
  int64_t size, first_pair;
};

void write_indices(const Row& row, const PairArrays& out) {
  const Image home = row.centre.image;
  if (out.centres) std::fill_n(out.centres + row.first_pair, row.size, home.atom);
  for (int64_t k = 0; k < row.size; ++k) {
    const Image& image = row.points[row.neighbours[k]].image;
    if (out.neighbours) out.neighbours[row.first_pair + k] = image.atom;
    if (out.shifts) {
      int64_t* shift = out.shifts + 3 * (row.first_pair + k);
      for (int d = 0; d < 3; ++d) shift[d] = image.shift[d] - home.shift[d];
    }
  }
}

void write_lengths(const Row& row, const PairArrays& out) {
  const double* from = row.centre.position;
  for (int64_t k = 0; k < row.size; ++k) {
    const double* to = row.points[row.neighbours[k]].position;
    const double v[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
    if (out.distances) out.distances[row.first_pair + k] = length(v);
    if (out.vectors) std::copy_n(v, 3, out.vectors + 3 * (row.first_pair + k));
  }
}

Grid grid_of(const Cells& cells) {
  Grid grid = {cells.x.data(), cells.y.data(), cells.z.data(), cells.start.data(), {}, {}, {}, {}};
  for (int c = 0; c < 3; ++c) {
    grid.number[c] = cells.number[c];
    grid.origin[c] = cells.origin[c];
    grid.edge[c] = cells.edge[c];
    grid.inverse_edge[c] = 1 / cells.edge[c];
  }
  return grid;
}

}  // namespace

// Threads share the atoms out evenly, structure by structure: to be searched, in the order of their
// cells within each structure; to be written, in the order given. The share of thread t starts at
// `share(t)`.
struct NeighbourList::State {
  int threads = 1;
  int64_t n_structures = 0, n_atoms = 0, n_pairs = 0;
  std::vector<Prepared> prepared;  // as many as ever were needed; the first n_structures count
  std::vector<Hits> hits;          // one for each thread
  std::vector<int64_t> first_atom;
  std::vector<int64_t> first_pair;         // [n_atoms + 1]
  std::vector<const int32_t*> neighbours;  // [n_atoms], of each: points of its structure

  int64_t share(int t) const { return n_atoms * t / threads; }

  // Calls work(structure, first, last) with the atoms of the structure, counted from 0, for each
  // part of thread t's share.
  template <class Work>
  void for_each_part(int t, Work work) const {
    const int64_t begin = share(t), end = share(t + 1);
    int64_t s =
        std::upper_bound(first_atom.begin(), first_atom.end(), begin) - first_atom.begin() - 1;
    for (; s < n_structures && first_atom[s] < end; ++s) {
      const int64_t first = std::max(begin, first_atom[s]) - first_atom[s];
      const int64_t last = std::min(end, first_atom[s + 1]) - first_atom[s];
      if (first < last) work(s, first, last);
    }
  }

  void prepare_all(const Structures& structures, double cutoff);
  void search(int t);
  void number_pairs();
  void write(int t, const PairArrays& out) const;
};

void NeighbourList::State::prepare_all(const Structures& structures, double cutoff) {
  const int busy = static_cast<int>(std::min<int64_t>(threads, std::max<int64_t>(1, n_structures)));
  in_threads(busy, [&](int t) {
    for (int64_t s = t; s < n_structures; s += busy) {
      try {
        prepare(structures, s, cutoff, prepared[s]);
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument("structure " + std::to_string(s) + ": " + error.what());
      }
    }
  });
}

void NeighbourList::State::search(int t) {
  static const Search search_centres = best_search().search;
  Hits& own = hits[t];
  own.counts.resize(share(t + 1) - share(t));
  FoundIn found;
  static_cast<Found&>(found) = own.found();
  found.storage = &own.points;
  int32_t* counts = own.counts.data();
  for_each_part(t, [&](int64_t s, int64_t first, int64_t last) {
    const Cells& cells = prepared[s].cells;
    int64_t row = found.size;
    search_centres(grid_of(cells), prepared[s].limits, cells.centres.data() + first, last - first,
                   counts, found);
    own.ascending.reserve(prepared[s].points.size());
    for (int64_t c = first; c < last; ++c) {
      own.ascending.sort_names(cells.source.data(), found.data + row, *counts);
      row += *counts++;
    }
  });
}

void NeighbourList::State::number_pairs() {
  first_pair.assign(n_atoms + 1, 0);
  neighbours.resize(n_atoms);
  for (int t = 0; t < threads; ++t) {
    const int32_t* count = hits[t].counts.data();
    const int32_t* points = hits[t].points.data();
    for_each_part(t, [&](int64_t s, int64_t first, int64_t last) {
      const Prepared& one = prepared[s];
      for (int64_t c = first; c < last; ++c) {
        const int64_t atom = one.points.all[one.cells.source[one.cells.centres[c]]].image.atom;
        neighbours[atom] = points;
        first_pair[atom + 1] = *count;
        points += *count++;
      }
    });
  }
  for (int64_t a = 0; a < n_atoms; ++a) first_pair[a + 1] += first_pair[a];
  n_pairs = first_pair[n_atoms];
}

// In the order of the atoms, not of the cells: memory is written from front to back.
void NeighbourList::State::write(int t, const PairArrays& out) const {
  for_each_part(t, [&](int64_t s, int64_t first, int64_t last) {
    const Points& points = prepared[s].points;
    for (int64_t a = first; a < last; ++a) {
      const int64_t atom = first_atom[s] + a, pair = first_pair[atom];
      const Row row = {points.all.data(), points.all[points.atoms[a]], neighbours[atom],
                       first_pair[atom + 1] - pair, pair};
      write_indices(row, out);
      if (out.distances || out.vectors) write_lengths(row, out);
    }
  });
}

NeighbourList::NeighbourList() : state_(new State) {}
NeighbourList::~NeighbourList() = default;

void NeighbourList::find(const Structures& structures, double cutoff, int threads) {
  State& state = *state_;
  state.n_pairs = 0;
  state.n_structures = state.n_atoms = 0;
  check_cutoff(cutoff);
  const int64_t n = structures.n_structures;
  const int64_t n_atoms = n == 0 ? 0 : structures.first_atom[n];
  state.threads =
      static_cast<int>(std::clamp<int64_t>(n_atoms / kAtomsPerThread, 1, std::max(1, threads)));
  if (static_cast<int64_t>(state.prepared.size()) < n) state.prepared.resize(n);
  if (static_cast<int>(state.hits.size()) < state.threads) {
    state.hits.resize(state.threads);
  }
  state.first_atom.assign(structures.first_atom, structures.first_atom + n + 1);
  state.n_structures = n;
  state.n_atoms = n_atoms;
  try {
    state.prepare_all(structures, cutoff);
    in_threads(state.threads, [&](int t) { state.search(t); });
    state.number_pairs();
  } catch (...) {
    state.n_structures = state.n_atoms = 0;
    throw;
  }
}

int64_t NeighbourList::size() const { return state_->n_pairs; }

void NeighbourList::write(const PairArrays& out) const {
  const State& state = *state_;
  if (state.n_pairs == 0) return;
  in_threads(state.threads, [&](int t) { state.write(t, out); });
}

int64_t NeighbourList::kept_bytes() const {
  int64_t bytes = static_cast<int64_t>(state_->first_pair.capacity() * sizeof(int64_t) +
                                       state_->neighbours.capacity() * sizeof(int32_t*));
  for (const Prepared& one : state_->prepared) bytes += one.points.bytes() + one.cells.bytes();
  for (const Hits& own : state_->hits) {
    bytes += own.ascending.bytes();
    bytes +=
        static_cast<int64_t>((own.points.capacity() + own.counts.capacity()) * sizeof(int32_t));
  }
  return bytes;
}

void NeighbourList::release() { state_.reset(new State); }

const char* instruction_set() { return best_search().name; }

}  // namespace mlip
