// The vectors of edges and sums over them as a GPU computes them, run on the processor and compared
// with its own loops; meant to run with sanitizers. Prints what failed and returns 1.
#include <cstdio>
#include <string>
#include <vector>

#include "checks.h"
#include "edge_cases.h"
#include "edges_gpu/pipeline.h"
#include "machines.h"

namespace {

std::vector<double> vectors_on_gpu(const Case& c) {
  Shuffled machine;
  ExactMemory memory;
  std::vector<double> vectors(3 * c.centres.size(), 7.0);
  mlip::gpu::write_vectors(mlip::kEdgeVectors, c.view(), c.positions.data(), c.cells.data(),
                           c.rows.data(), memory.take<uint64_t>(1), vectors.data(), machine);
  return vectors;
}

// by_positions and then by_cells.
template <class Row>
std::vector<double> sums_on_gpu(const Case& c, const std::vector<double>& by_vectors,
                                const std::vector<Row>& rows, uint64_t seed) {
  Shuffled machine(seed);
  ExactMemory memory;
  std::vector<double> by_positions(c.positions.size(), 7.0), by_cells(c.cells.size(), 7.0);
  const auto place = mlip::gpu::edge_sum_place_in(memory, c.view());
  mlip::gpu::write_sums(mlip::kEdgeSums, c.view(), by_vectors.data(), rows.data(), place,
                        by_positions.data(), by_cells.data(), machine);
  return joined(by_positions, by_cells);
}

// To rounding; and the same to the last bit in whatever order the threads work.
void equal_to_the_processor(const Case& c, const std::string& name) {
  const std::vector<double> vectors = vectors_of(c, 1);
  expect(farthest(vectors_on_gpu(c), vectors) < 1e-15, name + ": vectors");
  std::mt19937_64 random(3);
  const auto by = random_numbers<double>(vectors.size(), random);
  const auto of_rows = sums_on_gpu(c, by, c.rows, 1), of_vectors = sums_on_gpu(c, by, vectors, 1);
  expect(farthest(of_rows, sums_of(c, by, c.rows, 1)) < 1e-13, name + ": sums with rows");
  expect(farthest(of_vectors, sums_of(c, by, vectors, 1)) < 1e-13, name + ": sums with vectors");
  expect(sums_on_gpu(c, by, c.rows, 2) == of_rows, name + ": sums in any order");
}

// In the same words as on the processor.
void errors() {
  const Case good = random_case(5, 2, 600);
  const auto vectors = vectors_of(good, 1);
  const auto said = [&](const Case& c, bool of_sums) {
    return of_sums ? said_by([&] { sums_on_gpu(c, vectors, c.rows, 1); })
                   : said_by([&] { vectors_on_gpu(c); });
  };
  const auto same_words = [&](auto change) {
    Case bad = good;
    change(bad);
    const std::string expected = said_by([&] { vectors_of(bad, 1); });
    for (const bool of_sums : {false, true}) {
      const std::string words = said(bad, of_sums);
      expect(expected != "nothing" && words == expected, "'" + words + "' is '" + expected + "'");
    }
  };
  same_words([](Case& c) { c.centres.back() = 5; });
  same_words([](Case& c) { c.neighbours.front() = c.neighbours.back() = -1; });
  same_words([](Case& c) { c.structure.back() = 2; });
  same_words([](Case& c) { c.structure.front() = c.centres.back() = -1; });
  same_words([](Case& c) { c.structure.front() = c.neighbours[30] = -1; });
  Case bad = good;
  std::swap(bad.centres.front(), bad.centres.back());
  expect(said(bad, true) == mlip::centres_decrease(mlip::kEdgeSums), "centres decrease");
  expect(farthest(vectors_on_gpu(bad), vectors_of(bad, 1)) < 1e-15, "vectors in any order");
  bad = good;
  std::swap(bad.structure.front(), bad.structure.back());
  expect(said(bad, true).find("in the order of their structures") != std::string::npos,
         "atoms out of order");
}

}  // namespace

int main() {
  equal_to_the_processor(random_case(1, 1, 0), "no edges");
  equal_to_the_processor(random_case(1, 1, 1), "one edge");
  equal_to_the_processor(random_case(30, 3, 700), "three structures");
  equal_to_the_processor(random_case(30, 3, 7), "atoms without edges");
  equal_to_the_processor(random_case(500, 2, 3000), "more atoms than parts");
  equal_to_the_processor(random_case(3, 1, 900), "crowded");
  errors();
  std::printf(failures ? "%d failures\n" : "edges on a GPU: all right\n", failures);
  return failures != 0;
}
