// The vectors of edges and the transpose of that map, by hand.
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "checks.h"
#include "edge_cases.h"

namespace {

std::vector<double> vectors_by_hand(const Case& c) {
  std::vector<double> vectors;
  for (size_t e = 0; e < c.centres.size(); ++e) {
    const double* const cell = c.cells.data() + 9 * c.structure[c.centres[e]];
    for (int d = 0; d < 3; ++d) {
      double v = c.positions[3 * c.neighbours[e] + d] - c.positions[3 * c.centres[e] + d];
      for (int k = 0; k < 3; ++k) v += static_cast<double>(c.rows[3 * e + k]) * cell[3 * k + d];
      vectors.push_back(v);
    }
  }
  return vectors;
}

void test_against_hand(const Case& c) {
  const std::vector<double> vectors = vectors_of(c, 1);
  expect(farthest(vectors, vectors_by_hand(c)) < 1e-14, "vectors are those by hand");
  std::mt19937_64 random(3);
  const auto by_vectors = random_numbers<double>(vectors.size(), random);
  const auto sums = sums_of(c, by_vectors, c.rows, 1);
  const auto inputs = joined(c.positions, c.cells);
  expect(std::fabs(dot(by_vectors, vectors) - dot(sums, inputs)) <= 1e-11 * vectors.size(),
         "sums are the transpose of vectors");
  const std::vector<double> real_rows(c.rows.begin(), c.rows.end());
  expect(sums == sums_of(c, by_vectors, real_rows, 1), "rows may be real numbers");
  for (int threads : {2, 3, 16}) {
    expect(vectors == vectors_of(c, threads), "vectors do not depend on threads");
    expect(sums == sums_of(c, by_vectors, c.rows, threads), "sums do not depend on threads");
  }
}

void test_problems() {
  const Case good = random_case(5, 2, 60000);
  const auto fails = [&](const std::string& words, auto change) {
    Case bad = good;
    change(bad);
    for (int threads : {1, 3}) {
      raises(words, [&] { vectors_of(bad, threads); });
      raises(words, [&] { sums_of(bad, vectors_by_hand(good), bad.rows, threads); });
    }
  };
  fails("edge 59999 joins atoms 5 and", [](Case& c) { c.centres.back() = 5; });
  fails("edge 0 joins atoms 0 and -1", [](Case& c) { c.neighbours.front() = -1; });
  fails("atom 4 is of structure 2 of 2", [](Case& c) { c.structure.back() = 2; });
  fails("atom 0 is of structure -1 of 2", [](Case& c) { c.structure.front() = -1; });
}

}  // namespace

int main() {
  test_against_hand(random_case(1, 1, 0));
  test_against_hand(random_case(1, 1, 1));
  test_against_hand(random_case(30, 3, 700));
  test_against_hand(random_case(500, 2, 130000));
  test_against_hand(random_case(20, 1, 400000));
  test_problems();
  if (failures == 0) std::printf("edges: all as they should be\n");
  return failures == 0 ? 0 : 1;
}
