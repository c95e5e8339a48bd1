// Symmetry functions as a GPU computes them, run on the processor and compared with the processor's
// own loops; meant to run with sanitizers. Prints what failed and returns 1.
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include "checks.h"
#include "crews.h"
#include "symmetry_cases.h"
#include "symmetry_functions_gpu/checks.h"
#include "symmetry_functions_gpu/gradients.h"
#include "symmetry_functions_gpu/tables.h"
#include "symmetry_functions_gpu/values.h"

namespace {

// Checked atoms, packed tables and one room, in which all atoms are treated in turn.
template <class Real>
struct Ready {
  std::vector<int64_t> centres;
  std::vector<char> packed;
  mlip::PlanView plan;
  mlip::EdgesByCentre<Real> all;
  mlip::gpu::Most most;
  ExactMemory memory;
  mlip::gpu::AtomRoom<Real> room;

  Ready(const Atoms<Real>& atoms, const mlip::PlanArrays& arrays, bool back,
        std::vector<int64_t> centres_)
      : centres(std::move(centres_)), packed(mlip::gpu::packed(arrays)) {
    mlip::gpu::Memory places{packed.data()};
    plan = mlip::gpu::placed(arrays, places);
    expect(places.bytes == static_cast<int64_t>(packed.size()), "tables as long as their places");
    all = edges_of(atoms, centres);
    mlip::gpu::AtomsReport report = {mlip::gpu::kNoFailure, 0};
    const auto n_species = static_cast<int64_t>(arrays.weights.size());
    ShuffledCrew{}.for_each(static_cast<int>(all.n_atoms + all.n_edges),
                            mlip::gpu::LookAtAtoms<Real>{all, n_species, &report});
    mlip::gpu::raise_if_failed(report, all, [](const auto* at) { return *at; });
    most = mlip::gpu::most_of(arrays, static_cast<int>(report.most_neighbours));
    room = mlip::gpu::atom_room_in<Real>(memory, most, back);
  }

