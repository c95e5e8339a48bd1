// The hot loops themselves, for any width of vector registers. Included once in each kernels_*.cpp.
//
// What a degree l adds is kept in registers, 2 l + 1 rows of some channels: M = 2 l + 1 below.
#pragma once

#include "kernels.h"
#include "mlip/neighbour_sums.h"
#include "simd.h"

namespace mlip {
namespace {

template <class T, int Bytes>
struct SumLoops {
  using Part = typename Simd<T, Bytes>::Vector;
  static constexpr int kWidth = Simd<T, Bytes>::kWidth;
  static constexpr int kTerms = kSumTableDegree<T> + 1;

  static Part at(const T* from) { return load<Part>(from); }
  static void add(T* to, Part value) { store(to, load<Part>(to) + value); }

  // ------------------------------------------------------------------ sums over harmonics of a
  // degree

  // sums[m] += sum_e harmonics[m][e] rows[e], for V vectors of channels
  template <int M, int V>
  static void accumulate(int count, const T* harmonics, const T* rows, int64_t step, int64_t row,
                         T* sums) {
    Part sum[M][V];
    for (int m = 0; m < M; ++m) {
      for (int v = 0; v < V; ++v) sum[m][v] = at(sums + m * row + v * kWidth);
    }
    for (int e = 0; e < count; ++e) {
      Part value[V];
      for (int v = 0; v < V; ++v) value[v] = at(rows + e * step + v * kWidth);
      for (int m = 0; m < M; ++m) {
        for (int v = 0; v < V; ++v) sum[m][v] += value[v] * harmonics[m * kChunk + e];
      }
    }
    for (int m = 0; m < M; ++m) {
      for (int v = 0; v < V; ++v) store(sums + m * row + v * kWidth, sum[m][v]);
    }
  }

  // rows[e] = sum_m harmonics[m][e] sums[m]
  template <int M, int V>
  static void contract(int count, const T* harmonics, const T* sums, int64_t step, int64_t row,
                       T* rows) {
    Part of[M][V];
    for (int m = 0; m < M; ++m) {
      for (int v = 0; v < V; ++v) of[m][v] = at(sums + m * row + v * kWidth);
    }
    for (int e = 0; e < count; ++e) {
      Part value[V] = {};
      for (int m = 0; m < M; ++m) {
        for (int v = 0; v < V; ++v) value[v] += of[m][v] * harmonics[m * kChunk + e];
      }
      for (int v = 0; v < V; ++v) store(rows + e * step + v * kWidth, value[v]);
    }
  }

  // out[m][e] = sum_c sums[m] rows[e]
  template <int M>
  static void dots(int count, const T* sums, const T* rows, int64_t step, int64_t row, T* out) {
    for (int e = 0; e < count; ++e) {
      Part sum[M] = {};
      for (int64_t c = 0; c < row; c += kWidth) {
        const Part value = at(rows + e * step + c);
        for (int m = 0; m < M; ++m) sum[m] += value * at(sums + m * row + c);
      }
      for (int m = 0; m < M; ++m) out[m * kChunk + e] = total<Bytes>(sum[m]);
    }
  }

  template <int B>
  static T total(typename Simd<T, B>::Vector v) {
    if constexpr (Simd<T, B>::kWidth == 2) {
      return v[0] + v[1];
    } else {
      using Half = typename Simd<T, B / 2>::Vector;
      T lanes[Simd<T, B>::kWidth];
      store(lanes, v);
      return total<B / 2>(load<Half>(lanes) + load<Half>(lanes + Simd<T, B>::kWidth / 2));
    }
  }

  // Vectors of channels at once: as many as registers allow.
  static constexpr int kAtOnce = Bytes == 64 ? 2 : 1;

  template <int M>
  static void accumulate_all(int count, const T* harmonics, const T* rows, int64_t step,
                             int64_t row, T* sums) {
    int64_t c = 0;
    for (; c + kAtOnce * kWidth <= row; c += kAtOnce * kWidth) {
      accumulate<M, kAtOnce>(count, harmonics, rows + c, step, row, sums + c);
    }
    for (; c < row; c += kWidth) {
      accumulate<M, 1>(count, harmonics, rows + c, step, row, sums + c);
    }
  }

