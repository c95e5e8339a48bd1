// Arguments and results of SOAP's operators, on any device.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>

#include "arguments.h"
#include "mlip/soap.h"

namespace mlip {

// Far more species, or channels of them, than there are; all that is counted of them is in range.
constexpr int64_t kSoapMostSpecies = 1 << 15;

// The arguments of both operators.
struct SoapArguments {
  const char* op;
  torch::stable::Tensor vectors, centres, neighbours, species, radial, own, mixing;
  int64_t n_species, n_max;
  double cutoff;
  bool with_total;
};

// Checked arguments, and what the core makes of them.
template <class T>
struct SoapCall {
  SoapArguments in;
  SoapBasis<T> basis;
  SoapEdges<T> edges;
  int64_t n_features;

  explicit SoapCall(const SoapArguments& given) : in(given) {
    using torch::headeronly::ScalarType;
    const char* const op = in.op;
    require(in.n_max >= 1 && in.n_max <= kSoapMostFunctions, "n_max must be 1 to 16");
    require(in.n_species >= 1 && in.n_species <= kSoapMostSpecies, "n_species must be 1 to 32768");
    require(in.cutoff > 0, "cutoff must be positive");
    const int64_t row = soap_row(static_cast<int>(in.n_max));
    in.vectors = checked(in.vectors, op, "vectors", kType<T>, {-1, 3});
    const int64_t n_edges = in.vectors.size(0);
    in.centres = checked(in.centres, op, "centres", ScalarType::Long, {n_edges});
    in.neighbours = checked(in.neighbours, op, "neighbours", ScalarType::Long, {n_edges});
    in.species = checked(in.species, op, "species", ScalarType::Long, {-1});
    in.radial = checked(in.radial, op, "radial", kType<T>, {-1, -1, kSoapDegree<T> + 1, row});
    in.own = checked(in.own, op, "own", kType<T>, {row});
    in.mixing = checked(in.mixing, op, "mixing", kType<T>, {-1, in.n_species});
    const int64_t degrees = in.radial.size(1), channels = in.mixing.size(0);
    require(in.radial.size(0) >= 1, "radial has no intervals");
    require(degrees >= 1 && degrees <= kSoapMostDegrees + 1, "l_max must be 0 to 12");
    require(channels <= kSoapMostSpecies, "mixing has more than 32768 channels");
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
    n_features = soap_features_per_atom(basis);
  }

  void require(bool condition, const char* otherwise) const {
    if (!condition) throw std::invalid_argument(std::string(in.op) + ": " + otherwise);
  }
};

// The operators by a `Machine`, made of the arguments before anything is read:
//
//   machine.check_place(tensor, name)        throws if the tensor lies elsewhere
//   machine.new_tensor(like, shape)          for results
//   machine.features(call, features)
//   machine.gradients(call, by_features, by_vectors, by_mixing)
template <class Machine>
struct SoapOperators {
  using Tensor = torch::stable::Tensor;

  static Tensor soap(Tensor vectors, Tensor centres, Tensor neighbours, Tensor species,
                     Tensor radial, Tensor own, Tensor mixing, int64_t n_species, int64_t n_max,
                     double cutoff, bool with_total) {
    const SoapArguments given = {"mlip::soap", vectors, centres,   neighbours, species, radial,
                                 own,          mixing,  n_species, n_max,      cutoff,  with_total};
    return in_floats(vectors) ? features<float>(given) : features<double>(given);
  }

  static std::tuple<Tensor, Tensor> soap_gradients(Tensor by_features, Tensor vectors,
                                                   Tensor centres, Tensor neighbours,
                                                   Tensor species, Tensor radial, Tensor own,
                                                   Tensor mixing, int64_t n_species, int64_t n_max,
                                                   double cutoff, bool with_total) {
    const SoapArguments given = {"mlip::soap_gradients",
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
    return in_floats(vectors) ? gradients<float>(given, by_features)
                              : gradients<double>(given, by_features);
  }

 private:
  static bool in_floats(const Tensor& vectors) {
    return vectors.scalar_type() == torch::headeronly::ScalarType::Float;
  }

  template <class T>
  static Tensor features(const SoapArguments& given) {
    const Machine machine(given);
    const SoapCall<T> call(given);
    Tensor out = machine.new_tensor(call.in.vectors, {call.edges.n_atoms, call.n_features});
    machine.features(call, out.template mutable_data_ptr<T>());
    return out;
  }

  template <class T>
  static std::tuple<Tensor, Tensor> gradients(const SoapArguments& given,
                                              const Tensor& by_features_) {
    const Machine machine(given);
    machine.check_place(by_features_, "by_features");
    const SoapCall<T> call(given);
    const int64_t n_atoms = call.edges.n_atoms;
    const Tensor by_features =
        checked(by_features_, call.in.op, "by_features", kType<T>, {n_atoms, call.n_features});
    Tensor by_vectors = machine.new_tensor(call.in.vectors, {call.edges.n_edges, 3});
    Tensor by_mixing =
        machine.new_tensor(call.in.vectors, {n_atoms, call.in.mixing.size(0), call.in.n_species});
    machine.gradients(call, by_features.template const_data_ptr<T>(),
                      by_vectors.template mutable_data_ptr<T>(),
                      call.basis.mixing ? by_mixing.template mutable_data_ptr<T>() : nullptr);
    return {by_vectors, by_mixing};
  }
};

}  // namespace mlip
