// Edges by the atom they belong to and the species they lead to.
#pragma once

#include <cstdint>
#include <vector>

#include "mlip/soap.h"

namespace mlip {

struct Environments {
  // Edges of atom i to species s are order[first[i * n_species + s]] up to, not including,
  // order[first[i * n_species + s + 1]], in the order in which they were given.
  std::vector<int64_t> first, order;
  int n_species;

  int64_t begin(int64_t atom, int species = 0) const { return first[atom * n_species + species]; }
};

// Throws std::invalid_argument if an index is out of range.
template <class T>
Environments environments(const SoapEdges<T>& edges, int n_species);

// Borders [parts + 1] that give each part about as many edges.
std::vector<int64_t> even_parts(const Environments& environments, int64_t n_atoms, int parts);

}  // namespace mlip