  template <int M>
  static void contract_all(int count, const T* harmonics, const T* sums, int64_t step, int64_t row,
                           T* rows) {
    int64_t c = 0;
    for (; c + kAtOnce * kWidth <= row; c += kAtOnce * kWidth) {
      contract<M, kAtOnce>(count, harmonics, sums + c, step, row, rows + c);
    }
    for (; c < row; c += kWidth) contract<M, 1>(count, harmonics, sums + c, step, row, rows + c);
  }

  // Calls act(M as a type, l) for each degree.
  template <int M>
  struct Size {
    static constexpr int value = M;
  };
  template <class Act>
  static void each_degree(int l_max, const Act& act) {
    if (l_max >= 0) act(Size<1>(), 0);
    if (l_max >= 1) act(Size<3>(), 1);
    if (l_max >= 2) act(Size<5>(), 2);
    if (l_max >= 3) act(Size<7>(), 3);
    if (l_max >= 4) act(Size<9>(), 4);
    if (l_max >= 5) act(Size<11>(), 5);
    if (l_max >= 6) act(Size<13>(), 6);
  }

  // ------------------------------------------------------------------------------- whole chunks

  // Steps of a chunk: of rows in `room`, [edge][l][row], and of rows of weights.
  struct Steps {
    int64_t row, room, weights;
    explicit Steps(const Chunk<T>& chunk)
        : row(chunk.row),
          room((chunk.l_max + 1) * chunk.row),
          weights(chunk.n_weights() * chunk.row) {}
  };

  static void accumulate_rows(const Chunk<T>& chunk, const T* harmonics, const T* rows, T* sums) {
    const Steps step(chunk);
    each_degree(chunk.l_max, [&](auto size, int l) {
      accumulate_all<size.value>(chunk.count, harmonics + l * l * kChunk, rows + l * step.row,
                                 step.room, step.row, sums + l * l * step.row);
    });
  }

  static void contract_rows(const Chunk<T>& chunk, const T* harmonics, const T* sums, T* rows) {
    const Steps step(chunk);
    each_degree(chunk.l_max, [&](auto size, int l) {
      contract_all<size.value>(chunk.count, harmonics + l * l * kChunk, sums + l * l * step.row,
                               step.room, step.row, rows + l * step.row);
    });
  }

  static void dot_rows(const Chunk<T>& chunk, const T* sums, const T* rows, T* by_harmonics) {
    const Steps step(chunk);
    each_degree(chunk.l_max, [&](auto size, int l) {
      dots<size.value>(chunk.count, sums + l * l * step.row, rows + l * step.row, step.room,
                       step.row, by_harmonics + l * l * kChunk);
    });
  }

  static void sums(const Chunk<T>& chunk, T* room, T* sums) {
    const Steps step(chunk);
    for (int e = 0; e < chunk.count; ++e) {
      const T *weights = chunk.weights + e * step.weights, *sent = chunk.sent[e];
      for (int l = 0; l <= chunk.l_max; ++l) {
        T* const to = room + e * step.room + l * step.row;
        for (int64_t c = 0; c < step.row; c += kWidth) {
          store(to + c, at(weights + l * step.row + c) * at(sent + c));
        }
      }
      add_tensors(chunk, weights, sent, sums);
    }
    accumulate_rows(chunk, chunk.harmonics, room, sums);
  }

  // What neighbours send, weighted by degree.
  static void add_tensors(const Chunk<T>& chunk, const T* weights, const T* sent, T* sums) {
    const int64_t row = chunk.row;
    for (int l = 0; l <= chunk.l_sent && chunk.l_sent > 0; ++l) {
      const T* const weight = weights + (chunk.l_max + 1 + l) * row;
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        T* const to = sums + (chunk.n_harmonics() + lm) * row;
        for (int64_t c = 0; c < row; c += kWidth)
          add(to + c, at(weight + c) * at(sent + lm * row + c));
      }
    }
  }

