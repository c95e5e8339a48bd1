// Sums with weights that are given for each edge.
#include "mlip/neighbour_sums.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "walk.h"

namespace mlip {
namespace {

// Some edges of one centre out of all, with rows of channels that are padded.
template <class T>
class Edges {
 public:
  Edges(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in, const Rows<T>& sent)
      : shape_(shape),
        edges_(edges),
        in_(in),
        sent_(sent),
        weights_(shape.n_channels == sent.row() ? 0 : kChunk * shape.n_weights() * sent.row(), 0),
        harmonics_(shape.n_harmonics() * kChunk, 0) {}

  Chunk<T> read(int64_t begin, int count) {
    for (int lm = 0; lm < shape_.n_harmonics(); ++lm) {
      std::copy_n(in_.harmonics + lm * edges_.n_edges + begin, count,
                  harmonics_.data() + lm * kChunk);
    }
    for (int e = 0; e < count; ++e) senders_[e] = sent_.of(edges_.neighbours[begin + e]);
    return {shape_.l_max,          shape_.l_sent,     count,   sent_.row(),
            weights(begin, count), harmonics_.data(), senders_};
  }

 private:
  const T* weights(int64_t begin, int count) {
    const int64_t n = shape_.n_channels;
    const T* const from = in_.weights + begin * shape_.n_weights() * n;
    if (weights_.empty()) return from;
    for (int k = 0; k < count * shape_.n_weights(); ++k) {
      std::copy_n(from + k * n, n, weights_.data() + k * sent_.row());
    }
    return weights_.data();
  }

  const SumShape& shape_;
  const SumEdges& edges_;
  const SumInput<T>& in_;
  const Rows<T>& sent_;
  std::vector<T> weights_, harmonics_;
  const T* senders_[kChunk];
};

// Where derivatives by some edges of one centre are written.
template <class T>
class EdgeGradients {
 public:
  EdgeGradients(const SumShape& shape, const SumEdges& edges, const SumGradients<T>& all,
                Rows<T>& sent)
      : shape_(shape),
        edges_(edges),
        all_(all),
        sent_(sent),
        weights_(kChunk * shape.n_weights() * sent.row()),
        harmonics_(shape.n_harmonics() * kChunk) {}

  ChunkGradients<T> prepare(int64_t begin, int count) {
    for (int e = 0; e < count; ++e) senders_[e] = sent_.of(edges_.neighbours[begin + e]);
    return {is_padded() ? weights_.data() : place(begin), harmonics_.data(), senders_};
  }
  void write(int64_t begin, int count) {
    for (int lm = 0; lm < shape_.n_harmonics(); ++lm) {
      std::copy_n(harmonics_.data() + lm * kChunk, count,
                  all_.harmonics + lm * edges_.n_edges + begin);
    }
    if (!is_padded()) return;
    for (int k = 0; k < count * shape_.n_weights(); ++k) {
      std::copy_n(weights_.data() + k * sent_.row(), shape_.n_channels,
                  place(begin) + k * shape_.n_channels);
    }
  }

 private:
  bool is_padded() const { return sent_.row() != shape_.n_channels; }
  T* place(int64_t begin) { return all_.weights + begin * shape_.n_weights() * shape_.n_channels; }

