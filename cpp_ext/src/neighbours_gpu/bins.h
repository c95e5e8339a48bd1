// Which bin a coordinate falls into, and which bins a centre must look at (Axis in arrays.h).
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"

namespace mlip::gpu {

// Bins `first`, `first + 1`, ...; those beyond the last are images of others, or the first again.
struct Run {
  int64_t first, count;
};

// A bin, and how many cells away its image is.
struct Place {
  int64_t bin, image;
};

// Never less for a larger coordinate, whatever rounding does. Far out it stops growing, before it
// overflows.
MLIP_BOTH inline double bin_along(const Axis& axis, double coordinate) {
  const double bin = std::floor(coordinate * axis.per_unit);
  return std::fmin(std::fmax(bin, -1e300), 1e300);
}

// `bin` modulo the number of bins; exact for every double.
MLIP_BOTH inline int64_t folded(const Axis& axis, double bin) {
  const double rest = std::fmod(bin, static_cast<double>(axis.number));
  return static_cast<int64_t>(rest < 0 ? rest + axis.number : rest);
}

MLIP_BOTH inline int64_t bin_of(const Axis& axis, double coordinate) {
  const double bin = bin_along(axis, coordinate);
  if (!axis.repeats) return folded(axis, bin);
  // Wrapped fractions lie in [0, 1) but for rounding, for which `reach` has room.
  return static_cast<int64_t>(std::fmin(std::fmax(bin, 0.0), axis.number - 1.0));
}

MLIP_BOTH inline Run run_of(const Axis& axis, double coordinate) {
  // The second part is for the rounding of coordinates so large that they resolve no more than
  // that.
  const double spread = axis.reach + 1e-15 * std::fabs(coordinate);
  const double low = bin_along(axis, coordinate - spread);
  const double high = bin_along(axis, coordinate + spread);
  if (axis.repeats) return {static_cast<int64_t>(low), static_cast<int64_t>(high - low) + 1};
  const double more = high - low;
  if (!(more < axis.number - 1)) return {0, axis.number};  // each once
  return {folded(axis, low), static_cast<int64_t>(more) + 1};
}

MLIP_BOTH inline Place place_of(const Axis& axis, int64_t bin) {
  if (bin >= 0 && bin < axis.number) return {bin, 0};
  const int64_t rest = bin % axis.number, inside = rest < 0 ? rest + axis.number : rest;
  return {inside, axis.repeats ? (bin - inside) / axis.number : 0};
}

}  // namespace mlip::gpu
