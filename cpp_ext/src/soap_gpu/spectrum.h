// The power spectrum of one atom, and the way back from it, each by a crew of threads (density.h).
// Sums are gathered by whoever writes them: nobody adds to the numbers of another.
#pragma once

#include <cstdint>

#include "density.h"

namespace mlip::gpu {

// features [n_atoms][n_features].
template <class T>
struct SoapFeatures {
  SoapInput<T> in;
  SortedEdges sorted;
  T* features;

  template <class Memory>
  MLIP_BOTH Room<T> room_in(Memory& memory) const {
    return gpu::room_in(memory, in, false);
  }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, const Room<T>& room, const Crew& crew) const {
    const Density<T, Crew> around{in, sorted, room, crew, atom};
    around.make();
    const FeatureOrder order(in.basis);
    const int n_features = static_cast<int>(order.count()), count = around.multiplied();
    T* const out = features + atom * n_features;
    crew.for_each(n_features, [&](int f) { out[f] = 0; });
    for (int a = 0; a < count; ++a) {
      if (order.with_total) {
        multiply(around, around.left(a), room.total, out + order.place(around.name(a)));
        continue;
      }
      multiply_with_itself(around, around.left(a), out + order.place(around.name(a)));
      for (int b = a + 1; b < count; ++b) {
        T* const block = out + order.place(around.name(a), around.name(b));
        multiply(around, around.left(a), around.left(b), block);
      }
    }
  }

  template <class Crew>
  MLIP_BOTH void multiply(const Density<T, Crew>& around, const T* left, const T* right,
                          T* block) const {
    const int n = in.basis.n_max, square = n * n;
    around.crew.for_each(in.degrees() * square, [&](int q) {
      block[q] = product(q / square, q % square / n, q % n, left, right);
    });
  }

  template <class Crew>
  MLIP_BOTH void multiply_with_itself(const Density<T, Crew>& around, const T* density,
                                      T* block) const {
    const int n = in.basis.n_max, square = n * n;
    around.crew.for_each(in.degrees() * square, [&](int q) {
      const int l = q / square, k = q % square / n, other = q % n;
      if (other >= k) block[place_in_half(n, l, k, other)] = product(l, k, other, density, density);
    });
  }

  // Where n <= n' of a density with itself lies.
  MLIP_BOTH static int place_in_half(int n_max, int l, int n, int other) {
    return l * (n_max * (n_max + 1) / 2) + n * n_max - n * (n - 1) / 2 + other - n;
  }

  MLIP_BOTH T product(int l, int n, int other, const T* left, const T* right) const {
    const int row = in.row;
    T sum = 0;
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
      sum += left[lm * row + n] * right[lm * row + other];
    }
    return sum;
  }
};

// From by_features [n_atoms][n_features]: by_vectors [n_edges][3] and, unless null, by_mixing
// [n_atoms][channels][n_species].
template <class T>
struct SoapGradients {
  SoapInput<T> in;
  SortedEdges sorted;
  const T* by_features;
  T *by_vectors, *by_mixing;

