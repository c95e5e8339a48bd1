#include "mlip/soap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "environments.h"
#include "feature_order.h"
#include "harmonics.h"
#include "kernels.h"
#include "problems.h"
#include "threads.h"

namespace mlip {
namespace {

// A thread is worth waking for about this many edges, a fifth of a millisecond.
constexpr int64_t kEdgesPerThread = 800;

// Everything that does not change from atom to atom.
template <class T>
struct Setting {
  const SoapBasis<T>& basis;
  const SoapEdges<T>& edges;
  Environments environments;
  Harmonics<T> harmonics;
  Kernels<T> run;
  int64_t row;           // N
  int64_t density_size;  // numbers in the density of one species
  int64_t n_features;

  Setting(const SoapBasis<T>& basis_, const SoapEdges<T>& edges_)
      : basis(basis_),
        edges(edges_),
        environments(mlip::environments(edges_, basis_.n_species)),
        harmonics(basis_.l_max),
        run(kernels<T>(basis_.n_max)),
        row(soap_row(basis_.n_max)),
        density_size((basis_.l_max + 1) * (basis_.l_max + 1) * row),
        n_features(soap_features_per_atom(basis_)) {}
};

// One atom at a time: its neighbours, its densities, and what is made of them. Memory is kept from
// atom to atom.
template <class T>
class Atom {
 public:
  explicit Atom(const Setting<T>& setting)
      : s_(setting), tables_(setting.harmonics.tables()), run_(setting.run) {}

  void features(int64_t atom, T* out) {
    expand(atom, false);
    std::fill(out, out + s_.n_features, T(0));
    const int l_max = s_.basis.l_max, n_max = s_.basis.n_max;
    for_each_block([&](int a, int b, int64_t place) {
      if (a == b) {
        run_.own_spectrum(l_max, n_max, left(a), out + place);
      } else {
        run_.spectrum(l_max, n_max, left(a), b < 0 ? total_.data() : left(b), out + place);
      }
    });
  }

  void gradients(int64_t atom, const T* by_features, T* by_vectors, T* by_mixing) {
    expand(atom, true);
    by_multiplied_.assign(multiplied_.size(), 0);
    by_total_.assign(total_.size(), 0);
    const int l_max = s_.basis.l_max, n_max = s_.basis.n_max;
    for_each_block([&](int a, int b, int64_t place) {
      T* const by_left = by_multiplied_.data() + a * s_.density_size;
      const T* const by_block = by_features + place;
      if (a == b) {
        run_.own_spectrum_gradient(l_max, n_max, by_block, left(a), by_left);
      } else if (b < 0) {
        run_.spectrum_gradient(l_max, n_max, by_block, left(a), total_.data(), by_left,
                               by_total_.data());
      } else {
        run_.spectrum_gradient(l_max, n_max, by_block, left(a), left(b), by_left,
                               by_multiplied_.data() + b * s_.density_size);
      }
    });
    by_density_.assign(present_.size() * s_.density_size, 0);
    for (size_t k = 0; k < present_.size(); ++k) gradient_of_density(k, by_mixing);
    write_vector_gradients(atom, by_vectors);
  }

 private:
  // ------------------------------------------------------------------------------- forwards

  void expand(int64_t atom, bool with_slopes) {
    gather(atom);
    run_.geometry(around_, static_cast<T>(s_.basis.intervals / s_.basis.cutoff),
                  s_.basis.intervals);
    check_distances(atom);
    run_.harmonics(tables_, around_);
    (with_slopes ? run_.radial_with_slopes : run_.radial)(s_.basis.radial, s_.basis.l_max, around_);
    const int64_t stride = with_slopes ? 2 * s_.row : s_.row;
    drop_distant(stride * (s_.basis.l_max + 1));
    add_densities(atom, static_cast<int>(stride));
    combine_densities();
  }

  void gather(int64_t atom) {
    const int64_t begin = s_.environments.begin(atom);
    make_room(s_.environments.begin(atom + 1) - begin);
    for (int64_t j = 0; j < around_.count; ++j) {
      const T* const v = s_.edges.vectors + 3 * s_.environments.order[begin + j];
      around_.x[j] = v[0];
      around_.y[j] = v[1];
      around_.z[j] = v[2];
    }
  }

