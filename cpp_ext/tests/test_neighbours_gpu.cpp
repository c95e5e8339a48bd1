// The search on a GPU, run on the processor: the same stages over the same matrix of structures as
// the other tests, on machines that differ in the order and the width in which threads work. Meant
// to run with sanitizers. Prints what failed and returns 1.
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

#include "checks.h"
#include "crews.h"
#include "mlip/neighbours.h"
#include "pipeline.h"
#include "reference.h"

namespace {

using mlip::gpu::Arrays;

// ---- machines

// What all of them share: a sort and a sum.
struct Processor {
  void sort(const Arrays& work, int64_t n_atoms, int64_t) {
    std::copy_n(work.atoms, n_atoms, work.sorted_atoms);
    std::stable_sort(work.sorted_atoms, work.sorted_atoms + n_atoms, [&](int32_t a, int32_t b) {
      return work.bin_of_atom[a] < work.bin_of_atom[b];
    });
    for (int64_t p = 0; p < n_atoms; ++p) {
      work.sorted_bins[p] = work.bin_of_atom[work.sorted_atoms[p]];
    }
  }

  void add_up(int64_t* numbers, int64_t n) {
    std::exclusive_scan(numbers, numbers + n, numbers, int64_t{0});
  }
};

struct OneLane {
  int number() const { return 1; }
  int own() const { return 0; }
  int ranked(bool yes, int& total) const {
    total = yes;
    return 0;
  }
};

// One thread after the other, in their order.
struct Serial : Processor {
  template <class Stage>
  void for_each(int64_t n, const Stage& stage) {
    for (int64_t i = 0; i < n; ++i) stage(i);
  }

  template <class Stage>
  void for_each_in_groups(int64_t n, const Stage& stage) {
    for_each(n, [&](int64_t i) { stage(i, OneLane{}); });
  }
};

// One lane of a warp. What the lanes say at each turn is recorded first, lane after lane, and read
// when all run again.
struct RecordedLane {
  int lane;
  bool reading;
  std::vector<uint32_t>* turns;
  size_t* turn;

  int number() const { return 32; }
  int own() const { return lane; }

  int ranked(bool yes, int& total) const {
    if (turns->size() <= *turn) turns->push_back(0);
    uint32_t& all = (*turns)[(*turn)++];
    if (reading) expect((all >> lane & 1) == yes, "a lane says the same again");
    if (!reading) all |= static_cast<uint32_t>(yes) << lane;
    total = reading ? __builtin_popcount(all) : 0;
    return reading ? __builtin_popcount(all & ((1u << lane) - 1)) : 0;
  }
};

// Threads in a random order, groups in warps of 32.
struct Shuffled : Processor {
  std::mt19937_64 random{7};

  template <class Stage>
  void for_each(int64_t n, const Stage& stage) {
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    for (const int64_t i : order) stage(i);
  }

  template <class Stage>
  void for_each_in_groups(int64_t n, const Stage& stage) {
    for_each(n, [&](int64_t i) {
      std::vector<uint32_t> turns;
      for (const bool reading : {false, true}) {
        for (int lane = 0; lane < 32; ++lane) {
          size_t turn = 0;
          stage(i, RecordedLane{lane, reading, &turns, &turn});
          if (reading) expect(turn == turns.size(), "all lanes take every turn");
        }
      }
    });
  }
};

// ---- a search

struct Batch {
  std::vector<double> positions, cells;
  std::unique_ptr<bool[]> periodic;
  std::vector<int64_t> first_atom{0};

  explicit Batch(const std::vector<Structure>& structures)
      : periodic(new bool[3 * structures.size()]) {
    for (size_t s = 0; s < structures.size(); ++s) {
      const Structure& one = structures[s];
      positions.insert(positions.end(), one.positions.begin(), one.positions.end());
      cells.insert(cells.end(), one.cell.begin(), one.cell.end());
      std::copy_n(one.periodic.begin(), 3, periodic.get() + 3 * s);
      first_atom.push_back(first_atom.back() + one.size());
    }
  }

  mlip::Structures structures() const {
    return {positions.data(), cells.data(), periodic.get(), first_atom.data(),
            static_cast<int64_t>(first_atom.size()) - 1};
  }
};

struct List {
  std::vector<int64_t> centres, neighbours, shifts;
  std::vector<double> distances, vectors;

  explicit List(int64_t n)
      : centres(n), neighbours(n), shifts(3 * n), distances(n), vectors(3 * n) {}

  mlip::PairArrays arrays() {
    return {centres.data(), neighbours.data(), shifts.data(), distances.data(), vectors.data()};
  }

