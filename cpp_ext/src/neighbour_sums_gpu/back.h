// The way back from sums to edges, some edges at a time by a crew of threads. A crew does
// `for_each(n, work)`: work(0), ..., work(n - 1) in any order or at once, all done and seen by all
// when it ends; each of them writes numbers that no other reads or writes.
#pragma once

#include <cstdint>

#include "arrays.h"
#include "degrees.h"
#include "gpu/moving.h"
#include "sums.h"

namespace mlip::gpu {

// Where dE/d(weight) goes: into an array,
template <class T>
struct IntoWeights {
  T* by_weights;  // [n_edges][n_weights][n_channels]
  int64_t n_weights, n_channels;

  template <class Number>
  MLIP_BOTH T take(int64_t e, int w, int64_t c, T, Number by) const {
    by_weights[(e * n_weights + w) * n_channels + c] = asked(by);
    return 0;
  }
};

// or on to dE/dt of the place in a table, which adds up what is returned.
template <class T>
struct IntoPlace {
  MLIP_BOTH T take(int64_t, int, int64_t, T slope, T by) const { return slope * by; }
};

// For each kEdgesTogether edges: dE/d(weight), dE/d(harmonic) by_harmonics [n_harmonics][n_edges]
// and, unless null, by_along [n_edges].
template <class Terms, class To>
struct BackToEdges {
  using T = typename Terms::Real;
  using Number = typename Terms::Number;

  Terms terms;
  BySums<T> by_sums;
  To to;
  T *by_harmonics, *by_along;
  T* rooms;  // of room_size numbers

  static int64_t chunks(int64_t n_edges) { return (n_edges + kEdgesTogether - 1) / kEdgesTogether; }

  template <class Crew>
  MLIP_BOTH void operator()(int64_t chunk, int64_t room, const Crew& crew) const {
    const int n_sums = terms.shape.n_harmonics + 1;
    T* const own = rooms + room * n_sums * kEdgesTogether * kSideBySide;
    const int64_t first = chunk * kEdgesTogether, rest = terms.edges.n_edges - first;
    const int n = static_cast<int>(rest < kEdgesTogether ? rest : kEdgesTogether);
    crew.for_each(n * kSideBySide,
                  [&](int q) { some_channels(first + q / kSideBySide, q % kSideBySide, own + q); });
    crew.for_each(n_sums * n, [&](int q) {
      const int what = q / n, j = q % n;
      const T* const parts = own + (what * kEdgesTogether + j) * kSideBySide;
      T sum = 0;
      for (int k = 0; k < kSideBySide; ++k) sum += parts[k];
      if (what < n_sums - 1) {
        by_harmonics[what * terms.edges.n_edges + first + j] = sum;
      } else if (by_along != nullptr) {
        by_along[first + j] = sum;
      }
    });
  }

  // What every kSideBySide-th channel of an edge says; parts lie kStep numbers apart.
  static constexpr int kStep = kEdgesTogether * kSideBySide;

  MLIP_BOTH void some_channels(int64_t e, int64_t first_channel, T* parts) const {
    const SumSizes& shape = terms.shape;
    const int64_t i = terms.edges.centres[e];
    T along = 0;
    for (int l = 0; l <= shape.l_max; ++l) {
      with_components(l, [&](auto size) {
        along += harmonics<size.value>(e, i, first_channel, parts + l * l * kStep);
      });
    }
    for (int l = 0; l <= shape.l_sent && shape.l_sent > 0; ++l) {
      along += tensors(e, i, l, first_channel);
    }
    parts[shape.n_harmonics * kStep] = along;
  }

  template <int M>
  MLIP_BOTH T harmonics(int64_t e, int64_t i, int64_t first_channel, T* parts) const {
    constexpr int kDegree = M / 2, kFirst = kDegree * kDegree;
    Number harmonic[M], by_harmonic[M] = {};
    for (int m = 0; m < M; ++m) harmonic[m] = terms.harmonic(e, kFirst + m);
    T along = 0;
    for (int64_t c = first_channel; c < terms.shape.n_channels; c += kSideBySide) {
      T slope;
      const Number weight = terms.weight(e, kDegree, c, slope), sent = terms.sent(e, 0, c);
      const Number product = weight * sent;
      Number contracted = {};
      for (int m = 0; m < M; ++m) {
        const T by = by_sums(kFirst + m, i, c);
        contracted += by * harmonic[m];
        by_harmonic[m] += by * product;
      }
      along += to.take(e, kDegree, c, slope, contracted * sent);
    }
    for (int m = 0; m < M; ++m) parts[m * kStep] = asked(by_harmonic[m]);
    return along;
  }

  MLIP_BOTH T tensors(int64_t e, int64_t i, int l, int64_t first_channel) const {
    const SumSizes& shape = terms.shape;
    const int w = shape.l_max + 1 + l;
    T along = 0;
    for (int64_t c = first_channel; c < shape.n_channels; c += kSideBySide) {
      Number by_weight = {};
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        by_weight += by_sums(shape.n_harmonics + lm, i, c) * terms.sent(e, lm, c);
      }
      T slope;
      terms.weight(e, w, c, slope);
      along += to.take(e, w, c, slope, by_weight);
    }
    return along;
  }
};

}  // namespace mlip::gpu
