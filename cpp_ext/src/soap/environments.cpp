#include "environments.h"

#include <algorithm>
#include <stdexcept>

#include "problems.h"

namespace mlip {
namespace {

template <class T>
void check(const SoapEdges<T>& edges, int n_species) {
  for (int64_t i = 0; i < edges.n_atoms; ++i) {
    if (edges.species[i] < 0 || edges.species[i] >= n_species) {
      throw std::invalid_argument(unknown_species(i, edges.species[i], n_species));
    }
  }
  for (int64_t e = 0; e < edges.n_edges; ++e) {
    const int64_t i = edges.centres[e], j = edges.neighbours[e];
    if (i < 0 || i >= edges.n_atoms || j < 0 || j >= edges.n_atoms) {
      throw std::invalid_argument(no_such_atoms(e, i, j, edges.n_atoms));
    }
  }
}

}  // namespace

template <class T>
Environments environments(const SoapEdges<T>& edges, int n_species) {
  check(edges, n_species);
  Environments found{{}, std::vector<int64_t>(edges.n_edges), n_species};
  found.first.assign(edges.n_atoms * n_species + 1, 0);
  const auto row = [&](int64_t e) {
    return edges.centres[e] * n_species + edges.species[edges.neighbours[e]];
  };
  for (int64_t e = 0; e < edges.n_edges; ++e) ++found.first[row(e) + 1];
  for (size_t k = 1; k < found.first.size(); ++k) found.first[k] += found.first[k - 1];
  std::vector<int64_t> next(found.first.begin(), found.first.end() - 1);
  for (int64_t e = 0; e < edges.n_edges; ++e) found.order[next[row(e)]++] = e;
  return found;
}

template Environments environments(const SoapEdges<float>&, int);
template Environments environments(const SoapEdges<double>&, int);

std::vector<int64_t> even_parts(const Environments& environments, int64_t n_atoms, int parts) {
  std::vector<int64_t> borders(parts + 1, n_atoms);
  borders[0] = 0;
  int64_t atom = 0;
  for (int part = 1; part < parts; ++part) {
    const int64_t wanted = static_cast<int64_t>(environments.order.size()) * part / parts;
    while (atom < n_atoms && environments.begin(atom) < wanted) ++atom;
    borders[part] = atom;
  }
  return borders;
}

}  // namespace mlip