  std::vector<Pair> pairs() const {
    std::vector<Pair> all;
    for (size_t p = 0; p < centres.size(); ++p) {
      const int64_t* s = &shifts[3 * p];
      all.push_back({centres[p], neighbours[p], s[0], s[1], s[2]});
    }
    return all;
  }
};

template <class Machine>
List found_by(Machine machine, const Batch& batch, double cutoff) {
  mlip::check_cutoff(cutoff);
  const int64_t n_atoms = static_cast<int64_t>(batch.positions.size()) / 3;
  const mlip::gpu::Input in = {batch.structures(), n_atoms, cutoff};
  ExactMemory memory;
  const Arrays work = mlip::gpu::arrays_in(memory, n_atoms, in.structures.n_structures);
  mlip::gpu::find(in, work, machine);
  mlip::gpu::raise_if_failed(*work.report);
  const int64_t n_pairs = work.report->n_pairs;
  List list(n_pairs);
  mlip::gpu::write(in, work, memory.take<mlip::gpu::Hit>(n_pairs), n_pairs, list.arrays(), machine);
  return list;
}

List on_the_processor(const Batch& batch, double cutoff) {
  mlip::NeighbourList found;
  found.find(batch.structures(), cutoff, 1);
  List list(found.size());
  found.write(list.arrays());
  return list;
}

void check_lengths(const List& list, const Batch& batch, double cutoff) {
  const std::vector<Pair> pairs = list.pairs();
  expect(std::is_sorted(pairs.begin(), pairs.end()), "sorted by centre, neighbour and shift");
  const mlip::Structures all = batch.structures();
  int64_t s = 0;
  for (size_t p = 0; p < list.centres.size(); ++p) {
    while (all.first_atom[s + 1] <= list.centres[p]) ++s;
    double r2 = 0, error = 0;
    for (int d = 0; d < 3; ++d) {
      double v = all.positions[3 * list.neighbours[p] + d] - all.positions[3 * list.centres[p] + d];
      for (int k = 0; k < 3; ++k) v += list.shifts[3 * p + k] * all.cells[9 * s + 3 * k + d];
      r2 += list.vectors[3 * p + d] * list.vectors[3 * p + d];
      error = std::max(error, std::fabs(list.vectors[3 * p + d] - v));
    }
    if (std::fabs(std::sqrt(r2) - list.distances[p]) > 1e-12 * cutoff || error > 1e-9) {
      return expect(false, "vectors are those of the definition");
    }
  }
}

Structure random_structure(std::mt19937_64& random, int64_t n, const std::array<double, 9>& cell,
                           int periodic, double spread) {
  std::uniform_real_distribution<double> uniform(-spread, spread);
  Structure s{{}, cell, {(periodic & 1) != 0, (periodic & 2) != 0, (periodic & 4) != 0}};
  for (int64_t i = 0; i < n; ++i) {
    const double f[3] = {uniform(random), uniform(random), uniform(random)};
    for (int d = 0; d < 3; ++d) {
      s.positions.push_back(f[0] * cell[d] + f[1] * cell[3 + d] + f[2] * cell[6 + d]);
    }
  }
  return s;
}

// ---- tests

const std::array<double, 9> kCells[] = {
    {4, 0, 0, 0, 5, 0, 0, 0, 6},    {4, 0.3, 0.2, 1, 5, 0, -1, 2, 6},
    {4, 0, 0, 7, 5, 0, -6, 3, 6},   {0, 4, 0, 5, 0, 0, 0, 0.3, 6},
    {30, 0, 0, 0, 2, 0, 0, 0, 2.5}, {20, 0, 0, 1, 25, 0, 0, 0, 2.5},
};

void equal_to_reference() {
  std::mt19937_64 random(1);
  for (const auto& cell : kCells) {
    for (int periodic = 0; periodic < 8; ++periodic) {
      for (const double cutoff : {1.5, 5.0}) {
        for (const int64_t n : {0, 1, 5, 40}) {
          const Structure s = random_structure(random, n, cell, periodic, 1.0);
          const Batch batch({s});
          const List list = found_by(Serial{}, batch, cutoff);
          expect(list.pairs() == reference_pairs(s, cutoff, 10), "same pairs as the reference");
          check_lengths(list, batch, cutoff);
        }
      }
    }
  }
}

// Cells of which the search on the processor is the judge: skewed, far away, many bins, a batch.
Batch mixed(int64_t n) {
  std::mt19937_64 random(2);
  std::vector<Structure> all;
  for (int periodic = 0; periodic < 8; ++periodic) {
    all.push_back(random_structure(random, n, {19, 0, 0, 3, 22, 1, -4, 2, 18}, periodic, 0.7));
    all.push_back(random_structure(random, 0, kCells[0], periodic, 1));
    all.push_back(random_structure(random, 3, {4, 0, 0, 34, 5, 0, -22, 49, 6}, periodic, 3000));
    all.push_back(random_structure(random, 1, {1, 0, 0, 0, 1, 0, 0, 0, 1}, periodic, 1));
    all.push_back(random_structure(random, n, {300, 0, 0, 0, 3, 0.1, 0, 0, 4}, periodic, 1));
  }
  return Batch(all);
}

void equal_to_the_list_of_the_processor() {
  const Batch batch = mixed(300);
  const List list = found_by(Serial{}, batch, 3.5);
  expect(list.centres.size() > 10000, "a list worth comparing");
  expect(list.pairs() == on_the_processor(batch, 3.5).pairs(), "same pairs as the processor's");
  check_lengths(list, batch, 3.5);
}

void order_of_threads_changes_nothing() {
  const Batch batch = mixed(60);
  const List one = found_by(Serial{}, batch, 4.5), other = found_by(Shuffled{}, batch, 4.5);
  expect(one.pairs() == other.pairs(), "the same list, in the same order");
  expect(one.distances == other.distances && one.vectors == other.vectors, "to the last bit");
}

void far_apart() {
  Structure s{
      {0, 0, 0, 1, 0, 0, 1e6, 1e6, -1e6, 1e6, 1e6, 1 - 1e6, -1e300, 1e300, 0, 1.7e308, 0, 0},
      {},
      {false, false, false}};
  for (int k = 0; k < 200; ++k) {
    for (int d = 0; d < 3; ++d) s.positions.push_back(100.0 * k);
  }
  // Numbers so large that neighbouring ones are 2 Å apart.
  for (const double x : {1e16, 1e16 + 2, 1e16 + 4, -1e16, -1e16 - 2}) {
    s.positions.insert(s.positions.end(), {x, 0, -x});
  }
  const std::vector<Pair> found = found_by(Serial{}, Batch({s}), 3.0).pairs();
  expect(found == reference_pairs(s, 3.0, 0), "atoms at the ends of the world");
  s.cell = {0, 7, 7, 0, 0, 0, 0, 0, 0};
  s.positions = {0, 0, 0, 1, 0, 0, 1e6, 0, 0, 1e6, 1, 8, 1e13, 1, 1, 1 + 1e13, 3, 1};
  s.periodic = {true, false, false};
  expect(found_by(Serial{}, Batch({s}), 3.0).pairs() == reference_pairs(s, 3.0, 3),
         "far along directions that do not repeat");
}

void symmetric_at_the_cutoff() {
  for (const double lattice : {0.7, 1.0 / 3, 2.35}) {
    Structure s{{}, {}, {true, true, true}};
    for (int k = 0; k < 3; ++k) s.cell[4 * k] = 6 * lattice;
    for (int k = 0; k < 216; ++k) {
      for (const int n : {k % 6, k / 6 % 6, k / 36}) s.positions.push_back(n * lattice);
    }
    const Batch batch({s});
    const List list = found_by(Serial{}, batch, 2 * lattice);
    std::vector<Pair> mirrored;
    for (const Pair& p : list.pairs()) mirrored.push_back({p[1], p[0], -p[2], -p[3], -p[4]});
    std::sort(mirrored.begin(), mirrored.end());
    expect(list.pairs() == mirrored, "i sees j exactly when j sees i");
    expect(list.pairs() == on_the_processor(batch, 2 * lattice).pairs(),
           "rounding decides as on the processor");
  }
}

std::string words_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

void same_errors() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Structure good{{0, 0, 0, 1, 1, 1}, {3, 0, 0, 0, 3, 0, 0, 0, 3}, {true, true, false}};
  const auto compare = [&](const std::string& expected, auto change, double cutoff = 2) {
    Structure bad = good;
    change(bad);
    const Batch batch({good, good, bad, bad});
    const std::string said = words_of([&] { on_the_processor(batch, cutoff); });
    expect(said.find(expected) != std::string::npos, "'" + said + "' is about " + expected);
    expect(words_of([&] { found_by(Serial{}, batch, cutoff); }) == said, "serial: " + said);
    expect(words_of([&] { found_by(Shuffled{}, batch, cutoff); }) == said, "shuffled: " + said);
  };
  for (const double cutoff : {0.0, -1.0, nan, infinity, 1e-10, 1e16}) {
    compare("cutoff", [](Structure&) {}, cutoff);
  }
  compare("structure 2: the position of atom 1", [&](Structure& s) { s.positions[4] = nan; });
  compare("position of atom 0", [&](Structure& s) { s.positions = {infinity, 0, 0, nan, 0, 0}; });
  compare("cell is not finite", [&](Structure& s) { s.cell[8] = nan; });
  compare("longer than 1e15", [&](Structure& s) { s.cell[1] = 1e16; });
  compare("singular", [&](Structure& s) { s.cell[0] = s.positions[0] = 0; });
  compare("singular", [&](Structure& s) { s.cell = {3, 3, 0, 3, 3, 0, 0, 0, nan}, s.cell[8] = 3; });
  compare("cells away", [&](Structure& s) { s.positions[3] = 1e300; });
  compare("rounding", [&](Structure& s) { s.positions[0] = 1e14; });
  compare("too large", [](Structure&) {}, 1e6);
  compare("no error", [](Structure& s) { s.cell[8] = 0; });

  Batch borders({good, good});
  borders.first_atom = {0, 3, 2};
  expect(words_of([&] { found_by(Shuffled{}, borders, 2); }).find("first_atom") == 0, "borders");
  borders.first_atom = {-5, 3, 4};
  expect(words_of([&] { found_by(Serial{}, borders, 2); }).find("first_atom") == 0, "borders");
}

}  // namespace

int main() {
  equal_to_reference();
  equal_to_the_list_of_the_processor();
  order_of_threads_changes_nothing();
  far_apart();
  symmetric_at_the_cutoff();
  same_errors();
  std::printf(failures == 0 ? "all right\n" : "%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}
