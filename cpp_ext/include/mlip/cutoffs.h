// Cutoff functions by their names.
#pragma once

#include <cstdint>

namespace mlip {

// How a neighbour's weight f(r) falls to zero at the cutoff; mlip/ops/cutoffs.py has the formulas.
enum class CutoffKind : int32_t {
  hard,
  cosine,
  tanh3,
  tanh3_from_one,
  exponential,
  polynomial1,
  polynomial2,
  polynomial3,
  polynomial4,
};

inline bool is_known(CutoffKind kind) {
  return kind >= CutoffKind::hard && kind <= CutoffKind::polynomial4;
}

}  // namespace mlip
