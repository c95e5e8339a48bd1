// Counts of features outside their range as an operator of torch.
#include "mlip/feature_range.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>

#include "arguments.h"

namespace {

using mlip::checked;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr const char* kOp = "mlip::count_outside";

Tensor count_outside(Tensor features_, Tensor species_, Tensor lower_, Tensor upper_,
                     double slack) {
  const bool doubles = features_.scalar_type() == ScalarType::Double;
  const Tensor features = checked(features_, kOp, "features",
                                  doubles ? ScalarType::Double : ScalarType::Float, {-1, -1});
  const int64_t n_atoms = features.size(0), n_features = features.size(1);
  const Tensor species = checked(species_, kOp, "species", ScalarType::Long, {n_atoms});
  const Tensor lower = checked(lower_, kOp, "lower", ScalarType::Double, {-1, n_features});
  const Tensor upper =
      checked(upper_, kOp, "upper", ScalarType::Double, {lower.size(0), n_features});
  const mlip::FeatureRange range = {lower.const_data_ptr<double>(), upper.const_data_ptr<double>(),
                                    lower.size(0), n_features, slack};
  Tensor counts = torch::stable::new_empty(species, {n_atoms});
  const auto run = [&](const auto* numbers) {
    mlip::count_outside(range, numbers, species.const_data_ptr<int64_t>(), n_atoms, mlip::threads(),
                        counts.mutable_data_ptr<int64_t>());
  };
  doubles ? run(features.const_data_ptr<double>()) : run(features.const_data_ptr<float>());
  return counts;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(mlip, m) {
  m.def(
      "count_outside(Tensor features, Tensor species, Tensor lower, Tensor upper, float slack) "
      "-> Tensor counts");
}

STABLE_TORCH_LIBRARY_IMPL(mlip, CPU, m) { m.impl("count_outside", TORCH_BOX(&count_outside)); }
