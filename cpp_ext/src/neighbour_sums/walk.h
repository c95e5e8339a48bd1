// Who works on which centres, in what memory: shared by sums with given and with tabulated weights.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels.h"
#include "mlip/neighbour_sums.h"

namespace mlip {

// The first edge of each centre.
class Centres {
 public:
  // Throws std::invalid_argument if an index is out of range or centres decrease.
  explicit Centres(const SumEdges& edges);

  int64_t begin(int64_t centre) const { return first_[centre]; }

  // Calls act(first edge, number of edges) for a few edges of a centre at a time.
  template <class Act>
  void in_chunks(int64_t centre, const Act& act) const {
    const int64_t end = begin(centre + 1);
    for (int64_t e = begin(centre); e < end; e += kChunk) {
      act(e, static_cast<int>(end - e < kChunk ? end - e : kChunk));
    }
  }

  // Calls work(part, first centre, last centre) for `parts` parts with about as many edges each.
  void in_parts(int parts, const std::function<void(int, int64_t, int64_t)>& work) const;

  // Parts that are worth a thread each.
  int useful_parts(const SumShape& shape, int threads) const;

 private:
  std::vector<int64_t> first_;
};

// Rows of channels of atoms, [atom][component][row], out of [component][atom][channel].
template <class T>
class Rows {
 public:
  Rows(int n_components, int64_t n_atoms, int64_t n_channels);

  void read(const T* all);
  void clear() { numbers_.assign(n_components_ * n_atoms_ * row_, 0); }
  void add(const Rows& other);
  void write(T* all) const;
  int64_t row() const { return row_; }
  T* of(int64_t atom) { return numbers_.data() + atom * n_components_ * row_; }
  const T* of(int64_t atom) const { return numbers_.data() + atom * n_components_ * row_; }

 private:
  int n_components_;
  int64_t n_atoms_, n_channels_, row_;
  std::vector<T> numbers_;
};

// The same for one atom of many.
template <class T>
class OneRow {
 public:
  OneRow(int n_components, int64_t n_atoms, int64_t n_channels);

  T* read(const T* all, int64_t atom);
  T* zeros();
  void write(T* all, int64_t atom) const;

 private:
  int n_components_;
  int64_t n_atoms_, n_channels_, row_;
  std::vector<T> numbers_;
};

// What each part adds up for itself, if it is wanted, and all of it together.
template <class T>
class SentGradients {
 public:
  SentGradients(int parts, const SumShape& shape, const SumEdges& edges, bool wanted);

  // Zeros; null if it is not wanted.
  Rows<T>* of(int part) {
    if (parts_.empty()) return nullptr;
    parts_[part].clear();
    return &parts_[part];
  }
  void write(T* all);

 private:
  std::vector<Rows<T>> parts_;
};

}  // namespace mlip
