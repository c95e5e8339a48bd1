// The hot loops of sums over neighbours, for a few edges of one centre at a time. One copy for each
// instruction set; `sum_kernels` tells which of them runs here.
//
// This header and the copies use nothing but raw pointers (instruction_sets.h says why). Channels
// run fastest everywhere, in rows of `row` numbers, a multiple of kPadding, padded with zeros.
#pragma once

#include <cstdint>

#include "harmonic_tables.h"

namespace mlip {

// Edges that are treated together.
constexpr int kChunk = 16;

constexpr int kPadding = 16;

// Edges of one centre, `count` of them.
template <class T>
struct Chunk {
  int l_max, l_sent, count;
  int64_t row;
  const T* weights;      // [edge][n_weights][row]
  const T* harmonics;    // [lm][kChunk]
  const T* const* sent;  // of each edge: [component][row]

  int n_weights() const { return l_max + 1 + (l_sent > 0 ? l_sent + 1 : 0); }
  int n_harmonics() const { return (l_max + 1) * (l_max + 1); }
};

// Derivatives in the same shapes: weights and harmonics are written, those by what is sent added.
template <class T>
struct ChunkGradients {
  T *weights, *harmonics;
  T* const* sent;
};

// Where the edges of a chunk are, and in a table of radial functions.
template <class T>
struct Places {
  T x[kChunk], y[kChunk], z[kChunk];  // unit vectors
  T inverse_r[kChunk];                // 1 / Å
  T along[kChunk];                    // -1 to 1 along the interval
  int64_t interval[kChunk];           // -1 beyond the cutoff
};

template <class T>
struct SumKernels {
  const char* name;
  // Adds to sums [n_sums][row]. `room` is for 2 kChunk rows for each weight of an edge.
  void (*sums)(const Chunk<T>& chunk, T* room, T* sums);
  void (*gradients)(const Chunk<T>& chunk, const T* by_sums, T* room, const ChunkGradients<T>& to);
  // Adds to by_by_sums.
  void (*second)(const Chunk<T>& chunk, const Chunk<T>& along, const T* by_sums, T* room,
                 T* by_by_sums, const ChunkGradients<T>& to);

  // Harmonics [lm][kChunk] of unit variance.
  void (*harmonics)(const HarmonicTables<T>& tables, const Places<T>& places, T* harmonics);
  // by_unit[axis][kChunk] of the polynomials that harmonics are.
  void (*lower)(const HarmonicTables<T>& tables, const T* harmonics, const T* by_harmonics,
                T* by_unit);
  // weights[edge][n_weights][row], and their slopes along the interval unless null.
  void (*radial)(const T* table, int n_weights, int64_t row, int count, const Places<T>& places,
                 T* weights, T* slopes);
  T (*dot)(int64_t count, const T* a, const T* b);
};

// Those that this machine runs fastest; levels as in soap/kernels.h.
constexpr int kBestSumLevel = 2;
template <class T>
SumKernels<T> sum_kernels(int level = kBestSumLevel);

}  // namespace mlip
