#include "mlip/products.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "kernels.h"
#include "problems.h"
#include "threads.h"

namespace mlip {
namespace {

// A thread is worth its start from about this much work on: a unit for each channel of a term, and
// some for each of a component that is read or written.
constexpr int64_t kWorkPerThread = 2'000'000;
constexpr int64_t kWorkOfComponent = 4;

// Blocks of channels; the last may not be full.
struct Channels {
  int64_t count, blocks;

  explicit Channels(int64_t n) : count(n), blocks((n + kBlock - 1) / kBlock) {}
  int64_t in_block(int64_t block) const {
    return std::min<int64_t>(kBlock, count - block * kBlock);
  }
};

// Terms by what they add to.
template <class T>
class Sorted {
 public:
  // `place(term)`: the sum, and the places of its factors.
  template <class Place>
  Sorted(const std::vector<ProductTerm>& terms, const T* factors, int64_t n_sums,
         const Place& place) {
    begin_.assign(n_sums + 1, 0);
    for (const ProductTerm& term : terms) ++begin_[place(term)[0] + 1];
    for (int64_t k = 0; k < n_sums; ++k) begin_[k + 1] += begin_[k];
    std::vector<int32_t> next(begin_.begin(), begin_.end() - 1);
    terms_.resize(terms.size());
    for (size_t t = 0; t < terms.size(); ++t) {
      const std::array<int32_t, 3> at = place(terms[t]);
      terms_[next[at[0]]++] = {at[1] * kBlock, at[2] * kBlock, factors[t]};
    }
  }

  Couplings<T> sums() const {
    return {begin_.data(), static_cast<int64_t>(begin_.size()) - 1, terms_.data()};
  }

 private:
  std::vector<int32_t> begin_;
  std::vector<CoupledTerm<T>> terms_;
};

// The table in the three orders that kernels need.
template <class T>
class Coupling {
 public:
  explicit Coupling(const ProductTable<T>& table)
      : terms_(with_rows(table)),
        of_rows_(terms_, table.factors, rows_.size(),
                 [](const ProductTerm& t) { return Place{t.path, t.first, t.second}; }),
        of_a_(terms_, table.factors, table.n_first,
              [](const ProductTerm& t) { return Place{t.first, t.path, t.second}; }),
        of_b_(terms_, table.factors, table.n_second,
              [](const ProductTerm& t) { return Place{t.second, t.path, t.first}; }) {}

  BlockTable<T> table() const {
    return {rows_.data(), of_rows_.sums(), of_a_.sums(), of_b_.sums()};
  }
  std::vector<T> room() const { return std::vector<T>(2 * rows_.size() * kBlock); }

 private:
  using Place = std::array<int32_t, 3>;

  // The terms, with the row they belong to in place of the path.
  std::vector<ProductTerm> with_rows(const ProductTable<T>& table) {
    check_terms(table);
    std::vector<ProductTerm> terms(table.terms, table.terms + table.n_terms);
    for (ProductTerm& term : terms) {
      if (rows_.empty() || rows_.back().path != term.path || rows_.back().out != term.out) {
        rows_.push_back({term.path, term.out});
      }
      term.path = static_cast<int32_t>(rows_.size()) - 1;
    }
    return terms;
  }

  std::vector<CoupledRow> rows_;
  std::vector<ProductTerm> terms_;
  Sorted<T> of_rows_, of_a_, of_b_;
};

// Weights [block][element][path][kBlock], padded with zeros.
template <class T>
class PackedWeights {
 public:
  PackedWeights(int n_paths, const ProductInput<T>& in)
      : n_paths_(n_paths), n_elements_(in.n_elements), channels_(in.n_channels) {
    numbers_.assign(channels_.blocks * n_elements_ * n_paths_ * kBlock, 0);
  }

  void read(const T* weights) {
    each([&](T* packed, int64_t at, int64_t n) { std::copy_n(weights + at, n, packed); });
  }
  void add_to(T* weights) {
    each([&](const T* packed, int64_t at, int64_t n) {
      for (int64_t c = 0; c < n; ++c) weights[at + c] += packed[c];
    });
  }
  T* of(int64_t block, int64_t element) {
    return numbers_.data() + (block * n_elements_ + element) * n_paths_ * kBlock;
  }

 private:
  template <class Do>
  void each(const Do& act) {
    for (int64_t block = 0; block < channels_.blocks; ++block) {
      for (int64_t z = 0; z < n_elements_; ++z) {
        for (int64_t p = 0; p < n_paths_; ++p) {
          act(of(block, z) + p * kBlock, (p * n_elements_ + z) * channels_.count + block * kBlock,
              channels_.in_block(block));
        }
      }
    }
  }

