// The SOAP power spectrum and its gradient as operators of torch.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>

#include "arguments.h"
#include "mlip/soap.h"
#include "tensor_pages.h"

namespace {

using mlip::checked;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class T>
constexpr ScalarType kType = sizeof(T) == 4 ? ScalarType::Float : ScalarType::Double;

// The arguments of both operators.
struct Arguments {
  const char* op;
  Tensor vectors, centres, neighbours, species, radial, own, mixing;
  int64_t n_species, n_max;
  double cutoff;
  bool with_total;
};

// Checked arguments, and what the core makes of them.
template <class T>
struct Call {
  Arguments in;
  mlip::SoapBasis<T> basis;
  mlip::SoapEdges<T> edges;
  int64_t n_features;

  explicit Call(const Arguments& given) : in(given) {
    const char* const op = in.op;
    require(in.n_max >= 1 && in.n_max <= mlip::kSoapMostFunctions, "n_max must be 1 to 16");
    require(in.n_species >= 1, "n_species must be positive");
    require(in.cutoff > 0, "cutoff must be positive");
    const int64_t row = mlip::soap_row(static_cast<int>(in.n_max));
    in.vectors = checked(in.vectors, op, "vectors", kType<T>, {-1, 3});
    const int64_t n_edges = in.vectors.size(0);
    in.centres = checked(in.centres, op, "centres", ScalarType::Long, {n_edges});
    mlip::check_order(in.centres, op);
    in.neighbours = checked(in.neighbours, op, "neighbours", ScalarType::Long, {n_edges});
    in.species = checked(in.species, op, "species", ScalarType::Long, {-1});
    in.radial = checked(in.radial, op, "radial", kType<T>, {-1, -1, mlip::kSoapDegree<T> + 1, row});
    in.own = checked(in.own, op, "own", kType<T>, {row});
    in.mixing = checked(in.mixing, op, "mixing", kType<T>, {-1, in.n_species});
    const int64_t degrees = in.radial.size(1), channels = in.mixing.size(0);
    require(in.radial.size(0) >= 1, "radial has no intervals");
    require(degrees >= 1 && degrees <= mlip::kSoapMostDegrees + 1, "l_max must be 0 to 12");
    require(channels == 0 || !in.with_total, "mixing and with_total exclude each other");
    basis = {static_cast<int>(in.n_max),
             static_cast<int>(degrees - 1),
             static_cast<int>(in.n_species),
             in.cutoff,
             in.radial.template const_data_ptr<T>(),
             in.radial.size(0),
             in.own.template const_data_ptr<T>(),
             channels == 0 ? nullptr : in.mixing.template const_data_ptr<T>(),
             static_cast<int>(channels),
             in.with_total};
    edges = {in.vectors.template const_data_ptr<T>(),
             in.centres.template const_data_ptr<int64_t>(),
             in.neighbours.template const_data_ptr<int64_t>(),
             n_edges,
             in.species.template const_data_ptr<int64_t>(),
             in.species.size(0)};
    n_features = mlip::soap_features_per_atom(basis);
  }

  void require(bool condition, const char* otherwise) const {
    if (!condition) throw std::invalid_argument(std::string(in.op) + ": " + otherwise);
  }
};

int threads() { return static_cast<int>(torch::stable::get_num_threads()); }

template <class T>
Tensor features(const Arguments& arguments) {
  const Call<T> call(arguments);
  Tensor out = torch::stable::new_empty(call.in.vectors, {call.edges.n_atoms, call.n_features});
  mlip::ask_for_huge_pages(out);
  mlip::soap_features(call.basis, call.edges, threads(), out.template mutable_data_ptr<T>());
  return out;
}

template <class T>
std::tuple<Tensor, Tensor> gradients(const Arguments& arguments, const Tensor& by_features) {
  const Call<T> call(arguments);
  const int64_t n_atoms = call.edges.n_atoms;
  const Tensor given =
      checked(by_features, call.in.op, "by_features", kType<T>, {n_atoms, call.n_features});
  Tensor by_vectors = torch::stable::new_empty(call.in.vectors, {call.edges.n_edges, 3});
  mlip::ask_for_huge_pages(by_vectors);
  Tensor by_mixing = torch::stable::new_empty(call.in.vectors,
                                              {n_atoms, call.in.mixing.size(0), call.in.n_species});
  mlip::soap_gradients(call.basis, call.edges, threads(), given.template const_data_ptr<T>(),
                       by_vectors.template mutable_data_ptr<T>(),
                       call.basis.mixing ? by_mixing.template mutable_data_ptr<T>() : nullptr);
  return {by_vectors, by_mixing};
}

Tensor soap(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species, Tensor radial,
            Tensor own, Tensor mixing, int64_t n_species, int64_t n_max, double cutoff,
            bool with_total) {
  const Arguments arguments = {"mlip::soap", vectors, centres,   neighbours, species, radial,
                               own,          mixing,  n_species, n_max,      cutoff,  with_total};
  return vectors.scalar_type() == ScalarType::Float ? features<float>(arguments)
                                                    : features<double>(arguments);
}

std::tuple<Tensor, Tensor> soap_gradients(Tensor by_features, Tensor vectors, Tensor centres,
                                          Tensor neighbours, Tensor species, Tensor radial,
                                          Tensor own, Tensor mixing, int64_t n_species,
                                          int64_t n_max, double cutoff, bool with_total) {
  const Arguments arguments = {"mlip::soap_gradients",
                               vectors,
                               centres,
                               neighbours,
                               species,
                               radial,
                               own,
                               mixing,
                               n_species,
                               n_max,
                               cutoff,
                               with_total};
  return vectors.scalar_type() == ScalarType::Float ? gradients<float>(arguments, by_features)
                                                    : gradients<double>(arguments, by_features);
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "soap(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species, Tensor radial, "
      "Tensor own, Tensor mixing, int n_species, int n_max, float cutoff, bool with_total) "
      "-> Tensor features");
  m.def(
      "soap_gradients(Tensor by_features, Tensor vectors, Tensor centres, Tensor neighbours, "
      "Tensor species, Tensor radial, Tensor own, Tensor mixing, int n_species, int n_max, "
      "float cutoff, bool with_total) -> (Tensor by_vectors, Tensor by_mixing)");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) {
  m.impl("soap", TORCH_BOX(&soap));
  m.impl("soap_gradients", TORCH_BOX(&soap_gradients));
}
