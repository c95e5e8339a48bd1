// Products as a GPU computes them, run on the processor and compared with the processor's own
// loops; meant to run with sanitizers. Prints what failed and returns 1.
#include <cstdio>
#include <string>
#include <vector>

#include "checks.h"
#include "crews.h"
#include "machines.h"
#include "product_cases.h"
#include "products_gpu/pipeline.h"

namespace {

template <class T>
using Case = ProductCase<T>;

// A checked call, its arrays each by itself and exactly as long as promised.
template <class T>
struct Ready {
  ExactMemory memory;
  mlip::gpu::ProductArrays<T> arrays;

  template <class Machine>
  Ready(const Case<T>& c, bool weights_wanted, Machine& machine)
      : arrays(mlip::gpu::product_arrays_in(memory, c.table(), c.input(), weights_wanted)) {
    mlip::gpu::prepare(c.table(), c.input(), arrays, machine);
  }
};

// The product, its gradients by a, b and the weights, then those by a and b alone.
template <class T, class Machine>
std::vector<std::vector<T>> first_order(const Case<T>& c, Machine machine) {
  const Ready<T> ready(c, true, machine), alone(c, false, machine);
  const auto factors = mlip::gpu::at_rest(c.input());
  std::vector<T> out(c.by_out.size(), T(-1));
  mlip::gpu::multiply(factors, ready.arrays, out.data(), machine);
  std::vector<std::vector<T>> first = {c.a, c.b, c.weights}, again = {c.a, c.b};
  mlip::gpu::multiply_back(factors, ready.arrays, c.by_out.data(), c.pointers(first), machine);
  mlip::gpu::multiply_back(factors, alone.arrays, c.by_out.data(),
                           {again[0].data(), again[1].data(), nullptr}, machine);
  return {out, first[0], first[1], first[2], again[0], again[1]};
}

// A direction in which factors, and weights unless they stay, move.
template <class T>
struct Direction {
  std::vector<T> a, b, weights;
  bool weights_move;

  Direction(Case<T> c, bool weights_move_)
      : a(c.any(c.a.size())),
        b(c.any(c.b.size())),
        weights(c.any(c.weights.size())),
        weights_move(weights_move_) {}

  mlip::ProductInput<T> input(const Case<T>& c) const {
    mlip::ProductInput<T> in = c.input();
    in.a = a.data();
    in.b = c.square ? nullptr : b.data();
    in.weights = weights_move ? weights.data() : nullptr;
    return in;
  }
};

// By by_out, a, b and the weights.
template <class T, class Machine>
std::vector<std::vector<T>> second_order(const Case<T>& c, const Direction<T>& along,
                                         Machine machine) {
  const Ready<T> ready(c, true, machine);
  const auto factors = mlip::gpu::in_motion(c.input(), along.input(c));
  std::vector<T> by_by(c.by_out.size(), T(-1));
  std::vector<std::vector<T>> first = {c.a, c.b, c.weights};
  mlip::gpu::multiply(factors, ready.arrays, by_by.data(), machine);
  mlip::gpu::multiply_back(factors, ready.arrays, c.by_out.data(), c.pointers(first), machine);
  return {by_by, first[0], first[1], first[2]};
}

// To rounding; and the same to the last bit in whatever order the threads work.
template <class T>
void equal_to_the_processor(const Case<T>& c, const std::string& name) {
  const double tolerance = sizeof(T) == 8 ? 1e-13 : 1e-5;
  const std::vector<std::vector<T>> right = c.gradients(), found = first_order(c, Shuffled(7));
  const std::vector<std::vector<T>> expected = {c.product(), right[0], right[1],
                                                right[2],    right[0], right[1]};
  for (size_t k = 0; k < expected.size(); ++k) {
    expect(farthest(found[k], expected[k]) < tolerance, name + ": " + std::to_string(k));
  }
  expect(first_order(c, Shuffled(8)) == found, name + " in any order");
  for (const bool weights_move : {false, true}) {
    const Direction<T> along(c, weights_move);
    std::vector<T> by_by(c.by_out.size());
    std::vector<std::vector<T>> gradients = {c.a, c.b, c.weights};
    mlip::product_second(c.table(), c.input(), c.by_out.data(), along.input(c), 1, by_by.data(),
                         c.pointers(gradients));
    const std::vector<std::vector<T>> second = second_order(c, along, Shuffled(7));
    expect(farthest(second[0], by_by) < tolerance, name + ": second by what is given");
    for (int k = 0; k < 3; ++k) {
      expect(farthest(second[k + 1], gradients[k]) < tolerance,
             name + ": second " + std::to_string(k));
    }
    expect(second_order(c, along, Shuffled(8)) == second, name + ": second in any order");
  }
}

template <class T>
void everything() {
  const std::string type = sizeof(T) == 8 ? "double, " : "float, ";
  for (const bool square : {false, true}) {
    const std::string name = type + (square ? "square of " : "product of ");
    for (const int channels : {1, 5, 31, 32, 33, 64, 100}) {
      equal_to_the_processor(Case<T>(square, 3, channels), name + std::to_string(channels));
    }
    for (const int atoms : {0, 1, 7, 8, 16, 200}) {
      equal_to_the_processor(Case<T>(square, atoms, 6), name + std::to_string(atoms) + " atoms");
    }
    equal_to_the_processor(Case<T>(square, 1100, 1), name + "more atoms than parts");
  }
}

// In the same words as on the processor, of the first that is wrong.
void errors() {
  const Case<double> right(false, 40, 5);
  std::vector<Case<double>> cases(5, right);
  cases[0].elements[21] = cases[0].elements[30] = 3;
  cases[1].elements[39] = -1;
  cases[2].terms.back().second = 6;
  cases[3].terms.front().path = -1;
  cases[4].terms[2].out = 3;
  for (const Case<double>& c : cases) {
    const std::string expected = said_by([&] { c.product(); });
    Shuffled machine;
    const std::string found = said_by([&] { Ready<double>(c, false, machine); });
    expect(expected != "nothing" && found == expected, "said: " + found);
  }
}

// However many elements there are.
void memory_is_bounded() {
  Case<float> c(false, 100000, 1);
  mlip::ProductInput<float> in = c.input();
  in.n_elements = 89;
  in.n_channels = 4096;
  mlip::gpu::Memory memory;
  mlip::gpu::product_arrays_in(memory, c.table(), in, true);
  expect(memory.bytes < (int64_t{64} << 20) + (1 << 16), "memory for weights");
}

}  // namespace

int main() {
  everything<double>();
  everything<float>();
  errors();
  memory_is_bounded();
  std::printf(failures ? "%d failures\n" : "products on a GPU: all right\n", failures);
  return failures != 0;
}
