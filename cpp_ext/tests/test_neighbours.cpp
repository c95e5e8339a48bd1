// The core's own tests; meant to run with sanitizers. Prints what failed and returns 1.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "ascending.h"
#include "cells.h"
#include "checks.h"
#include "mlip/neighbours.h"
#include "reference.h"
#include "search.h"

namespace {

std::vector<Pair> found_pairs(mlip::NeighbourList& list, const Structure& s, double cutoff,
                              int threads = 1) {
  const int64_t first_atom[2] = {0, s.size()};
  list.find({s.positions.data(), s.cell.data(), s.periodic.data(), first_atom, 1}, cutoff, threads);
  const int64_t n = list.size();
  // Exactly as long as promised, so that the sanitizer sees the first number written beyond.
  std::vector<int64_t> centres(n), neighbours(n), shifts(3 * n);
  std::vector<double> distances(n), vectors(3 * n);
  list.write({centres.data(), neighbours.data(), shifts.data(), distances.data(), vectors.data()});
  std::vector<Pair> pairs;
  for (int64_t p = 0; p < n; ++p) {
    pairs.push_back(
        {centres[p], neighbours[p], shifts[3 * p], shifts[3 * p + 1], shifts[3 * p + 2]});
    double r2 = 0;
    for (int d = 0; d < 3; ++d) r2 += vectors[3 * p + d] * vectors[3 * p + d];
    if (std::fabs(std::sqrt(r2) - distances[p]) > 1e-12 * cutoff ||
        distances[p] > cutoff * 1.000001) {
      expect(false, "distance, vector and cutoff agree");
      break;
    }
  }
  expect(std::is_sorted(pairs.begin(), pairs.end()), "sorted by centre, neighbour and shift");
  return pairs;
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

void equal_to_reference() {
  const std::array<double, 9> cells[] = {
      {4, 0, 0, 0, 5, 0, 0, 0, 6},    {4, 0.3, 0.2, 1, 5, 0, -1, 2, 6},
      {4, 0, 0, 7, 5, 0, -6, 3, 6},   {0, 4, 0, 5, 0, 0, 0, 0.3, 6},
      {30, 0, 0, 0, 2, 0, 0, 0, 2.5}, {20, 0, 0, 1, 25, 0, 0, 0, 2.5},
  };
  std::mt19937_64 random(1);
  mlip::NeighbourList list;  // one for all: what it kept must not show
  for (const auto& cell : cells) {
    for (int periodic = 0; periodic < 8; ++periodic) {
      for (const double cutoff : {1.5, 5.0}) {
        for (const int64_t n : {0, 1, 5, 40}) {
          const Structure s = random_structure(random, n, cell, periodic, 1.0);
          expect(found_pairs(list, s, cutoff) == reference_pairs(s, cutoff, 10),
                 "same pairs as the reference, in the same order");
        }
      }
    }
  }
}

// The search itself, in every instruction set that this machine has.
void instruction_sets_agree() {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(0, 12);
  mlip::Points points;
  for (int64_t a = 0; a < 500; ++a) {
    points.all.push_back(
        {{uniform(random), uniform(random), uniform(random)}, {a, {0, 0, 0}}, true});
  }
  mlip::Cells cells;
  mlip::sort_into_cells(points, 3.0, cells);
  mlip::Grid grid = {
      cells.x.data(), cells.y.data(), cells.z.data(), cells.start.data(), {}, {}, {}, {}};
  for (int c = 0; c < 3; ++c) {
    grid.number[c] = cells.number[c];
    grid.origin[c] = cells.origin[c];
    grid.edge[c] = cells.edge[c];
    grid.inverse_edge[c] = 1 / cells.edge[c];
  }
  // A wide band of doubt, of which every other pair is taken.
  const auto odd = [](const void*, int32_t i, int32_t j) { return (i + j) % 2 == 1; };
  const mlip::Limits limits = {3.1, 2.9 * 2.9, 3.1 * 3.1, odd, nullptr};
  std::vector<int32_t> room(500 * 500 + mlip::kOverrun), counts(500), first_points, first_counts;
  mlip::NamedSearch all[mlip::kMostSearches];
  const int n = mlip::searches(all);
  for (int k = 0; k < n; ++k) {
    mlip::Found found = {room.data(), 0, static_cast<int64_t>(room.size()), nullptr};
    all[k].search(grid, limits, cells.centres.data(), 500, counts.data(), found);
    const std::vector<int32_t> result(room.data(), room.data() + found.size);
    if (k == 0) {
      first_points = result;
      first_counts = counts;
    }
    std::printf("search in %s: %d pairs\n", all[k].name, static_cast<int>(result.size()));
    expect(result == first_points && counts == first_counts && result.size() > 10000,
           std::string("same search in ") + all[k].name);
  }
}

void threads_change_nothing() {
  std::mt19937_64 random(2);
  const Structure s = random_structure(random, 9000, {45, 0, 0, 5, 45, 0, 0, -7, 45}, 7, 0.5);
  mlip::NeighbourList list;
  const std::vector<Pair> one = found_pairs(list, s, 4.0, 1);
  expect(one.size() > 100000, "a list worth sharing out");
  expect(found_pairs(list, s, 4.0, 3) == one, "three threads find the same, in the same order");
}

void nothing_at_all() {
  mlip::NeighbourList list;
  expect(list.size() == 0, "no pairs before the first search");
  const int64_t first_atom[1] = {0};
  list.find({nullptr, nullptr, nullptr, first_atom, 0}, 3.0, 0);
  expect(list.size() == 0, "no structures, no pairs");
  list.write({nullptr, nullptr, nullptr, nullptr, nullptr});
}

// More whole cells away than 32 bits can count; lengths are powers of two, so that nothing rounds.
void far_shifts() {
  const int64_t away = int64_t{1} << 33;
  Structure s{{0.5, 1, 1, 1.5 + 4.0 * away, 1, 1}, {4, 0, 0, 0, 4, 0, 0, 0, 4}, {true, true, true}};
  mlip::NeighbourList list;
  const std::vector<Pair> found = found_pairs(list, s, 2.0);
  const std::vector<Pair> expected = {{0, 1, -away, 0, 0}, {1, 0, away, 0, 0}};
  expect(found == expected, "shifts beyond 32 bits");
}

void ascending_sorts() {
  std::mt19937_64 random(5);
  mlip::Ascending ascending;
  for (const int32_t n : {1, 63, 64, 65, 4096, 4097, 300000}) {
    std::vector<int32_t> name(n), data;
    for (int32_t k = 0; k < n; ++k) name[k] = n - 1 - k;
    for (int32_t k = 0; k < n; ++k) {
      if (random() % 3 == 0 || k == 0 || k == n - 1) data.push_back(k);
    }
    std::vector<int32_t> expected;
    for (const int32_t k : data) expected.push_back(name[k]);
    std::sort(expected.begin(), expected.end());
    std::shuffle(data.begin(), data.end(), random);
    ascending.reserve(n);
    ascending.sort_names(name.data(), data.data(), static_cast<int64_t>(data.size()));
    expect(data == expected, "names in ascending order");
  }
}

void far_apart() {
  Structure s{{0, 0, 0, 1, 0, 0, 1e6, 1e6, -1e6, 1e6, 1e6, 1 - 1e6, -1e300, 1e300, 0},
              {},
              {false, false, false}};
  for (int k = 0; k < 200; ++k) {  // more points than fit one cell
    for (int d = 0; d < 3; ++d) s.positions.push_back(100.0 * k);
  }
  mlip::NeighbourList list;
  expect(found_pairs(list, s, 3.0) == reference_pairs(s, 3.0, 0), "atoms at the ends of the world");
  expect(list.kept_bytes() < 1 << 20, "they cost no memory");
}

void symmetric_at_the_cutoff() {
  // Simple cubic, with the cutoff at a shell: rounding decides, but both ways the same.
  Structure s{{}, {}, {true, true, true}};
  for (int k = 0; k < 3; ++k) s.cell[4 * k] = 6 * 0.7;
  for (int k = 0; k < 216; ++k) {
    for (const int n : {k % 6, k / 6 % 6, k / 36}) s.positions.push_back(n * 0.7);
  }
  mlip::NeighbourList list;
  std::vector<Pair> found = found_pairs(list, s, 1.4), mirrored;
  for (const Pair& p : found) mirrored.push_back({p[1], p[0], -p[2], -p[3], -p[4]});
  std::sort(mirrored.begin(), mirrored.end());
  expect(found == mirrored, "i sees j exactly when j sees i");
}

void bad_input_is_an_error() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Structure good{{0, 0, 0, 1, 1, 1}, {3, 0, 0, 0, 3, 0, 0, 0, 3}, {true, true, false}};
  mlip::NeighbourList list;
  const auto find = [&](auto change, double cutoff = 2) {
    Structure s = good;
    change(s);
    found_pairs(list, s, cutoff);
  };
  for (const double cutoff : {0.0, -1.0, nan, infinity}) {
    raises("cutoff", [&] { find([](Structure&) {}, cutoff); });
  }
  raises("position of atom 1", [&] { find([&](Structure& s) { s.positions[4] = nan; }); });
  raises("position of atom 0", [&] { find([&](Structure& s) { s.positions[2] = infinity; }); });
  raises("cell is not finite", [&] { find([&](Structure& s) { s.cell[0] = nan; }); });
  raises("cell is not finite", [&] { find([&](Structure& s) { s.cell[8] = nan; }); });
  raises("singular", [&] { find([&](Structure& s) { s.cell[0] = 0; }); });
  raises("singular", [&] { find([&](Structure& s) { s.cell = {3, 3, 0, 3, 3, 0, 0, 0, 3}; }); });
  raises("cells away", [&] { find([&](Structure& s) { s.positions[0] = 1e300; }); });
  raises("rounding", [&] { find([&](Structure& s) { s.positions[0] = 1e14; }); });
  raises("too large", [&] { find([](Structure&) {}, 1e6); });
  expect(list.size() == 0, "nothing is left after an error");
  find([&](Structure& s) { s.cell[8] = 0; });  // not periodic there
  expect(list.size() > 0, "usable after an error");
}

}  // namespace

int main() {
  std::printf("instruction set: %s\n", mlip::instruction_set());
  equal_to_reference();
  instruction_sets_agree();
  threads_change_nothing();
  ascending_sorts();
  nothing_at_all();
  far_shifts();
  far_apart();
  symmetric_at_the_cutoff();
  bad_input_is_an_error();
  std::printf(failures == 0 ? "all right\n" : "%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}
