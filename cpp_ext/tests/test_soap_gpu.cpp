// SOAP as a GPU computes it, run on the processor and compared with the processor's own loops;
// meant to run with sanitizers. Prints what failed and returns 1.
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include "checks.h"
#include "crews.h"
#include "soap_cases.h"
#include "soap_gpu/sorting.h"
#include "soap_gpu/spectrum.h"
#include "soap_gpu/tables.h"

namespace {

// With edges sorted by centre.
template <class T>
struct SortedCase : Case<T> {
  SortedCase(int n, int l, int s, int c, bool total, int64_t atoms, int64_t edges)
      : Case<T>(n, l, s, c, total, atoms, edges) {
    std::sort(this->centres.begin(), this->centres.end());
  }
};

// Input, sorted edges and one room, in which all atoms are treated in turn.
template <class T>
struct Ready {
  mlip::gpu::SoapInput<T> in;
  std::vector<char> packed;
  ExactMemory memory;
  mlip::gpu::SortedEdges sorted;
  mlip::gpu::Room<T> room;

  Ready(const Case<T>& c, bool back) : in(c.basis(), c.edges()) {
    const mlip::gpu::SoapTables<T> tables(c.l_max);
    packed = tables.packed();
    mlip::gpu::Memory places{packed.data()};
    tables.place(places, &in);
    expect(places.bytes == static_cast<int64_t>(packed.size()), "tables as long as their places");
    sorted = mlip::gpu::sorted_edges_in(memory, in.edges.n_edges);
    room = mlip::gpu::room_in(memory, in, back);
    sort();
  }

  void sort() {
    *sorted.failure = mlip::gpu::kNoFailure;
    const ShuffledCrew threads;
    const int64_t n = in.edges.n_edges;
    threads.for_each(in.edges.n_atoms + n, mlip::gpu::CheckSoap<T>{in, sorted});
    mlip::gpu::raise_if_failed(*sorted.failure, "op", in, [](const auto* at) { return *at; });
    threads.for_each(n, mlip::gpu::SoapRow<T>{in, sorted});
    std::copy_n(sorted.numbers, n, sorted.order);
    std::stable_sort(sorted.order, sorted.order + n,
                     [&](int32_t a, int32_t b) { return sorted.rows[a] < sorted.rows[b]; });
    for (int64_t k = 0; k < n; ++k) sorted.sorted_rows[k] = sorted.rows[sorted.order[k]];
  }

  template <class Work, class Crew>
  void for_all_atoms(const Work& work, const Crew& crew) {
    crew.run(static_cast<int>(in.edges.n_atoms),
             [&](int atom, const auto& members) { work(atom, room, members); });
  }
};

template <class T, class Crew>
std::vector<T> features(const Case<T>& c, const Crew& crew) {
  Ready<T> ready(c, false);
  std::vector<T> out(c.n_atoms * mlip::soap_features_per_atom(c.basis()), T(-1));
  ready.for_all_atoms(mlip::gpu::SoapFeatures<T>{ready.in, ready.sorted, out.data()}, crew);
  return out;
}

template <class T>
struct Gradients {
  std::vector<T> by_vectors, by_mixing;

  explicit Gradients(const Case<T>& c)
      : by_vectors(c.vectors.size(), T(-1)), by_mixing(c.n_atoms * c.mixing.size(), T(-1)) {}

  T* mixing() { return by_mixing.empty() ? nullptr : by_mixing.data(); }
};

template <class T, class Crew>
Gradients<T> gradients(const Case<T>& c, const std::vector<T>& by_features, const Crew& crew) {
  Ready<T> ready(c, true);
  Gradients<T> out(c);
  const mlip::gpu::SoapGradients<T> work = {ready.in, ready.sorted, by_features.data(),
                                            out.by_vectors.data(), out.mixing()};
  ready.for_all_atoms(work, crew);
  return out;
}

template <class T>
std::vector<T> random_weights(size_t n) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<T> weights(n);
  for (T& weight : weights) weight = static_cast<T>(uniform(random));
  return weights;
}

// To rounding; and the same to the last bit in whatever order the threads work.
template <class T>
void equal_to_the_processor(const Case<T>& c, const std::string& name) {
  const double tolerance = sizeof(T) == 8 ? 1e-13 : 3e-5;
  const std::vector<T> expected = c.features(), found = features(c, SerialCrew{});
  expect(farthest(found, expected) < tolerance, name + ": features");
  expect(features(c, ShuffledCrew{}) == found, name + ": features in any order");
  const std::vector<T> weights = random_weights<T>(expected.size());
  Gradients<T> right(c);
  mlip::soap_gradients(c.basis(), c.edges(), 1, weights.data(), right.by_vectors.data(),
                       right.mixing());
  const Gradients<T> back = gradients(c, weights, SerialCrew{}),
                     shuffled = gradients(c, weights, ShuffledCrew{});
  expect(farthest(back.by_vectors, right.by_vectors) < tolerance, name + ": gradients");
  expect(farthest(back.by_mixing, right.by_mixing) < tolerance, name + ": by mixing");
  expect(back.by_vectors == shuffled.by_vectors && back.by_mixing == shuffled.by_mixing,
         name + ": gradients in any order");
}