  static void gradients(const Chunk<T>& chunk, const T* by_sums, T* room,
                        const ChunkGradients<T>& to) {
    const Steps step(chunk);
    T *const contracted = room, *const products = room + kChunk * step.room;
    contract_rows(chunk, chunk.harmonics, by_sums, contracted);
    for (int e = 0; e < chunk.count; ++e) {
      const T *weights = chunk.weights + e * step.weights, *sent = chunk.sent[e];
      T* const by_weights = to.weights + e * step.weights;
      for (int64_t c = 0; c < step.row; c += kWidth) {
        const Part value = at(sent + c);
        Part by_sent = {};
        for (int l = 0; l <= chunk.l_max; ++l) {
          const Part weight = at(weights + l * step.row + c);
          const Part by = at(contracted + e * step.room + l * step.row + c);
          store(by_weights + l * step.row + c, by * value);
          store(products + e * step.room + l * step.row + c, weight * value);
          by_sent += by * weight;
        }
        if (to.sent != nullptr) add(to.sent[e] + c, by_sent);
      }
      if (chunk.l_sent == 0) continue;
      tensor_weights(chunk, by_sums, sent, by_weights);
      if (to.sent != nullptr) tensors_back(chunk, by_sums, weights, to.sent[e]);
    }
    dot_rows(chunk, by_sums, products, to.harmonics);
  }

  // Derivatives by the weights of tensors.
  static void tensor_weights(const Chunk<T>& chunk, const T* by_sums, const T* sent,
                             T* by_weights) {
    const int64_t row = chunk.row;
    for (int l = 0; l <= chunk.l_sent; ++l) {
      for (int64_t c = 0; c < row; c += kWidth) {
        Part sum = {};
        for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
          sum += at(by_sums + (chunk.n_harmonics() + lm) * row + c) * at(sent + lm * row + c);
        }
        store(by_weights + (chunk.l_max + 1 + l) * row + c, sum);
      }
    }
  }