  void make_room(int64_t count) {
    const int64_t width = run_.width, places = (count + width - 1) / width * width;
    const int64_t n_harmonics = s_.density_size / s_.row;
    around_.count = count;
    if (places * 10 > static_cast<int64_t>(numbers_.size())) {
      const int64_t room = 2 * places;
      numbers_.assign(10 * room, 0);
      intervals_.assign(room, 0);
      harmonics_.assign(room * n_harmonics, 0);
      radial_.assign(room * 2 * s_.row * (s_.basis.l_max + 1), 0);
    }
    const int64_t room = numbers_.size() / 10;
    T* const data = numbers_.data();
    around_ = {count,
               data,
               data + room,
               data + 2 * room,
               data + 3 * room,
               data + 4 * room,
               data + 5 * room,
               intervals_.data(),
               harmonics_.data(),
               radial_.data()};
    for (int c = 0; c < 3; ++c) gradients_[c] = data + (6 + c) * room;
  }

  void check_distances(int64_t atom) const {
    for (int64_t j = 0; j < around_.count; ++j) {
      if (around_.r[j] > 0 && around_.r[j] <= std::numeric_limits<T>::max()) continue;
      const int64_t e = s_.environments.order[s_.environments.begin(atom) + j];
      throw std::invalid_argument(no_direction(e, atom, s_.edges.neighbours[e], around_.r[j] == 0));
    }
  }

  // Neighbours at the cutoff or beyond count for nothing.
  void drop_distant(int64_t size) {
    const T cutoff = static_cast<T>(s_.basis.cutoff);
    for (int64_t j = 0; j < around_.count; ++j) {
      if (around_.r[j] < cutoff) continue;
      std::fill(around_.radial + j * size, around_.radial + (j + 1) * size, T(0));
    }
  }

  // Densities of the species that the atom sees, its own among them.
  void add_densities(int64_t atom, int stride) {
    present_.clear();
    const int64_t begin = s_.environments.begin(atom);
    const int own = static_cast<int>(s_.edges.species[atom]);
    for (int k = 0; k < s_.basis.n_species; ++k) {
      const int64_t from = s_.environments.begin(atom, k) - begin,
                    to = s_.environments.begin(atom, k + 1) - begin;
      if (from < to || k == own) present_.push_back({k, from, to});
    }
    density_.resize(present_.size() * s_.density_size);
    for (size_t k = 0; k < present_.size(); ++k) {
      T* const density = density_.data() + k * s_.density_size;
      run_.density(s_.basis.l_max, stride, around_, present_[k].begin, present_[k].end, density);
      if (present_[k].species != own) continue;
      for (int64_t n = 0; n < s_.row; ++n) density[n] += s_.basis.own[n];
    }
  }

  // The densities that are multiplied with each other.
  void combine_densities() {
    const int64_t size = s_.density_size;
    if (s_.basis.mixing == nullptr) {
      multiplied_.assign(density_.begin(), density_.end());
    } else {
      multiplied_.assign(s_.basis.channels * size, 0);
      for (int c = 0; c < s_.basis.channels; ++c) {
        for (size_t k = 0; k < present_.size(); ++k) {
          run_.add_scaled(size, mixing(c, k), density_.data() + k * size,
                          multiplied_.data() + c * size);
        }
      }
    }
    if (!s_.basis.with_total) return;
    total_.assign(size, 0);
    for (size_t k = 0; k < present_.size(); ++k) {
      run_.add_scaled(size, 1, density_.data() + k * size, total_.data());
    }
  }

  T mixing(int channel, size_t k) const {
    return s_.basis.mixing[channel * s_.basis.n_species + present_[k].species];
  }

  const T* left(int k) const { return multiplied_.data() + k * s_.density_size; }

  // Calls work(a, b, place) for each pair of multiplied densities, with the place of its first
  // feature; b < 0 stands for the total.
  template <class Work>
  void for_each_block(Work work) const {
    const bool mixed = s_.basis.mixing != nullptr;
    const FeatureOrder order(s_.basis);
    const int count = mixed ? s_.basis.channels : static_cast<int>(present_.size());
    const auto name = [&](int k) { return mixed ? k : present_[k].species; };
    for (int a = 0; a < count; ++a) {
      work(a, order.with_total ? -1 : a, order.place(name(a)));
      if (order.with_total) continue;
      for (int b = a + 1; b < count; ++b) work(a, b, order.place(name(a), name(b)));
    }
  }

  // ------------------------------------------------------------------------------ backwards

