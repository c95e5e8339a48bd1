// Random edges, their vectors and sums over them.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "checks.h"
#include "mlip/edges.h"

// Random edges within structures. The arrays are exactly as long as they must be, so that the
// sanitizer sees the first number read beyond.
struct Case {
  std::vector<int64_t> centres, neighbours, structure, rows;
  std::vector<double> positions, cells;

  mlip::Edges view() const {
    return {centres.data(),
            neighbours.data(),
            static_cast<int64_t>(centres.size()),
            structure.data(),
            static_cast<int64_t>(structure.size()),
            static_cast<int64_t>(cells.size() / 9)};
  }
};

inline Case random_case(int64_t n_atoms, int64_t n_structures, int64_t n_edges) {
  std::mt19937_64 random(n_edges);
  Case c;
  for (int64_t a = 0; a < n_atoms; ++a) c.structure.push_back(a * n_structures / n_atoms);
  c.positions = random_numbers<double>(3 * n_atoms, random);
  c.cells = random_numbers<double>(9 * n_structures, random);
  for (int64_t e = 0; e < n_edges; ++e) {
    c.centres.push_back(e * n_atoms / n_edges);
    c.neighbours.push_back(static_cast<int64_t>(random() % n_atoms));
    for (int d = 0; d < 3; ++d) c.rows.push_back(static_cast<int64_t>(random() % 5) - 2);
  }
  return c;
}

inline std::vector<double> vectors_of(const Case& c, int threads) {
  std::vector<double> vectors(3 * c.centres.size());
  mlip::edge_vectors(c.view(), c.positions.data(), c.cells.data(), c.rows.data(), threads,
                     vectors.data());
  return vectors;
}

// by_positions and then by_cells.
template <class Row>
std::vector<double> sums_of(const Case& c, const std::vector<double>& by_vectors,
                            const std::vector<Row>& rows, int threads) {
  std::vector<double> sums(c.positions.size() + c.cells.size(), 7.0);
  mlip::edge_sums(c.view(), by_vectors.data(), rows.data(), threads, sums.data(),
                  sums.data() + c.positions.size());
  return sums;
}

inline std::vector<double> joined(std::vector<double> a, const std::vector<double>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
