// Sums over the neighbours of atoms in equivariant message passing, and their derivatives.
//
// For centre i, channel c and harmonic lm, edges e from i to j:
//
//   sums[lm][i][c]  = sum_e weights[e][l][c] sent[0][j][c] harmonics[lm][e]
//   sums[H + lm][i][c] = sum_e weights[e][l_max + 1 + l][c] sent[lm][j][c]
//
// with H = (l_max + 1)^2 and the second line only if l_sent > 0, for l up to l_sent. The weights
// are given, or are functions of the distance in a table.
//
// Plain C++17: no torch, no Python, no global state. T is float or double.
#pragma once

#include <cstdint>

namespace mlip {

constexpr int kSumsMostDegrees = 6;

struct SumShape {
  int l_max;   // 0 to kSumsMostDegrees
  int l_sent;  // 0 to kSumsMostDegrees
  int64_t n_channels;

  int n_harmonics() const { return (l_max + 1) * (l_max + 1); }
  int n_sent() const { return (l_sent + 1) * (l_sent + 1); }
  int n_sums() const { return n_harmonics() + (l_sent > 0 ? n_sent() : 0); }
  int n_weights() const { return l_max + 1 + (l_sent > 0 ? l_sent + 1 : 0); }
};

// Everything is borrowed.
struct SumEdges {
  const int64_t* centres;     // [n_edges], non-decreasing, 0 to n_centres - 1
  const int64_t* neighbours;  // [n_edges], 0 to n_senders - 1
  int64_t n_edges, n_centres, n_senders;
};

template <class T>
struct SumInput {
  const T* weights;    // [n_edges][n_weights][n_channels]
  const T* harmonics;  // [n_harmonics][n_edges]
  const T* sent;       // [n_sent][n_senders][n_channels]
};

// Derivatives, in the shapes of the input.
template <class T>
struct SumGradients {
  T *weights, *harmonics, *sent;
};

// All functions throw std::invalid_argument, with words that name the edge, if an index is out of
// range or centres decrease. `threads` is the most that may be used; results do not depend on it,
// but for the last digits of derivatives by what is sent, which are always the same for as many
// threads.
template <class T>
void neighbour_sums(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                    int threads, T* sums);

// From dE/d(sums).
template <class T>
void neighbour_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                             const T* by_sums, int threads, const SumGradients<T>& gradients);

// With L = the sum of those gradients times `along`: the derivatives of L by by_sums and the input.
template <class T>
void neighbour_sum_second(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                          const T* by_sums, const SumInput<T>& along, int threads, T* by_by_sums,
                          const SumGradients<T>& gradients);

// ------------------------------------------------------------- weights that are radial functions

// Functions are polynomials of this degree on each interval.
template <class T>
constexpr int kSumTableDegree = sizeof(T) == 4 ? 5 : 9;

// Rows of channels in a table are padded with zeros to this length.
constexpr int64_t sum_table_row(int64_t n_channels) { return (n_channels + 15) / 16 * 16; }

template <class T>
struct SumTable {
  // [intervals][n_weights][kSumTableDegree<T> + 1][sum_table_row]: coefficients, constant first, in
  // t = -1..1 along each of the equal intervals from 0 to the cutoff.
  const T* coefficients;
  int64_t intervals;
  double cutoff;  // Å; edges of this length and longer count for nothing
};

// The sums with weights from the table and the harmonics of the directions of `vectors`
// [n_edges][3], real and of unit variance over the sphere, m = -l..l. Also throws if a vector is
// zero or not finite.
template <class T>
void radial_sums(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                 const T* vectors, const T* sent, int threads, T* sums);

// From dE/d(sums): the derivatives by the vectors and by what is sent, null if that is not wanted.
template <class T>
void radial_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                          const T* vectors, const T* sent, const T* by_sums, int threads,
                          T* by_vectors, T* by_sent);

}  // namespace mlip
