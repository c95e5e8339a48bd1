// Sums over neighbours as a GPU computes them, run on the processor and compared with the
// processor's own loops; meant to run with sanitizers. Prints what failed and returns 1.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "checks.h"
#include "crews.h"
#include "machines.h"
#include "neighbour_sums_gpu/pipeline.h"
#include "sum_cases.h"

namespace {

template <class T>
using Case = SumCase<T>;

template <class T>
using Arrays = std::vector<std::vector<T>>;

constexpr int kRooms = 3;

// Edges in order and rooms to work in, each array by itself and exactly as long as promised.
template <class T>
struct Ready {
  ExactMemory memory;
  mlip::gpu::SumOrders orders;
  mlip::gpu::SumRooms<T> rooms;

  template <class Machine>
  Ready(const Case<T>& c, const T* vectors, bool sent_wanted, Machine& machine)
      : orders(mlip::gpu::sum_orders_in(memory, c.edges(), sent_wanted)) {
    rooms = {memory.take<T>(kRooms * mlip::gpu::room_size(c.shape)), kRooms};
    mlip::gpu::bring_in_order(c.edges(), vectors, orders, sent_wanted, machine);
  }
};

// ---- weights that are given

// The sums, then the gradients by weights, harmonics and what is sent.
template <class T, class Machine>
Arrays<T> first_order(const Case<T>& c, Machine machine) {
  const T* const no_vectors = nullptr;
  const Ready<T> ready(c, no_vectors, true, machine);
  const auto terms = mlip::gpu::at_rest(c.shape, c.edges(), c.input());
  std::vector<T> sums(c.by_sums.size(), T(-1));
  Arrays<T> to = {c.weights, c.harmonics, c.sent};
  mlip::gpu::add_up(terms, ready.orders, sums.data(), machine);
  mlip::gpu::back_to_given(terms, ready.orders, c.by_sums.data(), c.pointers(to), ready.rooms,
                           machine);
  return {sums, to[0], to[1], to[2]};
}

template <class T, class Machine>
Arrays<T> second_order(const Case<T>& c, const mlip::SumInput<T>& along, Machine machine) {
  const T* const no_vectors = nullptr;
  const Ready<T> ready(c, no_vectors, true, machine);
  const auto terms = mlip::gpu::in_motion(c.shape, c.edges(), c.input(), along);
  std::vector<T> by_by(c.by_sums.size(), T(-1));
  Arrays<T> to = {c.weights, c.harmonics, c.sent};
  mlip::gpu::add_up(terms, ready.orders, by_by.data(), machine);
  mlip::gpu::back_to_given(terms, ready.orders, c.by_sums.data(), c.pointers(to), ready.rooms,
                           machine);
  return {by_by, to[0], to[1], to[2]};
}

template <class T>
double rounding() {
  return sizeof(T) == 8 ? 1e-13 : 2e-5;
}

template <class T>
void expect_alike(const Arrays<T>& found, const Arrays<T>& expected, const std::string& name) {
  expect(found.size() == expected.size(), name + ": as many results");
  for (size_t k = 0; k < expected.size(); ++k) {
    expect(farthest(found[k], expected[k]) < rounding<T>(), name + ": " + std::to_string(k));
  }
}

template <class T>
void given_weights(Case<T> c, const std::string& name) {
  const Arrays<T> right = c.gradients(), found = first_order(c, Shuffled(7));
  expect_alike<T>(found, {c.sums(), right[0], right[1], right[2]}, name);
  expect(first_order(c, Shuffled(8)) == found, name + " in any order");
  const Arrays<T> direction = {c.any(c.weights.size()), c.any(c.harmonics.size()),
                               c.any(c.sent.size())};
  const mlip::SumInput<T> along = {direction[0].data(), direction[1].data(), direction[2].data()};
  std::vector<T> by_by(c.by_sums.size());
  Arrays<T> to = {c.weights, c.harmonics, c.sent};
  mlip::neighbour_sum_second(c.shape, c.edges(), c.input(), c.by_sums.data(), along, 1,
                             by_by.data(), c.pointers(to));
  const Arrays<T> second = second_order(c, along, Shuffled(7));
  expect_alike<T>(second, {by_by, to[0], to[1], to[2]}, name + ", second");
  expect(second_order(c, along, Shuffled(8)) == second, name + ", second in any order");
}

// ---- weights that are radial functions

// The sums, the gradients by vectors and what is sent, and those by vectors alone.
template <class T, class Machine>
Arrays<T> tabulated(const Case<T>& c, Machine machine) {
  std::vector<T> sums(c.by_sums.size(), T(-1));
  Arrays<T> to = {c.vectors, c.sent, c.vectors};
  for (const bool sent_wanted : {true, false}) {
    Ready<T> ready(c, c.vectors.data(), sent_wanted, machine);
    const int64_t n_edges = c.edges().n_edges;
    const mlip::gpu::Expanding<T> forward(ready.memory, c.shape, n_edges, false),
        expanding(ready.memory, c.shape, n_edges, true);
    const auto terms = [&](const auto& in) {
      return mlip::gpu::expand(c.shape, c.edges(), c.radial(), c.vectors.data(), c.sent.data(), in,
                               machine);
    };
    mlip::gpu::add_up(terms(forward), ready.orders, sums.data(), machine);
    mlip::gpu::back_to_vectors(terms(expanding), c.vectors.data(), expanding, ready.orders,
                               c.by_sums.data(), to[sent_wanted ? 0 : 2].data(),
                               sent_wanted ? to[1].data() : nullptr, ready.rooms, machine);
  }
  return {sums, to[0], to[1], to[2]};
}

template <class T>
void tabulated_weights(Case<T> c, const std::string& name) {
  if (c.vectors.size() >= 9) c.vectors[4] = T(3.5);   // beyond the cutoff
  if (c.vectors.size() >= 9) c.vectors[7] = T(1e15);  // far beyond
  const Arrays<T> right = c.radial_gradients(), found = tabulated(c, Shuffled(7));
  expect_alike<T>(found, {c.radial_sums(), right[0], right[1], right[0]}, name);
  expect(tabulated(c, Shuffled(8)) == found, name + " in any order");
}

// ---- all of it

template <class T>
void both(int l_max, int l_sent, int channels, int atoms, int edges, const std::string& type) {
  const std::string name = type + "l " + std::to_string(l_max) + ", sent " +
                           std::to_string(l_sent) + ", " + std::to_string(channels) +
                           " channels, " + std::to_string(atoms) + " atoms, " +
                           std::to_string(edges) + " edges";
  given_weights(Case<T>(l_max, l_sent, channels, atoms, edges), name);
  tabulated_weights(Case<T>(l_max, l_sent, channels, atoms, edges), name + ", tabulated");
}

template <class T>
void everything() {
  const std::string type = sizeof(T) == 8 ? "double, " : "float, ";
  for (const int l_max : {0, 1, 2, 3, 4, 5, 6}) {
    for (const int l_sent : {0, 1, 2}) both<T>(l_max, l_sent, 3, 3, 19, type);
  }
  both<T>(6, 6, 2, 3, 19, type);
  for (const int channels : {1, 16, 31, 32, 33, 64, 100}) both<T>(2, 1, channels, 3, 18, type);
  for (const int edges : {1, 7, 8, 9, 16}) both<T>(1, 1, 5, 4, edges, type);
  both<T>(3, 1, 4, 2, 600, type);   // all at one centre
  both<T>(3, 1, 4, 300, 40, type);  // most centres without any
  both<T>(2, 1, 3, 2, 0, type);
  both<T>(2, 0, 3, 0, 0, type);
}

// Senders that nobody hears, before, between and after others.
template <class T>
void senders_without_edges() {
  Case<T> c(2, 1, 5, 4, 12);
  c.n_senders = 9;
  c.sent = c.any(c.shape.n_sent() * c.n_senders * c.shape.n_channels);
  for (int64_t& j : c.neighbours) j = 2 + 3 * (j % 2);
  given_weights(c, "silent senders");
  tabulated_weights(c, "silent senders, tabulated");
}

void threads_at_once() {
  const Case<double> c(3, 1, 40, 5, 50);
  expect(first_order(c, InCrews()) == first_order(c, Shuffled(7)), "threads at once");
  expect(tabulated(c, InCrews()) == tabulated(c, Shuffled(7)), "threads at once, tabulated");
}

// ---- errors

// In the same words as on the processor, of the first that is wrong.
template <class T>
void errors() {
  const Case<T> right(1, 0, 3, 5, 60);
  std::vector<std::pair<std::string, Case<T>>> cases(8, {"", right});
  const auto change = [&](int k, const std::string& name) -> Case<T>& {
    cases[k].first = name;
    return cases[k].second;
  };
  Case<T>& twice = change(0, "in the same place");
  std::fill_n(twice.vectors.begin() + 30, 3, T(0));
  std::fill_n(twice.vectors.begin() + 90, 3, T(0));
  change(1, "not a number").vectors[40] = std::numeric_limits<T>::quiet_NaN();
  change(2, "infinite").vectors[40] = -std::numeric_limits<T>::infinity();
  change(3, "too far").vectors[40] = std::numeric_limits<T>::max() / 2;
  change(4, "centre").centres[59] = 5;
  change(5, "neighbour").neighbours[3] = -1;
  Case<T>& backwards = change(6, "order");
  std::reverse(backwards.centres.begin(), backwards.centres.end());
  Case<T>& several = change(7, "several");
  several.vectors[0] = std::numeric_limits<T>::quiet_NaN();
  several.neighbours[50] = 4;
  std::swap(several.centres[20], several.centres[40]);
  for (const auto& [name, wrong] : cases) {
    Shuffled machine;
    const auto& c = wrong;
    const std::string expected = said_by([&] { c.radial_sums(); });
    const std::string found = said_by([&] { Ready<T>(c, c.vectors.data(), true, machine); });
    expect(expected != "nothing" && found == expected, name + ": " + found);
  }
}

}  // namespace

int main() {
  everything<double>();
  everything<float>();
  senders_without_edges<double>();
  threads_at_once();
  errors<double>();
  errors<float>();
  std::printf(failures ? "%d failures\n" : "neighbour sums on a GPU: all right\n", failures);
  return failures != 0;
}