  // dE/dc of the k-th species present; with mixing, also its part of dE/d(mixing).
  void gradient_of_density(size_t k, T* by_mixing) {
    const int64_t size = s_.density_size;
    T* const by_density = by_density_.data() + k * size;
    if (s_.basis.mixing == nullptr) {
      run_.add_scaled(size, 1, by_multiplied_.data() + k * size, by_density);
      if (s_.basis.with_total) run_.add_scaled(size, 1, by_total_.data(), by_density);
      return;
    }
    for (int c = 0; c < s_.basis.channels; ++c) {
      const T* const by_channel = by_multiplied_.data() + c * size;
      run_.add_scaled(size, mixing(c, k), by_channel, by_density);
      if (by_mixing == nullptr) continue;
      by_mixing[c * s_.basis.n_species + present_[k].species] =
          run_.dot(size, by_channel, density_.data() + k * size);
    }
  }

  void write_vector_gradients(int64_t atom, T* by_vectors) {
    lowered_.resize(4 * s_.density_size);
    const T steepness = static_cast<T>(2 * s_.basis.intervals / s_.basis.cutoff);
    for (size_t k = 0; k < present_.size(); ++k) {
      if (present_[k].begin == present_[k].end) continue;
      run_.lower(tables_, steepness, by_density_.data() + k * s_.density_size, lowered_.data());
      run_.vector_gradients(s_.basis.l_max, lowered_.data(), around_, present_[k].begin,
                            present_[k].end, gradients_);
    }
    const int64_t begin = s_.environments.begin(atom);
    for (int64_t j = 0; j < around_.count; ++j) {
      T* const out = by_vectors + 3 * s_.environments.order[begin + j];
      for (int c = 0; c < 3; ++c) out[c] = gradients_[c][j];
    }
  }

  struct Group {
    int species;
    int64_t begin, end;  // of its neighbours
  };

  const Setting<T>& s_;
  const HarmonicTables<T> tables_;
  const Kernels<T> run_;
  Neighbourhood<T> around_{};
  std::vector<T> numbers_, harmonics_, radial_;
  std::vector<int32_t> intervals_;
  T* gradients_[3];
  std::vector<Group> present_;
  std::vector<T> density_, multiplied_, total_, by_multiplied_, by_total_, by_density_, lowered_;
};

template <class T, class Work>
void for_each_atom(const Setting<T>& setting, int threads, Work work) {
  const int64_t useful = setting.edges.n_edges / kEdgesPerThread;
  const int parts = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(threads, useful)));
  const std::vector<int64_t> borders =
      even_parts(setting.environments, setting.edges.n_atoms, parts);
  in_threads(parts, [&](int part) {
    Atom<T> atom(setting);
    for (int64_t i = borders[part]; i < borders[part + 1]; ++i) work(atom, i);
  });
}

}  // namespace

template <class T>
int64_t soap_features_per_atom(const SoapBasis<T>& basis) {
  return FeatureOrder(basis).count();
}

template <class T>
void soap_features(const SoapBasis<T>& basis, const SoapEdges<T>& edges, int threads, T* features) {
  const Setting<T> setting(basis, edges);
  for_each_atom(setting, threads, [&](Atom<T>& atom, int64_t i) {
    atom.features(i, features + i * setting.n_features);
  });
}

template <class T>
void soap_gradients(const SoapBasis<T>& basis, const SoapEdges<T>& edges, int threads,
                    const T* by_features, T* by_vectors, T* by_mixing) {
  const Setting<T> setting(basis, edges);
  const int64_t of_atom = int64_t{basis.channels} * basis.n_species;
  if (by_mixing != nullptr) std::fill(by_mixing, by_mixing + edges.n_atoms * of_atom, T(0));
  for_each_atom(setting, threads, [&](Atom<T>& atom, int64_t i) {
    atom.gradients(i, by_features + i * setting.n_features, by_vectors,
                   by_mixing == nullptr ? nullptr : by_mixing + i * of_atom);
  });
}

#define MLIP_SOAP(T)                                                              \
  template int64_t soap_features_per_atom(const SoapBasis<T>&);                   \
  template void soap_features(const SoapBasis<T>&, const SoapEdges<T>&, int, T*); \
  template void soap_gradients(const SoapBasis<T>&, const SoapEdges<T>&, int, const T*, T*, T*);
MLIP_SOAP(float)
MLIP_SOAP(double)
#undef MLIP_SOAP

}  // namespace mlip
