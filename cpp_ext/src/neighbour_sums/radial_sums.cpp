// Sums with weights that are radial functions in a table, and harmonics of the directions.
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "harmonic_formulas.h"
#include "harmonics.h"
#include "kernels.h"
#include "mlip/neighbour_sums.h"
#include "problems.h"
#include "radial_formulas.h"
#include "walk.h"

namespace mlip {
namespace {

// Everything that does not change from centre to centre.
template <class T>
struct Setting {
  const SumShape& shape;
  const SumEdges& edges;
  const SumTable<T>& table;
  const T* vectors;
  Centres centres;
  Harmonics<T> harmonics;
  SumKernels<T> run;
  Rows<T> sent;

  Setting(const SumShape& shape_, const SumEdges& edges_, const SumTable<T>& table_,
          const T* vectors_, const T* sent_)
      : shape(shape_),
        edges(edges_),
        table(table_),
        vectors(vectors_),
        centres(edges_),
        harmonics(shape_.l_max),
        run(sum_kernels<T>()),
        sent(shape_.n_sent(), edges_.n_senders, shape_.n_channels) {
    sent.read(sent_);
  }

  int64_t weights_size() const { return shape.n_weights() * sent.row(); }
  int64_t harmonics_size() const { return shape.n_harmonics() * kChunk; }
};

// A few edges of one centre at a time. Memory is kept from chunk to chunk.
template <class T>
class Some {
 public:
  explicit Some(const Setting<T>& setting)
      : s_(setting),
        harmonics_(s_.harmonics_size()),
        by_harmonics_(s_.harmonics_size(), 0),
        weights_(kChunk * s_.weights_size()),
        slopes_(kChunk * s_.weights_size()),
        by_weights_(kChunk * s_.weights_size()),
        room_(2 * kChunk * s_.weights_size()) {}

  void add_to_sums(int64_t begin, int count, T* sums) {
    s_.run.sums(expand(begin, count, nullptr), room_.data(), sums);
  }

  // by_sent is null if it is not wanted.
  void gradients(int64_t begin, int count, const T* by_sums, Rows<T>* by_sent, T* by_vectors) {
    const Chunk<T> chunk = expand(begin, count, slopes_.data());
    for (int e = 0; by_sent && e < count; ++e) {
      by_senders_[e] = by_sent->of(s_.edges.neighbours[begin + e]);
    }
    s_.run.gradients(chunk, by_sums, room_.data(),
                     {by_weights_.data(), by_harmonics_.data(), by_sent ? by_senders_ : nullptr});
    T by_unit[3 * kChunk];
    s_.run.lower(s_.harmonics.tables(), harmonics_.data(), by_harmonics_.data(), by_unit);
    const T steepness = static_cast<T>(2 * s_.table.intervals / s_.table.cutoff);
    for (int e = 0; e < count; ++e) {
      const int64_t at = e * s_.weights_size();
      const T along =
          steepness * s_.run.dot(s_.weights_size(), slopes_.data() + at, by_weights_.data() + at);
      const T unit[3] = {places_.x[e], places_.y[e], places_.z[e]};
      const T by[3] = {by_unit[e], by_unit[kChunk + e], by_unit[2 * kChunk + e]};
      join_gradient(along, by, unit, places_.inverse_r[e], by_vectors + 3 * (begin + e));
    }
  }

 private:
  Chunk<T> expand(int64_t begin, int count, T* slopes) {
    for (int e = 0; e < kChunk; ++e) locate(begin + (e < count ? e : 0), e);
    s_.run.harmonics(s_.harmonics.tables(), places_, harmonics_.data());
    s_.run.radial(s_.table.coefficients, s_.shape.n_weights(), s_.sent.row(), count, places_,
                  weights_.data(), slopes);
    for (int e = 0; e < count; ++e) senders_[e] = s_.sent.of(s_.edges.neighbours[begin + e]);
    return {s_.shape.l_max,  s_.shape.l_sent,   count,   s_.sent.row(),
            weights_.data(), harmonics_.data(), senders_};
  }

  void locate(int64_t edge, int e) {
    const T* const v = s_.vectors + 3 * edge;
    const T r = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (!(r > 0 && r <= std::numeric_limits<T>::max())) fail(edge, r);
    const T inverse = 1 / r;
    places_.x[e] = v[0] * inverse;
    places_.y[e] = v[1] * inverse;
    places_.z[e] = v[2] * inverse;
    places_.inverse_r[e] = inverse;
    int32_t interval;
    places_.along[e] = place_in_table(r, static_cast<T>(s_.table.intervals / s_.table.cutoff),
                                      static_cast<int32_t>(s_.table.intervals - 1), interval);
    places_.interval[e] = r < static_cast<T>(s_.table.cutoff) ? interval : -1;
  }

  [[noreturn]] void fail(int64_t edge, T r) const {
    throw std::invalid_argument(
        no_direction_between(s_.edges.centres[edge], s_.edges.neighbours[edge], r == 0));
  }

  const Setting<T>& s_;
  Places<T> places_;
  std::vector<T> harmonics_, by_harmonics_, weights_, slopes_, by_weights_, room_;
  const T* senders_[kChunk];
  T* by_senders_[kChunk];
};

}  // namespace

template <class T>
void radial_sums(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                 const T* vectors, const T* sent, int threads, T* sums) {
  const Setting<T> setting(shape, edges, table, vectors, sent);
  const int parts = setting.centres.useful_parts(shape, threads);
  setting.centres.in_parts(parts, [&](int, int64_t begin, int64_t end) {
    Some<T> some(setting);
    OneRow<T> total(shape.n_sums(), edges.n_centres, shape.n_channels);
    for (int64_t i = begin; i < end; ++i) {
      T* const to = total.zeros();
      setting.centres.in_chunks(i, [&](int64_t e, int count) { some.add_to_sums(e, count, to); });
      total.write(sums, i);
    }
  });
}

template <class T>
void radial_sum_gradients(const SumShape& shape, const SumEdges& edges, const SumTable<T>& table,
                          const T* vectors, const T* sent, const T* by_sums, int threads,
                          T* by_vectors, T* by_sent) {
  const Setting<T> setting(shape, edges, table, vectors, sent);
  const int parts = setting.centres.useful_parts(shape, threads);
  SentGradients<T> all_by_sent(parts, shape, edges, by_sent != nullptr);
  setting.centres.in_parts(parts, [&](int part, int64_t begin, int64_t end) {
    Some<T> some(setting);
    OneRow<T> by(shape.n_sums(), edges.n_centres, shape.n_channels);
    Rows<T>* const own = all_by_sent.of(part);
    for (int64_t i = begin; i < end; ++i) {
      const T* const by_centre = by.read(by_sums, i);
      setting.centres.in_chunks(
          i, [&](int64_t e, int count) { some.gradients(e, count, by_centre, own, by_vectors); });
    }
  });
  all_by_sent.write(by_sent);
}

template void radial_sums(const SumShape&, const SumEdges&, const SumTable<float>&, const float*,
                          const float*, int, float*);
template void radial_sums(const SumShape&, const SumEdges&, const SumTable<double>&, const double*,
                          const double*, int, double*);
template void radial_sum_gradients(const SumShape&, const SumEdges&, const SumTable<float>&,
                                   const float*, const float*, const float*, int, float*, float*);
template void radial_sum_gradients(const SumShape&, const SumEdges&, const SumTable<double>&,
                                   const double*, const double*, const double*, int, double*,
                                   double*);

}  // namespace mlip
