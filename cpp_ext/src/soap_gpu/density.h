// Densities of one atom, made by a crew of threads. A crew does `for_each(n, work)`: work(0), ...,
// work(n - 1) in any order or at once, all done and seen by all when it ends; each of them writes
// numbers that no other reads or writes.
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"
#include "gpu/count_before.h"
#include "harmonic_formulas.h"
#include "radial_formulas.h"

namespace mlip::gpu {

// l of the harmonic number l^2 + l + m.
MLIP_BOTH inline int degree_of(int lm) {
  int l = 0;
  while ((l + 1) * (l + 1) <= lm) ++l;
  return l;
}

template <class T, class Crew>
struct Density {
  const SoapInput<T>& in;
  const SortedEdges& sorted;
  const Room<T>& room;
  const Crew& crew;
  int64_t atom;

  // Which species there are around the atom, and where their edges begin.
  MLIP_BOTH void look_around() const {
    const int n_species = in.basis.n_species;
    crew.for_each(n_species + 1, [&](int s) {
      room.first[s] = static_cast<int32_t>(edges_before(atom * n_species + s));
    });
    crew.for_each(1, [&](int) {
      int32_t n = 0;
      for (int s = 0; s < n_species; ++s) {
        if (room.first[s] < room.first[s + 1] || s == own()) room.present[n++] = s;
      }
      *room.n_present = n;
    });
  }

  MLIP_BOTH int own() const { return static_cast<int>(in.edges.species[atom]); }

  MLIP_BOTH int64_t edges_before(int64_t row) const {
    return count_before(sorted.sorted_rows, in.edges.n_edges, row);
  }

  // Calls work(begin, n) for the sorted edges to a species, kTogether at most at a time.
  template <class Work>
  MLIP_BOTH void for_some_edges(int species, Work work) const {
    const int32_t last = room.first[species + 1];
    for (int32_t begin = room.first[species]; begin < last; begin += kTogether) {
      work(begin, last - begin < kTogether ? last - begin : kTogether);
    }
  }

  // Harmonics and radial functions of n neighbours, with slopes by t if there is room for them.
  MLIP_BOTH void expand(int32_t begin, int n, bool with_slopes) const {
    crew.for_each(n, [&](int j) {
      place(j, sorted.order[begin + j]);
      recursion(in.harmonics, room.x[j], room.y[j], room.z[j],
                Strided<T>{room.harmonics + j, kTogether});
    });
    const int row = in.row, all = in.degrees() * row;
    crew.for_each(n * all, [&](int q) {
      const int j = q / all, l = q % all / row, k = q % row;
      T slope = 0;
      room.radial[q] = radial(room.interval[j], room.along[j], l, k, slope);
      if (with_slopes) room.slopes[q] = slope;
    });
  }

  MLIP_BOTH void place(int j, int64_t edge) const {
    const T *v = in.edges.vectors + 3 * edge, x = v[0], y = v[1], z = v[2];
    const T r = std::sqrt(x * x + y * y + z * z), inverse = 1 / r;
    room.x[j] = x * inverse;
    room.y[j] = y * inverse;
    room.z[j] = z * inverse;
    room.inverse_r[j] = inverse;
    const T per_length = static_cast<T>(in.basis.intervals / in.basis.cutoff);
    const auto last = static_cast<int32_t>(in.basis.intervals - 1);
    room.along[j] = place_in_table(r, per_length, last, room.interval[j]);
    if (!(r < static_cast<T>(in.basis.cutoff))) room.interval[j] = -1;
  }

  MLIP_BOTH T radial(int32_t interval, T t, int l, int k, T& slope) const {
    if (interval < 0) return 0;
    const int row = in.row;
    constexpr int kDegree = kSoapDegree<T>;
    const T* const from =
        in.basis.radial + (int64_t{interval} * in.degrees() + l) * (kDegree + 1) * row + k;
    const auto at = [&](int power) { return from[power * row]; };
    return polynomial_with_slope<T, kDegree>(t, at, slope);
  }

  // The densities of the species present.
  MLIP_BOTH void add_up() const {
    const int row = in.row, size = in.density_size(), per_edge = in.degrees() * row;
    for (int p = 0; p < *room.n_present; ++p) {
      T* const density = room.density + int64_t{p} * size;
      const int species = room.present[p];
      const bool its_own = species == own();
      crew.for_each(size, [&](int q) { density[q] = its_own && q < row ? in.basis.own[q] : T(0); });
      for_some_edges(species, [&](int32_t begin, int n) {
        expand(begin, n, false);
        crew.for_each(size, [&](int q) {
          const int lm = q / row;
          const T* const radial = room.radial + degree_of(lm) * row + q % row;
          const T* const harmonic = room.harmonics + lm * kTogether;
          T sum = 0;
          for (int j = 0; j < n; ++j) sum += radial[j * per_edge] * harmonic[j];
          density[q] += sum;
        });
      });
    }
  }

  // What is multiplied if it is not the densities themselves.
  MLIP_BOTH void combine() const {
    const int size = in.density_size(), n_present = *room.n_present;
    if (in.basis.mixing != nullptr) {
      crew.for_each(in.basis.channels * size, [&](int q) {
        T sum = 0;
        for (int p = 0; p < n_present; ++p) {
          sum += mixing(q / size, p) * room.density[p * size + q % size];
        }
        room.channels[q] = sum;
      });
    }
    if (!in.basis.with_total) return;
    crew.for_each(size, [&](int q) {
      T sum = 0;
      for (int p = 0; p < n_present; ++p) sum += room.density[p * size + q];
      room.total[q] = sum;
    });
  }

  MLIP_BOTH T mixing(int channel, int p) const {
    return in.basis.mixing[channel * in.basis.n_species + room.present[p]];
  }

  MLIP_BOTH void make() const {
    look_around();
    add_up();
    combine();
  }

  // ---- the densities that are multiplied with each other

  MLIP_BOTH bool mixed() const { return in.basis.mixing != nullptr; }
  MLIP_BOTH int multiplied() const { return mixed() ? in.basis.channels : *room.n_present; }
  MLIP_BOTH int name(int a) const { return mixed() ? a : room.present[a]; }
  MLIP_BOTH const T* left(int a) const {
    return (mixed() ? room.channels : room.density) + int64_t{a} * in.density_size();
  }
};

}  // namespace mlip::gpu