template <class T>
void everything() {
  const std::string type = sizeof(T) == 8 ? "double, " : "float, ";
  for (const int l : {0, 1, 4, 12}) {
    for (const int n : {1, 3, 8, 9, 16}) {
      equal_to_the_processor(SortedCase<T>(n, l, 2, 0, false, 2, 11),
                             type + "n " + std::to_string(n) + " l " + std::to_string(l));
    }
  }
  equal_to_the_processor(SortedCase<T>(4, 3, 5, 0, false, 3, 20), type + "absent species");
  equal_to_the_processor(SortedCase<T>(4, 3, 3, 0, true, 3, 40), type + "with total");
  equal_to_the_processor(SortedCase<T>(4, 3, 5, 0, true, 3, 9),
                         type + "with total, absent species");
  equal_to_the_processor(SortedCase<T>(4, 3, 3, 2, false, 3, 40), type + "two channels");
  equal_to_the_processor(SortedCase<T>(5, 2, 4, 4, false, 3, 9), type + "four channels");
  equal_to_the_processor(SortedCase<T>(4, 3, 1, 0, false, 1, 300), type + "crowded");
  equal_to_the_processor(SortedCase<T>(8, 6, 2, 0, false, 5, 200), type + "the default");
  equal_to_the_processor(SortedCase<T>(4, 2, 2, 0, false, 3, 0), type + "no edges");
  equal_to_the_processor(SortedCase<T>(4, 2, 2, 0, false, 0, 0), type + "no atoms");
}

// Also where an atom's own species is not among its neighbours'.
void threads_at_once() {
  for (const Case<double>& c :
       {SortedCase<double>(4, 3, 5, 0, false, 3, 7), SortedCase<double>(3, 2, 3, 2, false, 4, 90),
        SortedCase<double>(3, 2, 3, 0, true, 4, 90)}) {
    const std::vector<double> found = features(c, SerialCrew{});
    expect(features(c, ThreadedCrew{}) == found, "features by threads at once");
    const Gradients<double> one = gradients(c, found, SerialCrew{}),
                            other = gradients(c, found, ThreadedCrew{});
    expect(one.by_vectors == other.by_vectors && one.by_mixing == other.by_mixing,
           "gradients by threads at once");
  }
}

void neighbours_beyond_the_cutoff() {
  SortedCase<double> c(4, 2, 2, 0, false, 2, 40);
  for (int e = 0; e < 10; ++e) c.vectors[3 * e] = e % 2 ? 4.0 : 1e150;
  equal_to_the_processor(c, "beyond the cutoff");
}

// In the same words as on the processor.
template <class T>
void errors() {
  const SortedCase<T> right(4, 2, 2, 0, false, 5, 100);
  std::vector<std::pair<std::string, Case<T>>> cases(7, {"", right});
  const auto change = [&](int k, const std::string& name) -> Case<T>& {
    cases[k].first = name;
    return cases[k].second;
  };
  Case<T>& twice = change(0, "at the same place");
  std::fill(twice.vectors.begin() + 30, twice.vectors.begin() + 33, T(0));
  change(1, "not a number").vectors[40] = std::numeric_limits<T>::quiet_NaN();
  change(2, "infinite").vectors[40] = -std::numeric_limits<T>::infinity();
  change(3, "too far").vectors[40] = std::numeric_limits<T>::max() / 2;
  change(4, "centre").centres[99] = 5;
  change(5, "neighbour").neighbours[3] = -1;
  change(6, "species").species[4] = 2;
  for (const auto& [name, wrong] : cases) {
    const std::string expected = said_by([&, &c = wrong] { c.features(); });
    const std::string found = said_by([&, &c = wrong] { Ready<T>(c, true); });
    expect(expected != "nothing" && found == expected, name + ": " + found);
  }
  Case<T> several = right;
  several.vectors[40] = std::numeric_limits<T>::quiet_NaN();
  several.species[2] = -7;
  several.neighbours[50] = -1;
  expect(said_by([&] { Ready<T>(several, false); }).find("species -7") != std::string::npos,
         "species come first");
  std::reverse(several.centres.begin(), several.centres.end());
  expect(said_by([&] { Ready<T>(several, false); }) == mlip::centres_decrease("op"), "order");
}

}  // namespace

int main() {
  everything<double>();
  everything<float>();
  threads_at_once();
  neighbours_beyond_the_cutoff();
  errors<double>();
  errors<float>();
  std::printf(failures ? "%d failures\n" : "SOAP on a GPU: all right\n", failures);
  return failures != 0;
}
