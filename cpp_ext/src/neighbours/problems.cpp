#include "problems.h"

#include <cmath>
#include <stdexcept>

namespace mlip {

std::string words(Problem problem, int64_t which) {
  const std::string number = std::to_string(which);
  switch (problem) {
    case Problem::kNone:
      break;
    case Problem::kBorders:
      return "first_atom must rise from 0 to the number of atoms";
    case Problem::kCellNotFinite:
      return "the cell is not finite";
    case Problem::kVectorTooLong:
      return "cell vector " + number + " is longer than 1e15 Å";
    case Problem::kSingular:
      return "the cell is singular along its periodic directions: a periodic vector is zero, or "
             "they are linearly dependent; give a full cell or switch pbc off there";
    case Problem::kPositionNotFinite:
      return "the position of atom " + number + " is not finite";
    case Problem::kTooFar:
      return "the position of atom " + number + " is more than 4e15 cells away; wrap it first";
    case Problem::kTooManyImages:
      return "more than 2^31 images of atoms lie within the cutoff of the cell; the cutoff is too "
             "large for so small a cell";
    case Problem::kRounding:
      return "atoms are so far outside the cell, or the cell is so skewed, that rounding hides "
             "distances as short as the cutoff; wrap the atoms or reduce the cell first";
  }
  return "";
}

void raise(Problem problem, int64_t which) { throw std::invalid_argument(words(problem, which)); }

void check_cutoff(double cutoff) {
  if (!(std::isfinite(cutoff) && cutoff > 0)) {
    throw std::invalid_argument("the cutoff must be a positive number of Å, got " +
                                std::to_string(cutoff));
  }
  if (cutoff < 1e-9 || cutoff > 1e15) {
    throw std::invalid_argument("the cutoff must lie between 1e-9 and 1e15 Å, got " +
                                std::to_string(cutoff));
  }
}

}  // namespace mlip