  const SumShape& shape_;
  const SumEdges& edges_;
  const SumGradients<T>& all_;
  Rows<T>& sent_;
  std::vector<T> weights_, harmonics_;
  T* senders_[kChunk];
};

template <class T>
Rows<T> read_sent(const SumShape& shape, const SumEdges& edges, const T* sent) {
  Rows<T> rows(shape.n_sent(), edges.n_senders, shape.n_channels);
  rows.read(sent);
  return rows;
}

template <class T>
std::vector<T> room_for(const SumShape& shape) {
  return std::vector<T>(2 * kChunk * shape.n_weights() * sum_table_row(shape.n_channels));
}

}  // namespace

template <class T>
void neighbour_sums(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                    int threads, T* sums) {
  const Centres centres(edges);
  const SumKernels<T> run = sum_kernels<T>();
  const Rows<T> sent = read_sent(shape, edges, in.sent);
  centres.in_parts(centres.useful_parts(shape, threads), [&](int, int64_t begin, int64_t end) {
    Edges<T> some(shape, edges, in, sent);
    std::vector<T> room = room_for<T>(shape);
    OneRow<T> total(shape.n_sums(), edges.n_centres, shape.n_channels);
    for (int64_t i = begin; i < end; ++i) {
      T* const to = total.zeros();
      centres.in_chunks(
          i, [&](int64_t e, int count) { run.sums(some.read(e, count), room.data(), to); });
      total.write(sums, i);
    }
  });
}

template <class T>
void neighbour_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                             const T* by_sums, int threads, const SumGradients<T>& gradients) {
  const Centres centres(edges);
  const SumKernels<T> run = sum_kernels<T>();
  const Rows<T> sent = read_sent(shape, edges, in.sent);
  const int parts = centres.useful_parts(shape, threads);
  SentGradients<T> by_sent(parts, shape, edges, true);
  centres.in_parts(parts, [&](int part, int64_t begin, int64_t end) {
    Edges<T> some(shape, edges, in, sent);
    EdgeGradients<T> to(shape, edges, gradients, *by_sent.of(part));
    std::vector<T> room = room_for<T>(shape);
    OneRow<T> by(shape.n_sums(), edges.n_centres, shape.n_channels);
    for (int64_t i = begin; i < end; ++i) {
      const T* const by_centre = by.read(by_sums, i);
      centres.in_chunks(i, [&](int64_t e, int count) {
        run.gradients(some.read(e, count), by_centre, room.data(), to.prepare(e, count));
        to.write(e, count);
      });
    }
  });
  by_sent.write(gradients.sent);
}

template <class T>
void neighbour_sum_second(const SumShape& shape, const SumEdges& edges, const SumInput<T>& in,
                          const T* by_sums, const SumInput<T>& along, int threads, T* by_by_sums,
                          const SumGradients<T>& gradients) {
  const Centres centres(edges);
  const SumKernels<T> run = sum_kernels<T>();
  const Rows<T> sent = read_sent(shape, edges, in.sent);
  const Rows<T> sent_along = read_sent(shape, edges, along.sent);
  const int parts = centres.useful_parts(shape, threads);
  SentGradients<T> by_sent(parts, shape, edges, true);
  centres.in_parts(parts, [&](int part, int64_t begin, int64_t end) {
    Edges<T> some(shape, edges, in, sent), some_along(shape, edges, along, sent_along);
    EdgeGradients<T> to(shape, edges, gradients, *by_sent.of(part));
    std::vector<T> room = room_for<T>(shape);
    OneRow<T> by(shape.n_sums(), edges.n_centres, shape.n_channels);
    OneRow<T> by_by(shape.n_sums(), edges.n_centres, shape.n_channels);
    for (int64_t i = begin; i < end; ++i) {
      const T* const by_centre = by.read(by_sums, i);
      T* const total = by_by.zeros();
      centres.in_chunks(i, [&](int64_t e, int count) {
        run.second(some.read(e, count), some_along.read(e, count), by_centre, room.data(), total,
                   to.prepare(e, count));
        to.write(e, count);
      });
      by_by.write(by_by_sums, i);
    }
  });
  by_sent.write(gradients.sent);
}

template void neighbour_sums(const SumShape&, const SumEdges&, const SumInput<float>&, int, float*);
template void neighbour_sums(const SumShape&, const SumEdges&, const SumInput<double>&, int,
                             double*);
template void neighbour_sum_gradients(const SumShape&, const SumEdges&, const SumInput<float>&,
                                      const float*, int, const SumGradients<float>&);
template void neighbour_sum_gradients(const SumShape&, const SumEdges&, const SumInput<double>&,
                                      const double*, int, const SumGradients<double>&);
template void neighbour_sum_second(const SumShape&, const SumEdges&, const SumInput<float>&,
                                   const float*, const SumInput<float>&, int, float*,
                                   const SumGradients<float>&);
template void neighbour_sum_second(const SumShape&, const SumEdges&, const SumInput<double>&,
                                   const double*, const SumInput<double>&, int, double*,
                                   const SumGradients<double>&);

}  // namespace mlip
