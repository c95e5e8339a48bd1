// Chebyshev descriptors as a GPU computes them, run on the processor and compared with the
// processor's own loops; meant to run with sanitizers. Prints what failed and returns 1.
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "chebyshev_cases.h"
#include "chebyshev_gpu/pipeline.h"
#include "chebyshev_gpu/works.h"
#include "checks.h"
#include "machines.h"

namespace {

// Calls work(input, memory) with what was checked and prepared.
template <class Real, class Work>
void prepared(const Case& c, const Atoms<Real>& atoms, const std::vector<int64_t>& centres,
              const Work& work) {
  Shuffled machine;
  ExactMemory memory;
  const mlip::ChebyshevBasis basis = c.basis();
  const auto edges = edges_of(atoms, centres);
  const auto place = mlip::gpu::chebyshev_place_in<Real>(memory, basis, edges.n_atoms);
  work(mlip::gpu::prepare(basis, edges, place, machine), memory);
}

// All atoms in turn, in one room.
template <class Work, class Crew>
void for_all_atoms(const Work& work, ExactMemory& memory, const Crew& crew) {
  const auto room = work.room_in(memory);
  crew.run(static_cast<int>(work.in.edges.n_atoms),
           [&](int atom, const auto& members) { work(atom, room, members); });
}

template <class Real, class Crew>
std::vector<Real> features(const Case& c, const Atoms<Real>& atoms, const Crew& crew) {
  std::vector<Real> out(atoms.species.size() * c.n_features(), Real(-1));
  prepared(c, atoms, centres_of(atoms), [&](const auto& in, ExactMemory& memory) {
    for_all_atoms(mlip::gpu::ChebyshevFeatures<Real>{in, out.data()}, memory, crew);
  });
  return out;
}

template <class Real, class Crew>
std::vector<Real> gradients(const Case& c, const Atoms<Real>& atoms,
                            const std::vector<Real>& by_features, const Crew& crew) {
  std::vector<Real> out(atoms.vectors.size(), Real(-1));
  prepared(c, atoms, centres_of(atoms), [&](const auto& in, ExactMemory& memory) {
    const mlip::gpu::ChebyshevGradients<Real> work = {in, by_features.data(), out.data()};
    for_all_atoms(work, memory, crew);
  });
  return out;
}

// To rounding; and the same to the last bit in whatever order the threads work.
template <class Real>
void equal_to_the_processor(const Case& c, const Atoms<Real>& atoms, const std::string& name) {
  const double tolerance = sizeof(Real) == 8 ? 1e-13 : 2e-5;
  const std::vector<Real> found = features(c, atoms, SerialCrew{}), by = c.some_gradient(atoms),
                          back = gradients(c, atoms, by, SerialCrew{});
  expect(farthest(found, c.features(atoms)) <= tolerance, name + ": features");
  expect(farthest(back, c.gradients(atoms, by)) <= tolerance, name + ": gradients");
  expect(features(c, atoms, ShuffledCrew{}) == found, name + ": features in any order");
  expect(gradients(c, atoms, by, ShuffledCrew{}) == back, name + ": gradients in any order");
}

template <class Real>
void everything() {
  const std::string type = sizeof(Real) == 8 ? "double, " : "float, ";
  for (const int radial : {0, 1, 12}) {
    for (const int angular : {0, 1, 2, 8, 12}) {
      for (const int sets : {1, 2}) {
        equal_to_the_processor({radial, angular, sets}, random_atoms<Real>(7, 5),
                               type + std::to_string(radial) + ", " + std::to_string(angular) +
                                   ", " + std::to_string(sets) + " sets");
      }
    }
  }
  for (const int n : {0, 1, 2, 3, 30, 90}) {  // the last are more neighbours than a room has
    equal_to_the_processor({3, 3, 2}, random_atoms<Real>(n, 5),
                           type + std::to_string(n) + " atoms");
  }
  for (int kind = 0; kind <= static_cast<int>(CutoffKind::polynomial4); ++kind) {
    Case c = {5, 4, 2};
    c.cutoff_function = static_cast<CutoffKind>(kind);
    equal_to_the_processor(c, random_atoms<Real>(12, 5),
                           type + "cutoff function " + std::to_string(kind));
  }
}

void threads_at_once() {
  const Case c = {5, 4, 2};
  const Atoms<double> atoms = random_atoms<double>(9, 5);
  const std::vector<double> by = c.some_gradient(atoms);
  expect(features(c, atoms, ThreadedCrew{}) == features(c, atoms, SerialCrew{}),
         "features by threads at once");
  expect(gradients(c, atoms, by, ThreadedCrew{}) == gradients(c, atoms, by, SerialCrew{}),
         "gradients by threads at once");
}

// Also some neighbours without others, between those that are seen.
template <class Real>
void neighbours_beyond_the_cutoff() {
  Case c = {40, 5, 2};
  Atoms<Real> atoms = random_atoms<Real>(12, 5);
  const Real far[] = {5, 7, std::sqrt(std::numeric_limits<Real>::max()) / 2};
  for (int e = 0; e < 60; e += 7) {
    for (int axis = 0; axis < 3; ++axis) atoms.vectors[3 * e + axis] = axis ? 0 : far[e % 3];
  }
  for (const CutoffKind kind : {CutoffKind::hard, CutoffKind::polynomial2}) {
    c.cutoff_function = kind;
    equal_to_the_processor(c, atoms, "beyond the cutoff");
  }
}

// In the same words as on the processor.
template <class Real>
void errors() {
  const Case c = {3, 2, 2};
  const Atoms<Real> right = random_atoms<Real>(30, 6);
  const auto found = [&](const Case& of, const Atoms<Real>& atoms,
                         const std::vector<int64_t>& centres) {
    return said_by([&] { prepared(of, atoms, centres, [](const auto&, ExactMemory&) {}); });
  };
  const auto same_words = [&](const std::string& name, const Case& of, const Atoms<Real>& atoms) {
    const std::string expected = said_by([&] { of.features(atoms); });
    const std::string words = found(of, atoms, centres_of(atoms));
    expect(expected != "nothing" && words == expected, name + ": " + words);
  };
  Atoms<Real> wrong = right;
  wrong.vectors[300] = std::numeric_limits<Real>::quiet_NaN();
  same_words("not a number", c, wrong);
  wrong.vectors[300] = std::numeric_limits<Real>::max();
  same_words("too far", c, wrong);
  for (int axis = 0; axis < 3; ++axis) wrong.vectors[300 + axis] = 0;
  same_words("at the same place", c, wrong);
  wrong.vectors[90] = std::numeric_limits<Real>::infinity();
  same_words("the first of them", c, wrong);
  wrong.species[4] = 2;
  same_words("unknown species", c, wrong);
  Case none = c;
  none.angular_cutoff = 6;
  same_words("cutoffs", none, right);
  const auto said = [&](const std::string& words, int64_t edge, int64_t centre, int64_t neighbour) {
    Atoms<Real> changed = wrong;
    std::vector<int64_t> centres = centres_of(changed);
    centres[edge] = centre;
    changed.neighbours[edge] = neighbour;
    const std::string is = found(c, changed, centres);
    expect(is == words, "'" + is + "' is '" + words + "'");
  };
  said(mlip::no_such_neighbour(mlip::kChebyshev), 7, 0, 30);
  said(mlip::no_such_centre(mlip::kChebyshev), 869, 30, 0);
  said(mlip::no_such_centre(mlip::kChebyshev), 0, -1, -1);
  said(mlip::centres_decrease(mlip::kChebyshev), 869, 28, -1);
}

}  // namespace

int main() {
  everything<double>();
  everything<float>();
  threads_at_once();
  neighbours_beyond_the_cutoff<double>();
  neighbours_beyond_the_cutoff<float>();
  errors<double>();
  errors<float>();
  std::printf(failures ? "%d failures\n" : "Chebyshev descriptors on a GPU: all right\n", failures);
  return failures != 0;
}
