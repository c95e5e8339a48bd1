// From vectors to places in the table and harmonics, and the way back, each edge by a thread.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "arrays.h"
#include "gpu/memory.h"
#include "harmonic_formulas.h"
#include "harmonics.h"
#include "orders.h"
#include "radial_formulas.h"

namespace mlip::gpu {

// The numbers of harmonics of unit variance over the sphere as a GPU reads them: one block of
// memory to carry over.
template <class T>
class SumHarmonics {
 public:
  explicit SumHarmonics(int l_max) : numbers_(l_max) {}

  // Where everything is that was packed into `memory`.
  HarmonicTables<T> place(Memory& memory) const {
    HarmonicTables<T> tables = numbers_.tables();
    tables.recursion = memory.take<T>(size(tables));
    tables.lowering = memory.take<Lowering<T>>(tables.n_lowering);
    return tables;
  }

  std::vector<char> packed() const {
    Memory none;
    place(none);
    std::vector<char> all(none.bytes);
    Memory memory{all.data()};
    const HarmonicTables<T> tables = numbers_.tables();
    T* const recursion = memory.take<T>(size(tables));
    std::memcpy(recursion, tables.recursion, size(tables) * sizeof(T));
    recursion[0] = 1;  // that of l = 0, from which all others follow
    Lowering<T>* const lowering = memory.take<Lowering<T>>(tables.n_lowering);
    if (tables.n_lowering > 0) {
      std::memcpy(lowering, tables.lowering, tables.n_lowering * sizeof(Lowering<T>));
    }
    return all;
  }

 private:
  static int64_t size(const HarmonicTables<T>& tables) {
    return int64_t{tables.l_max + 1} * (tables.l_max + 1);
  }

  Harmonics<T> numbers_;
};

// For each edge.
template <class T>
struct Expand {
  int64_t n_edges;
  const T* vectors;
  SumTable<T> table;
  HarmonicTables<T> harmonics;
  Expansion<T> expansion;

  MLIP_BOTH void operator()(int64_t e) const {
    const T *v = vectors + 3 * e, r = length_of(v), inverse = 1 / r;
    const T per_length = static_cast<T>(table.intervals / table.cutoff);
    const auto last = static_cast<int32_t>(table.intervals - 1);
    int32_t interval;
    expansion.along[e] = place_in_table(r, per_length, last, interval);
    expansion.interval[e] = r < static_cast<T>(table.cutoff) ? interval : -1;
    recursion(harmonics, v[0] * inverse, v[1] * inverse, v[2] * inverse,
              Strided<T>{expansion.harmonics + e, n_edges});
  }
};

// For each edge: dE/d(vector).
template <class T>
struct BackToVectors {
  int64_t n_edges;
  const T* vectors;
  SumTable<T> table;
  HarmonicTables<T> harmonics;
  Expansion<T> expansion;
  T* by_vectors;

  MLIP_BOTH void operator()(int64_t e) const {
    const T *v = vectors + 3 * e, inverse = 1 / length_of(v);
    const T unit[3] = {v[0] * inverse, v[1] * inverse, v[2] * inverse};
    T x = 0, y = 0, z = 0;
    for (int k = 0; k < harmonics.n_lowering; ++k) {
      const Lowering<T>& term = harmonics.lowering[k];
      const T by = term.factor * expansion.by_harmonics[term.upper * n_edges + e] *
                   expansion.harmonics[term.lower * n_edges + e];
      x += term.axis == 0 ? by : 0;
      y += term.axis == 1 ? by : 0;
      z += term.axis == 2 ? by : 0;
    }
    const T by_unit[3] = {x, y, z};
    const T steepness = static_cast<T>(2 * table.intervals / table.cutoff);
    join_gradient(steepness * expansion.by_along[e], by_unit, unit, inverse, by_vectors + 3 * e);
  }
};

}  // namespace mlip::gpu
