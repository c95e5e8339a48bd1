// Products in stages, each the work of one thread of many. A stage sees all that earlier ones
// wrote, and writes numbers that no other thread reads or writes: so results are the same every
// time.
#pragma once

#include <cstdint>

#include "gpu/moving.h"
#include "gpu/shared_words.h"
#include "gpu/split.h"
#include "tables.h"

namespace mlip::gpu {

// Threads that work on one component side by side; those of a block work on several components of
// the same atoms, whose numbers are then near.
constexpr int kSideBySide = 32;

// Factors of a product, as arrays of numbers that stay or move.
template <class Array>
struct ProductFactors {
  using Real = typename Array::Real;
  using Number = typename Array::Number;

  Array a, b, weights;
  const int64_t* elements;
  int64_t n_atoms, n_elements, n_channels;

  // Numbers of a component of a, b or the result.
  MLIP_BOTH int64_t row() const { return n_atoms * n_channels; }

  MLIP_BOTH int64_t weight_at(int64_t path, int64_t element, int64_t channel) const {
    return (path * n_elements + element) * n_channels + channel;
  }
};

// Of a grid of components and numbers of a row: which a thread has; beyond the row none.
struct ProductPlace {
  int64_t component, at;

  MLIP_BOTH ProductPlace(int64_t thread, int64_t n_components) {
    const Split split(thread / kSideBySide, n_components);
    component = split.remainder;
    at = split.quotient * kSideBySide + thread % kSideBySide;
  }

  MLIP_BOTH static int64_t threads(int64_t n_components, int64_t row) {
    return (row + kSideBySide - 1) / kSideBySide * kSideBySide * n_components;
  }
};

// The weight of the term at hand for one atom and channel; it is read when the path changes.
template <class Array>
struct WeightOfTerm {
  const ProductFactors<Array>& in;
  int64_t element, channel;
  int32_t path = -1;
  typename Array::Number value = {};

  MLIP_BOTH WeightOfTerm(const ProductFactors<Array>& in_, int64_t at) : in(in_) {
    const Split split(at, in.n_channels);
    element = in.elements[split.quotient];
    channel = split.remainder;
  }

  MLIP_BOTH typename Array::Number of(int32_t its_path) {
    if (its_path != path) {
      path = its_path;
      value = in.weights[in.weight_at(path, element, channel)];
    }
    return value;
  }
};

// For each atom: is its element known?
struct CheckElements {
  const int64_t* elements;
  int64_t n_elements;
  uint64_t* failure;

  MLIP_BOTH void operator()(int64_t i) const {
    if (elements[i] < 0 || elements[i] >= n_elements) lower_to(failure, static_cast<uint64_t>(i));
  }
};

// For each component of the result and number of a row.
template <class Array>
struct Multiply {
  using T = typename Array::Real;
  ProductFactors<Array> in;
  OrderedTerms<T> of_out;
  T* out;

  MLIP_BOTH void operator()(int64_t thread) const {
    const ProductPlace place(thread, of_out.count);
    const int64_t row = in.row();
    if (place.at >= row) return;
    WeightOfTerm<Array> weight(in, place.at);
    typename Array::Number sum = {};
    for (int32_t t = of_out.begin[place.component]; t < of_out.begin[place.component + 1]; ++t) {
      const OrderedTerm<T>& term = of_out.terms[t];
      sum +=
          weight.of(term.path) *
          (term.factor * (in.a[term.first * row + place.at] * in.b[term.second * row + place.at]));
    }
    out[place.component * row + place.at] = asked(sum);
  }
};

// For each component of a factor and number of a row: dE/d(factor).
template <class Array>
struct BackToFactor {
  using T = typename Array::Real;
  ProductFactors<Array> in;
  OrderedTerms<T> of_factor;
  Array other;
  const T* by_out;
  T* by_factor;

  MLIP_BOTH void operator()(int64_t thread) const {
    const ProductPlace place(thread, of_factor.count);
    const int64_t row = in.row();
    if (place.at >= row) return;
    WeightOfTerm<Array> weight(in, place.at);
    typename Array::Number sum = {};
    const int32_t* const begin = of_factor.begin + place.component;
    for (int32_t t = begin[0]; t < begin[1]; ++t) {
      const OrderedTerm<T>& term = of_factor.terms[t];
      const T by = term.factor * by_out[term.out * row + place.at];
      sum += weight.of(term.path) * (by * other[term.second * row + place.at]);
    }
    by_factor[place.component * row + place.at] = asked(sum);
  }
};

// For each part of the atoms, path and channel: what these atoms say about the weights of each
// element, parts [n_parts][n_paths][n_elements][n_channels].
template <class Array>
struct BackToWeights {
  using T = typename Array::Real;
  ProductFactors<Array> in;
  OrderedTerms<T> of_paths;
  const T* by_out;
  int64_t n_parts;
  T* parts;

  MLIP_BOTH void operator()(int64_t thread) const {
    const Split row(thread, in.n_channels), split(row.quotient, of_paths.count);
    const int64_t channel = row.remainder, path = split.remainder, part = split.quotient;
    T* const own = parts + part * of_paths.count * in.n_elements * in.n_channels;
    for (int64_t z = 0; z < in.n_elements; ++z) own[in.weight_at(path, z, channel)] = 0;
    const int64_t end = in.n_atoms * (part + 1) / n_parts;
    for (int64_t i = in.n_atoms * part / n_parts; i < end; ++i) {
      own[in.weight_at(path, in.elements[i], channel)] += of_atom(i, path, channel);
    }
  }

  MLIP_BOTH T of_atom(int64_t atom, int64_t path, int64_t channel) const {
    const int64_t row = in.row(), at = atom * in.n_channels + channel;
    typename Array::Number sum = {};
    for (int32_t t = of_paths.begin[path]; t < of_paths.begin[path + 1]; ++t) {
      const OrderedTerm<T>& term = of_paths.terms[t];
      const T by = term.factor * by_out[term.out * row + at];
      sum += by * (in.a[term.first * row + at] * in.b[term.second * row + at]);
    }
    return asked(sum);
  }
};

// For each weight: all parts together.
template <class T>
struct AddParts {
  const T* parts;
  int64_t n_parts, n_weights;
  T* sums;

  MLIP_BOTH void operator()(int64_t k) const {
    T sum = 0;
    for (int64_t part = 0; part < n_parts; ++part) sum += parts[part * n_weights + k];
    sums[k] = sum;
  }
};

}  // namespace mlip::gpu
