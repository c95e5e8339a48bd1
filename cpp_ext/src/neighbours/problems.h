// What can be wrong with structures, and the words for it: the same on the processor and on a GPU.
#pragma once

#include <cstdint>
#include <string>

#include "host_device.h"

namespace mlip {

enum class Problem : int {
  kNone,
  kBorders,
  kCellNotFinite,
  kVectorTooLong,
  kSingular,
  kPositionNotFinite,
  kTooFar,
  kTooManyImages,
  kRounding,
};

// `which` is the atom or the cell vector that the problem is about, if it is about one.
std::string words(Problem problem, int64_t which = 0);

// Throws std::invalid_argument with these words.
[[noreturn]] void raise(Problem problem, int64_t which = 0);

// Throws std::invalid_argument unless the cutoff is a positive number between 1e-9 and 1e15 Å,
// where its square and its inverse neither overflow nor vanish.
void check_cutoff(double cutoff);

// Not std::isfinite, which not every compiler for GPUs takes there.
MLIP_BOTH inline bool finite(double x) { return x - x == 0; }

// Cells away from the origin up to which a double still resolves where in its cell an atom is.
constexpr double kFarthest = 4e15;
// Of one structure; some arrays are indexed by 32-bit numbers.
constexpr double kMostPoints = 2147483647 - 64.0;
// Of a cell; images this little out of reach are kept, so that rounding loses none.
constexpr double kSlack = 1e-9;
// Rounding errors of a difference of two sums, in units of the largest number that took part.
constexpr double kRounding = 32 * 2.220446049250313e-16;
// Images are placed out to this much of the cutoff beyond it; distances must be right to that.
constexpr double kMargin = 1e-3;

}  // namespace mlip