  template <class Work, class Crew>
  void for_all_atoms(const Work& work, const Crew& crew) {
    crew.run(static_cast<int>(all.n_atoms),
             [&](int atom, const auto& members) { work(atom, room, members); });
  }
};

template <class Real, class Crew>
std::vector<Real> features(const Atoms<Real>& atoms, const mlip::PlanArrays& plan,
                           const Crew& crew) {
  Ready<Real> ready(atoms, plan, false, centres_of(atoms));
  std::vector<Real> out(atoms.species.size() * kFeatures, Real(-1));
  ready.for_all_atoms(
      mlip::gpu::AtomFeatures<Real>{ready.plan, ready.all, ready.most, kFeatures, out.data()},
      crew);
  return out;
}

template <class Real, class Crew>
std::vector<Real> gradients(const Atoms<Real>& atoms, const mlip::PlanArrays& plan,
                            const std::vector<Real>& gradient, const Crew& crew) {
  Ready<Real> ready(atoms, plan, true, centres_of(atoms));
  std::vector<Real> out(atoms.vectors.size(), Real(-1));
  ready.for_all_atoms(mlip::gpu::AtomGradients<Real>{ready.plan, ready.all, ready.most, kFeatures,
                                                     gradient.data(), out.data()},
                      crew);
  return out;
}

// To rounding; and the same to the last bit in whatever order the threads work.
template <class Real>
void equal_to_the_processor(const Atoms<Real>& atoms, const std::vector<SymmetryFunction>& listed,
                            mlip::CutoffShape shape, const std::string& name) {
  const double tolerance = sizeof(Real) == 8 ? 1e-13 : 3e-6;
  const mlip::SymmetryFunctions ours(listed, {0, 1}, kWeights, shape);
  const mlip::PlanArrays plan = mlip::make_plan(listed, {0, 1}, kWeights, shape);
  std::vector<Real> expected(atoms.species.size() * kFeatures);
  ours.evaluate(atoms.view(), kFeatures, expected.data(), 1);
  const std::vector<Real> found = features(atoms, plan, SerialCrew{});
  expect(farthest(found, expected) <= tolerance, name + ": features");
  expect(features(atoms, plan, ShuffledCrew{}) == found, name + ": features in any order");
  const std::vector<Real> gradient = some_gradient(atoms);
  std::vector<Real> by_vector(atoms.vectors.size());
  ours.differentiate(atoms.view(), kFeatures, gradient.data(), by_vector.data(), 1);
  const std::vector<Real> back = gradients(atoms, plan, gradient, SerialCrew{});
  expect(farthest(back, by_vector) <= tolerance, name + ": derivatives");
  expect(gradients(atoms, plan, gradient, ShuffledCrew{}) == back,
         name + ": derivatives in any order");
}

template <class Real>
void everything() {
  const std::string type = sizeof(Real) == 8 ? "double" : "float";
  for (int kind = 0; kind <= static_cast<int>(CutoffKind::polynomial4); ++kind) {
    const auto cutoff = static_cast<CutoffKind>(kind);
    const bool level = cutoff != CutoffKind::hard && cutoff != CutoffKind::tanh3 &&
                       cutoff != CutoffKind::tanh3_from_one;
    for (const double start : {0.0, 0.3}) {
      if (start > 0 && !level) continue;
      for (const int n : {0, 1, 2, 3, 4, 21}) {
        equal_to_the_processor(
            random_atoms<Real>(n, 6), functions(), {cutoff, start},
            type + ", cutoff " + std::to_string(kind) + ", " + std::to_string(n) + " atoms");
      }
    }
  }
  // More pairs than are treated at once; and functions of a single kind, or none.
  equal_to_the_processor(random_atoms<Real>(90, 7), functions(), {CutoffKind::polynomial2, 0},
                         type + ", crowded");
  std::vector<SymmetryFunction> few = functions();
  few.erase(few.begin() + 3, few.begin() + 9);
  few.pop_back();
  equal_to_the_processor(random_atoms<Real>(9, 6), few, {CutoffKind::cosine, 0},
                         type + ", radial ones");
  equal_to_the_processor(random_atoms<Real>(9, 6), {few.front()}, {CutoffKind::cosine, 0},
                         type + ", nothing for one species");
}

void threads_at_once() {
  const Atoms<double> atoms = random_atoms<double>(30, 8);
  const mlip::PlanArrays plan =
      mlip::make_plan(functions(), {0, 1}, kWeights, {CutoffKind::polynomial2, 0});
  const std::vector<double> found = features(atoms, plan, SerialCrew{});
  expect(features(atoms, plan, ThreadedCrew{}) == found, "features by threads at once");
  expect(
      gradients(atoms, plan, found, ThreadedCrew{}) == gradients(atoms, plan, found, SerialCrew{}),
      "derivatives by threads at once");
}

// Rows hold so few pairs that they are taken one by one.
void more_neighbours_than_pairs_at_once() {
  Atoms<double> atoms = random_atoms<double>(600, 12);
  atoms.first_edge = {0, 599};
  atoms.vectors.resize(3 * 599);
  atoms.neighbours.resize(599);
  for (size_t i = 2; i < 601; ++i) atoms.first_edge.push_back(599);
  const SymmetryFunction angular = {FunctionKind::G4, 1, 0, -1, -1, 1, 0.01, 0.5, 15.0, 2};
  const SymmetryFunction other = {FunctionKind::G5, 1, 1, 0, 1, 1, 0.01, 0.5, 15.0, 2.5};
  equal_to_the_processor(atoms, {angular, other}, {CutoffKind::polynomial2, 0}, "600 neighbours");
}

// In the same words as on the processor.
void errors() {
  const mlip::CutoffShape shape = {CutoffKind::polynomial2, 0};
  const mlip::SymmetryFunctions ours(functions(), {0, 1}, kWeights, shape);
  const mlip::PlanArrays plan = mlip::make_plan(functions(), {0, 1}, kWeights, shape);
  const Atoms<double> right = random_atoms<double>(30, 6);
  const auto found = [&](const Atoms<double>& atoms, const std::vector<int64_t>& centres) {
    return said_by([&] { Ready<double>(atoms, plan, false, centres); });
  };
  std::vector<Atoms<double>> cases(3, right);
  cases[0].vectors[3 * 100] = NAN;
  for (int c = 0; c < 3; ++c) cases[1].vectors[3 * 100 + c] = 1e-4;
  cases[2].species[4] = 2;
  for (const Atoms<double>& wrong : cases) {
    std::vector<double> out(30 * kFeatures);
    const std::string expected =
        said_by([&] { ours.evaluate(wrong.view(), kFeatures, out.data(), 1); });
    const std::string words = found(wrong, centres_of(right));
    expect(expected != "nothing" && words == expected, "'" + words + "' is '" + expected + "'");
  }
  Atoms<double> wrong = right;
  wrong.neighbours[7] = 30;
  expect(found(wrong, centres_of(right)) == mlip::no_such_neighbour(mlip::kSymmetryFunctions),
         "no such neighbour");
  std::vector<int64_t> centres = centres_of(right);
  std::swap(centres.front(), centres.back());
  expect(found(right, centres) == mlip::centres_decrease(mlip::kSymmetryFunctions), "order");
  centres = centres_of(right);
  centres.back() = 30;
  expect(found(right, centres) == mlip::no_such_centre(mlip::kSymmetryFunctions), "no such centre");
  std::vector<SymmetryFunction> twice = functions();
  twice[1].column = twice[0].column;
  expect(said_by([&] { mlip::gpu::check_columns(twice); }) != "nothing", "columns that are shared");
  expect(said_by([&] { mlip::gpu::check_columns(functions()); }) == "nothing", "columns apart");
}

}  // namespace

int main() {
  everything<double>();
  everything<float>();
  threads_at_once();
  more_neighbours_than_pairs_at_once();
  errors();
  std::printf(failures ? "%d failures\n" : "symmetry functions on a GPU: all right\n", failures);
  return failures != 0;
}