  // Adds derivatives by the tensors.
  static void tensors_back(const Chunk<T>& chunk, const T* by_sums, const T* weights, T* by_sent) {
    const int64_t row = chunk.row;
    for (int l = 0; l <= chunk.l_sent; ++l) {
      const T* const weight = weights + (chunk.l_max + 1 + l) * row;
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        const T* const by = by_sums + (chunk.n_harmonics() + lm) * row;
        for (int64_t c = 0; c < row; c += kWidth) {
          add(by_sent + lm * row + c, at(weight + c) * at(by + c));
        }
      }
    }
  }

  static void second(const Chunk<T>& chunk, const Chunk<T>& along, const T* by_sums, T* room,
                     T* by_by_sums, const ChunkGradients<T>& to) {
    const Steps step(chunk);
    T *const by_products = room, *const by_moved = room + kChunk * step.room;
    T *const products = by_moved, *const moved = by_products;
    // The gradients along harmonics, and back through those along weights and what is sent.
    contract_rows(chunk, chunk.harmonics, by_sums, by_products);
    contract_rows(chunk, along.harmonics, by_sums, by_moved);
    for (int e = 0; e < chunk.count; ++e) {
      const T *weights = chunk.weights + e * step.weights, *sent = chunk.sent[e];
      const T *weights_along = along.weights + e * step.weights, *sent_along = along.sent[e];
      T* const by_weights = to.weights + e * step.weights;
      for (int64_t c = 0; c < step.row; c += kWidth) {
        const Part value = at(sent + c), value_along = at(sent_along + c);
        Part by_sent = {};
        for (int l = 0; l <= chunk.l_max; ++l) {
          const int64_t place = e * step.room + l * step.row + c;
          const Part weight = at(weights + l * step.row + c);
          const Part weight_along = at(weights_along + l * step.row + c);
          const Part by = at(by_products + place), by_along = at(by_moved + place);
          store(by_weights + l * step.row + c, by * value_along + by_along * value);
          by_sent += by * weight_along + by_along * weight;
          store(products + place, weight * value);
          store(moved + place, weight_along * value + weight * value_along);
        }
        add(to.sent[e] + c, by_sent);
      }
      if (chunk.l_sent == 0) continue;
      tensor_weights(chunk, by_sums, sent_along, by_weights);
      tensors_back(chunk, by_sums, weights_along, to.sent[e]);
      add_tensors(chunk, weights_along, sent, by_by_sums);
      add_tensors(chunk, weights, sent_along, by_by_sums);
    }
    dot_rows(chunk, by_sums, moved, to.harmonics);
    accumulate_rows(chunk, chunk.harmonics, moved, by_by_sums);
    accumulate_rows(chunk, along.harmonics, products, by_by_sums);
  }

  // ------------------------------------------------------------------- harmonics of directions

  static void harmonics(const HarmonicTables<T>& tables, const Places<T>& places, T* out) {
    const T* next = tables.recursion + 1;
    for (int e = 0; e < kChunk; ++e) out[e] = 1;  // of unit variance, so that all others are
    for (int l = 1; l <= tables.l_max; ++l) {
      T* const row = out + kChunk * (l * l + l);
      const T* const below = out + kChunk * ((l - 1) * (l - 1) + l - 1);
      const T* const second = out + kChunk * ((l - 2) * (l - 2) + l - 2);
      for (int m = 0; m < l; ++m) {
        const T up = *next++,
                back = *next++;  // back is 0 for m = l - 1, of which `second` has none
        for (int signed_m = m; signed_m >= -m; signed_m -= m ? 2 * m : 1) {
          const T* const from = below + kChunk * signed_m;
          const T* const before = m < l - 1 ? second + kChunk * signed_m : from;
          T* const to = row + kChunk * signed_m;
          for (int e = 0; e < kChunk; ++e) to[e] = up * places.z[e] * from[e] - back * before[e];
        }
      }
      const T factor = *next++;
      const T *const cosine = below + kChunk * (l - 1), *const sine = below - kChunk * (l - 1);
      for (int e = 0; e < kChunk; ++e) {
        const T c = factor * cosine[e], s = l > 1 ? factor * sine[e] : 0;
        row[kChunk * l + e] = places.x[e] * c - places.y[e] * s;
        row[e - kChunk * l] = places.y[e] * c + places.x[e] * s;
      }
    }
  }

  static void lower(const HarmonicTables<T>& tables, const T* harmonics, const T* by_harmonics,
                    T* by_unit) {
    for (int i = 0; i < 3 * kChunk; ++i) by_unit[i] = 0;
    for (int i = 0; i < tables.n_lowering; ++i) {
      const Lowering<T>& term = tables.lowering[i];
      const T* const by = by_harmonics + term.upper * kChunk;
      const T* const from = harmonics + term.lower * kChunk;
      T* const to = by_unit + term.axis * kChunk;
      for (int e = 0; e < kChunk; ++e) to[e] += term.factor * by[e] * from[e];
    }
  }

  // ---------------------------------------------------------------------------- radial functions

  static void radial(const T* table, int n_weights, int64_t row, int count, const Places<T>& places,
                     T* weights, T* slopes) {
    const int64_t size = n_weights * row;
    for (int e = 0; e < count; ++e) {
      T* const value = weights + e * size;
      T* const slope = slopes ? slopes + e * size : nullptr;
      if (places.interval[e] < 0) {
        for (int64_t c = 0; c < size; ++c) value[c] = 0;
        for (int64_t c = 0; c < size && slope; ++c) slope[c] = 0;
        continue;
      }
      const T* const from = table + places.interval[e] * size * kTerms;
      for (int w = 0; w < n_weights; ++w) {
        const T* const coefficients = from + w * row * kTerms;
        if (slope) {
          values_and_slopes(coefficients, row, places.along[e], value + w * row, slope + w * row);
        } else {
          values(coefficients, row, places.along[e], value + w * row);
        }
      }
    }
  }

  static void values(const T* coefficients, int64_t row, T t, T* out) {
    for (int64_t c = 0; c < row; c += kWidth) {
      Part value = at(coefficients + (kTerms - 1) * row + c);
      for (int k = kTerms - 2; k >= 0; --k) value = value * t + at(coefficients + k * row + c);
      store(out + c, value);
    }
  }

  static void values_and_slopes(const T* coefficients, int64_t row, T t, T* out, T* slopes) {
    for (int64_t c = 0; c < row; c += kWidth) {
      Part value = at(coefficients + (kTerms - 1) * row + c), slope = {};
      for (int k = kTerms - 2; k >= 0; --k) {
        slope = slope * t + value;
        value = value * t + at(coefficients + k * row + c);
      }
      store(out + c, value);
      store(slopes + c, slope);
    }
  }

  static T dot(int64_t count, const T* a, const T* b) {
    Part sum = {};
    for (int64_t i = 0; i < count; i += kWidth) sum += at(a + i) * at(b + i);
    return total<Bytes>(sum);
  }

  static SumKernels<T> all(const char* name) {
    return {name, sums, gradients, second, harmonics, lower, radial, dot};
  }
};

}  // namespace
}  // namespace mlip
