// The operators of sums over neighbours by a `Machine`, made of an operator's name and what is sent
// before anything is read:
//
//   machine.check_place(tensor, name)        throws if the tensor lies elsewhere
//   machine.values(call, sums)               for calls of both kinds
//   machine.gradients(call, by_sums, gradients)
//   machine.second(call, by_sums, along, by_by_sums, gradients)
//   machine.radial_gradients(call, by_sums, by_vectors, by_sent)
#pragma once

#include "neighbour_sum_tensors.h"

namespace mlip {

template <class Machine>
struct GivenSumOperators {
  using Tensor = torch::stable::Tensor;
  using Three = std::tuple<Tensor, Tensor, Tensor>;
  using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

  static Tensor neighbour_sums(Tensor weights, Tensor harmonics, Tensor sent, Tensor centres,
                               Tensor neighbours, int64_t n_centres) {
    const GivenSumArguments given = {
        "mlip::neighbour_sums", weights, harmonics, sent, centres, neighbours, n_centres};
    return in_floats(sent) ? values<float>(given) : values<double>(given);
  }

  static Three neighbour_sum_gradients(Tensor by_sums, Tensor weights, Tensor harmonics,
                                       Tensor sent, Tensor centres, Tensor neighbours,
                                       int64_t n_centres) {
    const GivenSumArguments given = {
        "mlip::neighbour_sum_gradients", weights, harmonics, sent, centres, neighbours, n_centres};
    return in_floats(sent) ? gradients<float>(given, by_sums) : gradients<double>(given, by_sums);
  }

  static Four neighbour_sum_second(Tensor along_weights, Tensor along_harmonics, Tensor along_sent,
                                   Tensor by_sums, Tensor weights, Tensor harmonics, Tensor sent,
                                   Tensor centres, Tensor neighbours, int64_t n_centres) {
    const GivenSumArguments given = {
        "mlip::neighbour_sum_second", weights, harmonics, sent, centres, neighbours, n_centres};
    const Three along = {along_weights, along_harmonics, along_sent};
    return in_floats(sent) ? second<float>(given, by_sums, along)
                           : second<double>(given, by_sums, along);
  }

 private:
  static bool in_floats(const Tensor& tensor) {
    return tensor.scalar_type() == torch::headeronly::ScalarType::Float;
  }

  static void check_places(const Machine& machine, const GivenSumArguments& in) {
    machine.check_place(in.weights, "weights");
    machine.check_place(in.harmonics, "harmonics");
    machine.check_place(in.centres, "centres");
    machine.check_place(in.neighbours, "neighbours");
  }

  template <class T>
  static Tensor values(const GivenSumArguments& given) {
    const Machine machine(given.op, given.sent);
    check_places(machine, given);
    const GivenSumCall<T> call(given);
    Tensor out = call.sums();
    machine.values(call, out.template mutable_data_ptr<T>());
    return out;
  }

  template <class T>
  static Three gradients(const GivenSumArguments& given, const Tensor& by_sums) {
    const Machine machine(given.op, given.sent);
    check_places(machine, given);
    machine.check_place(by_sums, "by_sums");
    const GivenSumCall<T> call(given);
    const Tensor by = call.checked_sums(by_sums);
    Three found = call.gradients();
    machine.gradients(call, by.template const_data_ptr<T>(), call.pointers(found));
    return found;
  }

  template <class T>
  static Four second(const GivenSumArguments& given, const Tensor& by_sums, Three along) {
    const Machine machine(given.op, given.sent);
    check_places(machine, given);
    auto& [weights, harmonics, sent] = along;
    machine.check_place(by_sums, "by_sums");
    machine.check_place(weights, "along_weights");
    machine.check_place(harmonics, "along_harmonics");
    machine.check_place(sent, "along_sent");
    const GivenSumCall<T> call(given);
    const GivenSumArguments& in = call.in;
    const Tensor by = call.checked_sums(by_sums);
    weights = checked(weights, in.op, "along_weights", kType<T>,
                      {in.weights.size(0), in.weights.size(1), in.weights.size(2)});
    harmonics = checked(harmonics, in.op, "along_harmonics", kType<T>,
                        {in.harmonics.size(0), in.harmonics.size(1)});
    sent = checked(sent, in.op, "along_sent", kType<T>,
                   {in.sent.size(0), in.sent.size(1), in.sent.size(2)});
    Tensor by_by = call.sums();
    Three found = call.gradients();
    machine.second(call, by.template const_data_ptr<T>(), call.pointers(weights, harmonics, sent),
                   by_by.template mutable_data_ptr<T>(), call.pointers(found));
    return std::tuple_cat(std::make_tuple(by_by), found);
  }
};

template <class Machine>
struct RadialSumOperators {
  using Tensor = torch::stable::Tensor;
  using Two = std::tuple<Tensor, Tensor>;

  static Tensor radial_sums(Tensor vectors, Tensor sent, Tensor table, Tensor centres,
                            Tensor neighbours, int64_t n_centres, int64_t l_max, double cutoff) {
    const RadialSumArguments given = {"mlip::radial_sums", vectors,   sent,  table, centres,
                                      neighbours,          n_centres, l_max, cutoff};
    return in_floats(sent) ? values<float>(given) : values<double>(given);
  }

  static Two radial_sum_gradients(Tensor by_sums, Tensor vectors, Tensor sent, Tensor table,
                                  Tensor centres, Tensor neighbours, int64_t n_centres,
                                  int64_t l_max, double cutoff, bool sent_wanted) {
    const RadialSumArguments given = {"mlip::radial_sum_gradients",
                                      vectors,
                                      sent,
                                      table,
                                      centres,
                                      neighbours,
                                      n_centres,
                                      l_max,
                                      cutoff};
    return in_floats(sent) ? gradients<float>(given, by_sums, sent_wanted)
                           : gradients<double>(given, by_sums, sent_wanted);
  }

 private:
  static bool in_floats(const Tensor& tensor) {
    return tensor.scalar_type() == torch::headeronly::ScalarType::Float;
  }

  static void check_places(const Machine& machine, const RadialSumArguments& in) {
    machine.check_place(in.vectors, "vectors");
    machine.check_place(in.table, "table");
    machine.check_place(in.centres, "centres");
    machine.check_place(in.neighbours, "neighbours");
  }

  template <class T>
  static Tensor values(const RadialSumArguments& given) {
    const Machine machine(given.op, given.sent);
    check_places(machine, given);
    const RadialSumCall<T> call(given);
    Tensor out = call.sums();
    machine.values(call, out.template mutable_data_ptr<T>());
    return out;
  }

  template <class T>
  static Two gradients(const RadialSumArguments& given, const Tensor& by_sums, bool sent_wanted) {
    const Machine machine(given.op, given.sent);
    check_places(machine, given);
    machine.check_place(by_sums, "by_sums");
    const RadialSumCall<T> call(given);
    const Tensor by = call.checked_sums(by_sums);
    Tensor by_vectors = room_like(call.in.vectors);
    Tensor by_sent =
        sent_wanted ? room_like(call.in.sent) : torch::stable::new_empty(call.in.sent, {0, 0, 0});
    machine.radial_gradients(call, by.template const_data_ptr<T>(),
                             by_vectors.template mutable_data_ptr<T>(),
                             sent_wanted ? by_sent.template mutable_data_ptr<T>() : nullptr);
    return {by_vectors, by_sent};
  }
};

}  // namespace mlip