  int64_t n_paths_, n_elements_;
  Channels channels_;
  std::vector<T> numbers_;
};

// The channels of one block and one atom out of [component][atom][channel].
template <class T>
class Block {
 public:
  Block(int components, int64_t n_atoms, int64_t n_channels)
      : components_(components), n_atoms_(n_atoms), channels_(n_channels) {
    numbers_.assign(components * kBlock, 0);
  }

  T* read(const T* all, int64_t atom, int64_t block) {
    const int64_t n = channels_.in_block(block);
    for (int k = 0; k < components_; ++k) {
      T* const row = numbers_.data() + k * kBlock;
      std::memcpy(row, all + place(k, atom, block), n * sizeof(T));
      std::fill(row + n, row + kBlock, T(0));
    }
    return numbers_.data();
  }
  T* zeros() {
    std::fill(numbers_.begin(), numbers_.end(), T(0));
    return numbers_.data();
  }
  void write(T* all, int64_t atom, int64_t block) const {
    const int64_t n = channels_.in_block(block);
    for (int k = 0; k < components_; ++k) {
      std::memcpy(all + place(k, atom, block), numbers_.data() + k * kBlock, n * sizeof(T));
    }
  }

 private:
  int64_t place(int k, int64_t atom, int64_t block) const {
    return (k * n_atoms_ + atom) * channels_.count + block * kBlock;
  }

  int components_;
  int64_t n_atoms_;
  Channels channels_;
  std::vector<T> numbers_;
};

template <class T>
void check(const ProductInput<T>& in) {
  for (int64_t i = 0; i < in.n_atoms; ++i) {
    if (in.elements[i] < 0 || in.elements[i] >= in.n_elements) {
      throw std::invalid_argument(unknown_element(i, in.elements[i], in.n_elements));
    }
  }
}

// Calls work(part, first atom, last atom) for as many parts as are worth a thread.
template <class T, class Work>
void in_parts(int parts, const ProductInput<T>& in, const Work& work) {
  in_threads(parts, [&](int part) {
    work(part, in.n_atoms * part / parts, in.n_atoms * (part + 1) / parts);
  });
}

template <class T>
int useful_parts(const ProductTable<T>& table, const ProductInput<T>& in, int threads) {
  const int64_t components = table.n_first + table.n_second + table.n_out;
  const int64_t of_channel = table.n_terms + kWorkOfComponent * components;
  const int64_t useful = in.n_atoms * in.n_channels * of_channel / kWorkPerThread;
  return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(threads, useful)));
}

// The derivatives that each thread adds up for itself.
template <class T>
class OwnWeights {
 public:
  OwnWeights(int parts, int n_paths, const ProductInput<T>& in, T* all) : all_(all) {
    size_ = all ? n_paths * in.n_elements * in.n_channels : 0;
    if (all) parts_.assign(parts, PackedWeights<T>(n_paths, in));
  }

  T* of(int part, int64_t block, int64_t element) {
    return all_ ? parts_[part].of(block, element) : nullptr;
  }
  void add_up() {
    std::fill_n(all_, size_, T(0));
    for (PackedWeights<T>& part : parts_) part.add_to(all_);
  }

 private:
  T* all_;
  int64_t size_;
  std::vector<PackedWeights<T>> parts_;
};

}  // namespace

template <class T>
void product(const ProductTable<T>& table, const ProductInput<T>& in, int threads, T* out) {
  check(in);
  const Coupling<T> coupling(table);
  const ProductKernels<T> run = product_kernels<T>();
  PackedWeights<T> weights(table.n_paths, in);
  weights.read(in.weights);
  in_parts(useful_parts(table, in, threads), in, [&](int, int64_t begin, int64_t end) {
    const auto block_of = [&](int n) { return Block<T>(n, in.n_atoms, in.n_channels); };
    std::vector<T> room = coupling.room();
    Block<T> a = block_of(table.n_first), b = block_of(table.n_second),
             result = block_of(table.n_out);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t block = 0; block < Channels(in.n_channels).blocks; ++block) {
        const T* const first = a.read(in.a, i, block);
        const T* const second = in.is_square() ? first : b.read(in.b, i, block);
        run.product(coupling.table(), {first, second, weights.of(block, in.elements[i])},
                    room.data(), result.zeros());
        result.write(out, i, block);
      }
    }
  });
}

