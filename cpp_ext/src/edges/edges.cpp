#include "mlip/edges.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "formulas.h"
#include "problems.h"
#include "threads.h"

namespace mlip {
namespace {

// A thread is worth waking for about this many edges, a tenth of a millisecond.
constexpr int64_t kEdgesPerPart = 20'000;
// Each part of a sum has derivatives by all positions of its own.
constexpr int64_t kMostParts = 8;

int64_t parts_of(const Edges& edges) {
  return std::clamp<int64_t>(edges.n_edges / kEdgesPerPart, 1, kMostParts);
}

// Calls work(part, first edge, last edge) for every part. They are the same for any number of
// threads.
template <class Work>
void in_parts(const Edges& edges, int threads, const Work& work) {
  const int64_t parts = parts_of(edges), used = std::clamp<int64_t>(threads, 1, parts);
  in_threads(static_cast<int>(used), [&](int thread) {
    for (int64_t part = thread; part < parts; part += used) {
      work(part, edges.n_edges * part / parts, edges.n_edges * (part + 1) / parts);
    }
  });
}

void check_ends(const Edges& edges, int64_t edge) {
  const int64_t centre = edges.centres[edge], neighbour = edges.neighbours[edge];
  if (is_below(centre, edges.n_atoms) && is_below(neighbour, edges.n_atoms)) return;
  throw std::invalid_argument(joins_no_atoms(edges, edge, centre, neighbour));
}

int64_t structure_of(const Edges& edges, int64_t atom) {
  const int64_t structure = edges.structure[atom];
  if (is_below(structure, edges.n_structures)) return structure;
  throw std::invalid_argument(of_no_structure(edges, atom, structure));
}

// Calls act(structure, centre, first edge, last edge) for edges that follow each other and have
// their centre in common, as those of neighbour lists do.
template <class Act>
void for_each_centre(const Edges& edges, int64_t first, int64_t last, const Act& act) {
  while (first < last) {
    int64_t end = first;
    do {
      check_ends(edges, end++);
    } while (end < last && edges.centres[end] == edges.centres[first]);
    const int64_t centre = edges.centres[first];
    act(structure_of(edges, centre), centre, first, end);
    first = end;
  }
}

// What the edges of one part add up to.
template <class Row>
void sum_part(const Edges& edges, const double* by_vectors, const Row* rows, int64_t first,
              int64_t last, double* by_positions, double* by_cells) {
  for_each_centre(edges, first, last,
                  [&](int64_t structure, int64_t centre, int64_t e, int64_t end) {
                    double by_centre[3] = {}, by_cell[9] = {};
                    for (; e < end; ++e) {
                      const double* const by = by_vectors + 3 * e;
                      double* const by_neighbour = by_positions + 3 * edges.neighbours[e];
                      for (int c = 0; c < 3; ++c) {
                        const double row = static_cast<double>(rows[3 * e + c]);
                        by_centre[c] += by[c];
                        by_neighbour[c] += by[c];
                        for (int d = 0; d < 3; ++d) by_cell[3 * c + d] += row * by[d];
                      }
                    }
                    for (int c = 0; c < 3; ++c) by_positions[3 * centre + c] -= by_centre[c];
                    for (int c = 0; c < 9; ++c) by_cells[9 * structure + c] += by_cell[c];
                  });
}

void vectors_of_part(const Edges& edges, const double* positions, const double* cells,
                     const int64_t* rows, int64_t first, int64_t last, double* vectors) {
  for_each_centre(edges, first, last,
                  [&](int64_t structure, int64_t centre, int64_t e, int64_t end) {
                    const double* const h = cells + 9 * structure;
                    const double* const from = positions + 3 * centre;
                    for (; e < end; ++e) {
                      vector_of_edge(from, positions + 3 * edges.neighbours[e], rows + 3 * e, h,
                                     vectors + 3 * e);
                    }
                  });
}

}  // namespace

void edge_vectors(const Edges& edges, const double* positions, const double* cells,
                  const int64_t* rows, int threads, double* vectors) {
  in_parts(edges, threads, [&](int64_t, int64_t first, int64_t last) {
    vectors_of_part(edges, positions, cells, rows, first, last, vectors);
  });
}

template <class Row>
void edge_sums(const Edges& edges, const double* by_vectors, const Row* rows, int threads,
               double* by_positions, double* by_cells) {
  const int64_t of_positions = 3 * edges.n_atoms, of_cells = 9 * edges.n_structures;
  std::fill_n(by_positions, of_positions, 0.0);
  std::fill_n(by_cells, of_cells, 0.0);
  // the first part adds to the results themselves
  const int64_t more = parts_of(edges) - 1, of_part = of_positions + of_cells;
  std::vector<double> own(more * of_part, 0.0);
  in_parts(edges, threads, [&](int64_t part, int64_t first, int64_t last) {
    if (part == 0) return sum_part(edges, by_vectors, rows, first, last, by_positions, by_cells);
    double* const begin = own.data() + (part - 1) * of_part;
    sum_part(edges, by_vectors, rows, first, last, begin, begin + of_positions);
  });
  for (int64_t part = 0; part < more; ++part) {
    const double* const begin = own.data() + part * of_part;
    for (int64_t i = 0; i < of_positions; ++i) by_positions[i] += begin[i];
    for (int64_t i = 0; i < of_cells; ++i) by_cells[i] += begin[of_positions + i];
  }
}

template void edge_sums(const Edges&, const double*, const int64_t*, int, double*, double*);
template void edge_sums(const Edges&, const double*, const double*, int, double*, double*);

}  // namespace mlip
