#include "walk.h"

#include <algorithm>
#include <stdexcept>

#include "problems.h"
#include "threads.h"

namespace mlip {
namespace {

// A thread is worth its start from about this many products of weights and harmonics on.
constexpr int64_t kWorkPerThread = 2'000'000;

}  // namespace

Centres::Centres(const SumEdges& edges) : first_(edges.n_centres + 1, 0) {
  for (int64_t e = 0; e < edges.n_edges; ++e) {
    const int64_t i = edges.centres[e], j = edges.neighbours[e];
    if (i < 0 || i >= edges.n_centres || j < 0 || j >= edges.n_senders) {
      throw std::invalid_argument(no_such_edge(edges, e, i, j));
    }
    if (e > 0 && i < edges.centres[e - 1]) {
      throw std::invalid_argument(not_sorted(e, i, edges.centres[e - 1]));
    }
    ++first_[i + 1];
  }
  for (int64_t i = 0; i < edges.n_centres; ++i) first_[i + 1] += first_[i];
}

void Centres::in_parts(int parts, const std::function<void(int, int64_t, int64_t)>& work) const {
  const int64_t n_centres = static_cast<int64_t>(first_.size()) - 1;
  const auto border = [&](int part) -> int64_t {
    if (part == parts) return n_centres;
    const int64_t edge = first_.back() * part / parts;
    return std::lower_bound(first_.begin(), first_.end() - 1, edge) - first_.begin();
  };
  in_threads(parts, [&](int part) { work(part, border(part), border(part + 1)); });
}

int Centres::useful_parts(const SumShape& shape, int threads) const {
  const int64_t work = first_.back() * shape.n_channels * shape.n_sums();
  return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(threads, work / kWorkPerThread)));
}

template <class T>
Rows<T>::Rows(int n_components, int64_t n_atoms, int64_t n_channels)
    : n_components_(n_components),
      n_atoms_(n_atoms),
      n_channels_(n_channels),
      row_(sum_table_row(n_channels)) {}

template <class T>
void Rows<T>::read(const T* all) {
  clear();
  for (int k = 0; k < n_components_; ++k) {
    for (int64_t i = 0; i < n_atoms_; ++i, all += n_channels_) {
      std::copy_n(all, n_channels_, of(i) + k * row_);
    }
  }
}

template <class T>
void Rows<T>::add(const Rows& other) {
  for (size_t i = 0; i < numbers_.size(); ++i) numbers_[i] += other.numbers_[i];
}

template <class T>
void Rows<T>::write(T* all) const {
  for (int k = 0; k < n_components_; ++k) {
    for (int64_t i = 0; i < n_atoms_; ++i, all += n_channels_) {
      std::copy_n(of(i) + k * row_, n_channels_, all);
    }
  }
}

template <class T>
OneRow<T>::OneRow(int n_components, int64_t n_atoms, int64_t n_channels)
    : n_components_(n_components),
      n_atoms_(n_atoms),
      n_channels_(n_channels),
      row_(sum_table_row(n_channels)),
      numbers_(n_components * row_, 0) {}

template <class T>
T* OneRow<T>::read(const T* all, int64_t atom) {
  for (int k = 0; k < n_components_; ++k) {
    std::copy_n(all + (k * n_atoms_ + atom) * n_channels_, n_channels_, numbers_.data() + k * row_);
  }
  return numbers_.data();
}

template <class T>
T* OneRow<T>::zeros() {
  std::fill(numbers_.begin(), numbers_.end(), T(0));
  return numbers_.data();
}

template <class T>
void OneRow<T>::write(T* all, int64_t atom) const {
  for (int k = 0; k < n_components_; ++k) {
    std::copy_n(numbers_.data() + k * row_, n_channels_, all + (k * n_atoms_ + atom) * n_channels_);
  }
}

template <class T>
SentGradients<T>::SentGradients(int parts, const SumShape& shape, const SumEdges& edges,
                                bool wanted) {
  if (wanted) parts_.assign(parts, Rows<T>(shape.n_sent(), edges.n_senders, shape.n_channels));
}

template <class T>
void SentGradients<T>::write(T* all) {
  if (parts_.empty()) return;
  for (size_t part = 1; part < parts_.size(); ++part) parts_[0].add(parts_[part]);
  parts_[0].write(all);
}

template class Rows<float>;
template class Rows<double>;
template class OneRow<float>;
template class OneRow<double>;
template class SentGradients<float>;
template class SentGradients<double>;

}  // namespace mlip
