// Sums over the edges of atoms, each by one thread and in the order of the edges: so they are the
// same every time.
#pragma once

#include <cstdint>

#include "arrays.h"
#include "degrees.h"
#include "gpu/moving.h"
#include "gpu/split.h"

namespace mlip::gpu {

// Of a grid of atoms, rows of each and channels: what a thread has; some have no channel.
struct SumPlace {
  int64_t atom, row, channel;

  MLIP_BOTH SumPlace(int64_t thread, int64_t n_rows, int64_t n_channels) {
    const int64_t blocks = (n_channels + kSideBySide - 1) / kSideBySide;
    const Split by_block(thread / kSideBySide, blocks), by_row(by_block.quotient, n_rows);
    atom = by_row.quotient;
    row = by_row.remainder;
    channel = by_block.remainder * kSideBySide + thread % kSideBySide;
  }

  MLIP_BOTH static int64_t threads(int64_t n_atoms, int64_t n_rows, int64_t n_channels) {
    return n_atoms * n_rows * ((n_channels + kSideBySide - 1) / kSideBySide) * kSideBySide;
  }
};

// For each centre, row of weights and channel.
template <class Terms>
struct AddUp {
  using T = typename Terms::Real;
  using Number = typename Terms::Number;

  Terms terms;
  const int32_t* of_centre;
  T* sums;

  MLIP_BOTH void operator()(int64_t thread) const {
    const SumSizes& shape = terms.shape;
    const SumPlace place(thread, shape.n_weights, shape.n_channels);
    if (place.channel >= shape.n_channels) return;
    const int w = static_cast<int>(place.row), l_max = shape.l_max;
    if (w <= l_max) {
      with_components(w, [&](auto size) { over_harmonics<size.value>(w, place); });
    } else {
      with_components(w - l_max - 1, [&](auto size) { over_tensors<size.value>(w, place); });
    }
  }

  template <int M>
  MLIP_BOTH void over_harmonics(int l, const SumPlace& place) const {
    Number sum[M] = {};
    for (int32_t e = of_centre[place.atom]; e < of_centre[place.atom + 1]; ++e) {
      T slope;
      const Number product =
          terms.weight(e, l, place.channel, slope) * terms.sent(e, 0, place.channel);
      for (int m = 0; m < M; ++m) sum[m] += product * terms.harmonic(e, l * l + m);
    }
    write<M>(l * l, sum, place);
  }

  template <int M>
  MLIP_BOTH void over_tensors(int w, const SumPlace& place) const {
    const int first = M / 2 * (M / 2);
    Number sum[M] = {};
    for (int32_t e = of_centre[place.atom]; e < of_centre[place.atom + 1]; ++e) {
      T slope;
      const Number weight = terms.weight(e, w, place.channel, slope);
      for (int m = 0; m < M; ++m) sum[m] += weight * terms.sent(e, first + m, place.channel);
    }
    write<M>(terms.shape.n_harmonics + first, sum, place);
  }

  template <int M>
  MLIP_BOTH void write(int64_t first, const Number* sum, const SumPlace& place) const {
    for (int m = 0; m < M; ++m) {
      sums[((first + m) * terms.edges.n_centres + place.atom) * terms.shape.n_channels +
           place.channel] = asked(sum[m]);
    }
  }
};

// dE/d(sums).
template <class T>
struct BySums {
  const T* at;
  int64_t n_centres, n_channels;

  MLIP_BOTH T operator()(int64_t sum, int64_t centre, int64_t channel) const {
    return at[(sum * n_centres + centre) * n_channels + channel];
  }
};

// For each sender, degree of what it sends and channel: dE/d(sent), over the edges to it.
template <class Terms>
struct BackToSent {
  using T = typename Terms::Real;
  using Number = typename Terms::Number;

  Terms terms;
  SumOrders orders;
  BySums<T> by_sums;
  T* by_sent;

  MLIP_BOTH void operator()(int64_t thread) const {
    const SumSizes& shape = terms.shape;
    const SumPlace place(thread, shape.l_sent + 1, shape.n_channels);
    if (place.channel >= shape.n_channels) return;
    with_components(static_cast<int>(place.row), [&](auto size) { of_degree<size.value>(place); });
  }

  template <int M>
  MLIP_BOTH void of_degree(const SumPlace& place) const {
    const SumSizes& shape = terms.shape;
    constexpr int kDegree = M / 2, kFirst = kDegree * kDegree;
    Number sum[M] = {};
    const int32_t end = orders.of_sender[place.atom + 1];
    for (int32_t k = orders.of_sender[place.atom]; k < end; ++k) {
      const int64_t e = orders.by_sender[k], i = terms.edges.centres[e];
      if (kDegree == 0) add_harmonics(e, i, place.channel, sum[0]);
      if (shape.l_sent == 0) continue;
      T slope;
      const Number weight = terms.weight(e, shape.l_max + 1 + kDegree, place.channel, slope);
      for (int m = 0; m < M; ++m) {
        sum[m] += by_sums(shape.n_harmonics + kFirst + m, i, place.channel) * weight;
      }
    }
    for (int m = 0; m < M; ++m) {
      by_sent[((kFirst + m) * terms.edges.n_senders + place.atom) * shape.n_channels +
              place.channel] = asked(sum[m]);
    }
  }

  MLIP_BOTH void add_harmonics(int64_t e, int64_t i, int64_t c, Number& sum) const {
    for (int l = 0; l <= terms.shape.l_max; ++l) {
      Number contracted = {};
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        contracted += by_sums(lm, i, c) * terms.harmonic(e, lm);
      }
      T slope;
      sum += terms.weight(e, l, c, slope) * contracted;
    }
  }
};

}  // namespace mlip::gpu