  template <class Memory>
  MLIP_BOTH Room<T> room_in(Memory& memory) const {
    return gpu::room_in(memory, in, true);
  }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t atom, const Room<T>& room, const Crew& crew) const {
    const Density<T, Crew> around{in, sorted, room, crew, atom};
    around.make();
    by_multiplied(around);
    if (in.basis.with_total) by_total(around);
    by_density(around);
    if (by_mixing != nullptr) write_by_mixing(around);
    for (int p = 0; p < *room.n_present; ++p) {
      lower(around, room.by_density + int64_t{p} * in.density_size());
      around.for_some_edges(room.present[p],
                            [&](int32_t begin, int n) { write_by_vectors(around, begin, n); });
    }
  }

  // ---- dE/d(density)

  // dE/d(feature) of n and n' of densities number a and b of those that are multiplied.
  template <class Crew>
  MLIP_BOTH T by_product(const Density<T, Crew>& around, int a, int b, int l, int n,
                         int other) const {
    const FeatureOrder order(in.basis);
    const T* const all = by_features + around.atom * order.count();
    const int n_max = in.basis.n_max;
    if (a == b) {
      const int low = n < other ? n : other, high = n < other ? other : n;
      return all[order.place(around.name(a)) + SoapFeatures<T>::place_in_half(n_max, l, low, high)];
    }
    const int first = a < b ? n : other, second = a < b ? other : n;
    const int64_t place = order.place(around.name(a < b ? a : b), around.name(a < b ? b : a));
    return all[place + (l * n_max + first) * n_max + second];
  }

  // The same of density a and the total.
  template <class Crew>
  MLIP_BOTH T by_product_with_total(const Density<T, Crew>& around, int a, int l, int n,
                                    int other) const {
    const FeatureOrder order(in.basis);
    const int n_max = in.basis.n_max;
    return by_features[around.atom * order.count() + order.place(around.name(a)) +
                       (l * n_max + n) * n_max + other];
  }

  MLIP_BOTH T* by_multiplied_in(const Room<T>& room) const {
    return in.basis.mixing == nullptr ? room.by_density : room.by_channels;
  }

  template <class Crew>
  MLIP_BOTH void by_multiplied(const Density<T, Crew>& around) const {
    const Room<T>& room = around.room;
    const int row = in.row, size = in.density_size(), count = around.multiplied();
    T* const out = by_multiplied_in(room);
    around.crew.for_each(count * size, [&](int q) {
      const int a = q / size, lm = q % size / row, l = degree_of(lm), n = q % row;
      T sum = 0;
      for (int k = 0; n < in.basis.n_max && k < in.basis.n_max; ++k) {
        if (in.basis.with_total) {
          sum += by_product_with_total(around, a, l, n, k) * room.total[lm * row + k];
          continue;
        }
        for (int b = 0; b < count; ++b) {
          const T times = a == b && n == k ? T(2) : T(1);
          sum += times * by_product(around, a, b, l, n, k) * around.left(b)[lm * row + k];
        }
      }
      out[q] = sum;
    });
  }

  template <class Crew>
  MLIP_BOTH void by_total(const Density<T, Crew>& around) const {
    const int row = in.row, size = in.density_size(), count = around.multiplied();
    around.crew.for_each(size, [&](int q) {
      const int lm = q / row, l = degree_of(lm), k = q % row;
      T sum = 0;
      for (int n = 0; k < in.basis.n_max && n < in.basis.n_max; ++n) {
        for (int a = 0; a < count; ++a) {
          sum += by_product_with_total(around, a, l, n, k) * around.left(a)[lm * row + n];
        }
      }
      around.room.by_total[q] = sum;
    });
  }

  // From those of channels or the total to those of the species.
  template <class Crew>
  MLIP_BOTH void by_density(const Density<T, Crew>& around) const {
    const Room<T>& room = around.room;
    const int size = in.density_size();
    if (!around.mixed() && !in.basis.with_total) return;
    around.crew.for_each(*room.n_present * size, [&](int q) {
      if (!around.mixed()) {
        room.by_density[q] += room.by_total[q % size];
        return;
      }
      T sum = 0;
      for (int c = 0; c < in.basis.channels; ++c) {
        sum += around.mixing(c, q / size) * room.by_channels[c * size + q % size];
      }
      room.by_density[q] = sum;
    });
  }

  template <class Crew>
  MLIP_BOTH void write_by_mixing(const Density<T, Crew>& around) const {
    const Room<T>& room = around.room;
    const int size = in.density_size(), n_species = in.basis.n_species;
    const int channels = in.basis.channels, n_present = *room.n_present;
    T* const out = by_mixing + around.atom * channels * n_species;
    around.crew.for_each(channels * n_species, [&](int q) { out[q] = 0; });
    around.crew.for_each(channels * n_present, [&](int q) {
      const int c = q / n_present, p = q % n_present;
      T sum = 0;
      for (int k = 0; k < size; ++k)
        sum += room.by_channels[c * size + k] * room.density[p * size + k];
      out[c * n_species + room.present[p]] = sum;
    });
  }

  // ---- dE/d(vector)

  // by_density times dt/dr of the radial table, and what it asks of the harmonics one degree lower
  // when neighbours move along x, y, z.
  template <class Crew>
  MLIP_BOTH void lower(const Density<T, Crew>& around, const T* by_density) const {
    const int row = in.row;
    const T steepness = static_cast<T>(2 * in.basis.intervals / in.basis.cutoff);
    around.crew.for_each(4 * in.density_size(), [&](int q) {
      const int lm = q / (4 * row), axis = q / row % 4 - 1, n = q % row;
      T sum = 0;
      if (axis < 0) {
        sum = steepness * by_density[lm * row + n];
      } else {
        const int32_t* const first = in.lowering.first + 3 * lm + axis;
        for (int32_t i = first[0]; i < first[1]; ++i) {
          const Lowering<T>& term = in.lowering.terms[i];
          sum += term.factor * by_density[term.upper * row + n];
        }
      }
      around.room.lowered[q] = sum;
    });
  }

  template <class Crew>
  MLIP_BOTH void write_by_vectors(const Density<T, Crew>& around, int32_t begin, int n) const {
    const Room<T>& room = around.room;
    const int degrees = in.degrees();
    around.expand(begin, n, true);
    around.crew.for_each(degrees * kTogether, [&](int q) {
      if (q % kTogether < n) add_parts(room, q / kTogether, q % kTogether);
    });
    around.crew.for_each(n, [&](int j) {
      T total[4] = {0, 0, 0, 0};
      for (int l = 0; l < degrees; ++l) {
        for (int a = 0; a < 4; ++a) total[a] += room.parts[(4 * l + a) * kTogether + j];
      }
      const T u[3] = {room.x[j], room.y[j], room.z[j]};
      join_gradient(total[0], total + 1, u, room.inverse_r[j],
                    by_vectors + 3 * int64_t{sorted.order[begin + j]});
    });
  }

  // What the harmonics of degree l say about neighbour j.
  MLIP_BOTH void add_parts(const Room<T>& room, int l, int j) const {
    const int row = in.row, degrees = in.degrees();
    const T* const slopes = room.slopes + (j * degrees + l) * row;
    const T* const above = room.radial + (j * degrees + l + 1) * row;
    T parts[4] = {0, 0, 0, 0};
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
      const T harmonic = room.harmonics[lm * kTogether + j];
      const T* const lowered = room.lowered + 4 * lm * row;
      for (int n = 0; n < in.basis.n_max; ++n) {
        parts[0] += harmonic * lowered[n] * slopes[n];
        for (int a = 1; l + 1 < degrees && a < 4; ++a) {
          parts[a] += harmonic * lowered[a * row + n] * above[n];
        }
      }
    }
    for (int a = 0; a < 4; ++a) room.parts[(4 * l + a) * kTogether + j] = parts[a];
  }
};

}  // namespace mlip::gpu
