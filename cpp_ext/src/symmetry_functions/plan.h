// Lists of symmetry functions, sorted so that what functions share is computed once: neighbours
// and cutoff within a group, Gaussians of distances (envelopes) and powers of the angle within a
// group of angular functions. Plain structs, since files compiled for wider instruction sets read
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "cutoff.h"
#include "host_device.h"
#include "mlip/symmetry_functions.h"

namespace mlip {

// Angular functions of one group at most; more make more groups.
constexpr int kMostFunctions = 64;

// Members [first, last) of an array of the plan.
struct Range {
  int32_t first, last;
};

namespace {
MLIP_BOTH inline int32_t size(Range range) { return range.last - range.first; }
}  // namespace

struct RadialTerm {
  double eta, shift;
  int32_t column;
};

struct RadialGroup {
  int32_t sees, cutoff;  // the cutoff counts from the first of the list
  Range terms;
};

struct Envelope {
  double eta, shift;
  Range products;
};

struct Power {
  double zeta;
  int32_t whole;  // zeta, or -1 where it is not a whole number
  int32_t sign;
};

// One angular function: an envelope times a power, counted from the first of the group.
struct Product {
  int32_t power, column;
};

struct AngularGroup {
  int32_t first, second, cutoff;
  bool third_side;
  Range envelopes, powers;
};

struct FunctionList {
  Range cutoffs;  // from the shortest to the longest
  Range radial, angular;
};

struct PlanView {
  const FunctionList* lists;
  const int32_t* list_of_species;
  const double* weights;
  int32_t n_species;
  const Cutoff* cutoffs;
  const RadialGroup* radial;
  const RadialTerm* terms;
  const AngularGroup* angular;
  const Envelope* envelopes;
  const Power* powers;
  const Product* products;
};

struct PlanArrays {
  std::vector<FunctionList> lists;
  std::vector<int32_t> list_of_species;
  std::vector<double> weights;
  std::vector<Cutoff> cutoffs;
  std::vector<RadialGroup> radial;
  std::vector<RadialTerm> terms;
  std::vector<AngularGroup> angular;
  std::vector<Envelope> envelopes;
  std::vector<Power> powers;
  std::vector<Product> products;

  PlanView view() const;
};

// Throws std::invalid_argument as the constructor of SymmetryFunctions does.
PlanArrays make_plan(const std::vector<SymmetryFunction>& functions,
                     const std::vector<int32_t>& list_of_species,
                     const std::vector<double>& weights, CutoffShape cutoff);

}  // namespace mlip