template <class T>
void product_gradients(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                       int threads, const ProductGradients<T>& gradients) {
  check(in);
  const Coupling<T> coupling(table);
  const ProductKernels<T> run = product_kernels<T>();
  PackedWeights<T> weights(table.n_paths, in);
  weights.read(in.weights);
  const int parts = useful_parts(table, in, threads);
  OwnWeights<T> by_weights(parts, table.n_paths, in, gradients.weights);
  in_parts(parts, in, [&](int part, int64_t begin, int64_t end) {
    const auto block_of = [&](int n) { return Block<T>(n, in.n_atoms, in.n_channels); };
    std::vector<T> room = coupling.room();
    Block<T> a = block_of(table.n_first), b = block_of(table.n_second), by = block_of(table.n_out),
             by_a = block_of(table.n_first), by_b = block_of(table.n_second);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t block = 0; block < Channels(in.n_channels).blocks; ++block) {
        const T* const first = a.read(in.a, i, block);
        const T* const second = in.is_square() ? first : b.read(in.b, i, block);
        T* const to_a = by_a.zeros();
        T* const to_b = in.is_square() ? to_a : by_b.zeros();
        run.gradients(coupling.table(), {first, second, weights.of(block, in.elements[i])},
                      by.read(by_out, i, block),
                      {to_a, to_b, by_weights.of(part, block, in.elements[i]), room.data()});
        by_a.write(gradients.a, i, block);
        if (!in.is_square()) by_b.write(gradients.b, i, block);
      }
    }
  });
  by_weights.add_up();
}

template <class T>
void product_second(const ProductTable<T>& table, const ProductInput<T>& in, const T* by_out,
                    const ProductInput<T>& along, int threads, T* by_by_out,
                    const ProductGradients<T>& gradients) {
  check(in);
  const Coupling<T> coupling(table);
  const ProductKernels<T> run = product_kernels<T>();
  PackedWeights<T> weights(table.n_paths, in), weights_along(table.n_paths, in);
  weights.read(in.weights);
  if (along.weights) weights_along.read(along.weights);
  const int parts = useful_parts(table, in, threads);
  OwnWeights<T> by_weights(parts, table.n_paths, in, gradients.weights);
  in_parts(parts, in, [&](int part, int64_t begin, int64_t end) {
    const auto block_of = [&](int n) { return Block<T>(n, in.n_atoms, in.n_channels); };
    std::vector<T> room = coupling.room();
    Block<T> a = block_of(table.n_first), b = block_of(table.n_second), by = block_of(table.n_out),
             a_along = block_of(table.n_first), b_along = block_of(table.n_second),
             by_a = block_of(table.n_first), by_b = block_of(table.n_second),
             by_by = block_of(table.n_out);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t z = in.elements[i];
      for (int64_t block = 0; block < Channels(in.n_channels).blocks; ++block) {
        const T* const first = a.read(in.a, i, block);
        const T* const second = in.is_square() ? first : b.read(in.b, i, block);
        const T* const first_along = a_along.read(along.a, i, block);
        const T* const second_along =
            in.is_square() ? first_along : b_along.read(along.b, i, block);
        T* const to_a = by_a.zeros();
        T* const to_b = in.is_square() ? to_a : by_b.zeros();
        run.second(
            coupling.table(), {first, second, weights.of(block, z)}, by.read(by_out, i, block),
            {first_along, second_along, along.weights ? weights_along.of(block, z) : nullptr},
            by_by.zeros(), {to_a, to_b, by_weights.of(part, block, z), room.data()});
        by_by.write(by_by_out, i, block);
        by_a.write(gradients.a, i, block);
        if (!in.is_square()) by_b.write(gradients.b, i, block);
      }
    }
  });
  by_weights.add_up();
}

template void product(const ProductTable<float>&, const ProductInput<float>&, int, float*);
template void product(const ProductTable<double>&, const ProductInput<double>&, int, double*);
template void product_gradients(const ProductTable<float>&, const ProductInput<float>&,
                                const float*, int, const ProductGradients<float>&);
template void product_gradients(const ProductTable<double>&, const ProductInput<double>&,
                                const double*, int, const ProductGradients<double>&);
template void product_second(const ProductTable<float>&, const ProductInput<float>&, const float*,
                             const ProductInput<float>&, int, float*,
                             const ProductGradients<float>&);
template void product_second(const ProductTable<double>&, const ProductInput<double>&,
                             const double*, const ProductInput<double>&, int, double*,
                             const ProductGradients<double>&);

}  // namespace mlip
