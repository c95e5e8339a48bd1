// Random bytes as structures: whatever they are, the core must answer or throw, never crash, and
// what it answers must be right. Works with libFuzzer (-fsanitize=fuzzer, MLIP_LIBFUZZER) or, as
// its own program, for as many seconds as it is told.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>

#include "mlip/neighbours.h"
#include "reference.h"

namespace {

// Reads numbers from bytes; zeros when they have run out.
class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

  // Mostly lengths of atoms and cells; now and then any double at all.
  double number() {
    const uint8_t kind = byte();
    if (kind == 255) {
      double any = 0;
      for (size_t b = 0; b < sizeof any; ++b) reinterpret_cast<uint8_t*>(&any)[b] = byte();
      return any;
    }
    const double fraction = (byte() * 256 + byte()) / 65536.0 - 0.5;
    const double scales[] = {0, 1, 4, 8, 16, 16, 100, 1e4, 1e6, 1e9, 1e16, 1e300};
    return kind < 200 ? 12 * fraction : scales[kind % 12] * (kind < 230 ? 1 : fraction);
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

[[noreturn]] void wrong(const char* what) {
  std::printf("WRONG: %s\n", what);
  std::abort();
}

// Few enough images for the reference, and numbers with which it does not round.
bool can_be_judged(const Structure& s, double cutoff) {
  for (const double x : s.positions) {
    if (std::fabs(x) > 50) return false;
  }
  for (int k = 0; k < 3; ++k) {
    for (int c = 0; c < 3; ++c) {
      if (std::fabs(s.cell[3 * k + c]) > 50) return false;
    }
  }
  return cutoff < 8 && s.size() <= 8;
}

// Neither side's pairs may be missing in the other, but for those on which rounding decides.
void judge(const Structure& s, double cutoff, const std::vector<Pair>& found) {
  const int64_t images = 6;
  for (const Pair& pair : reference_pairs(s, cutoff * (1 - 1e-9), images)) {
    if (!std::binary_search(found.begin(), found.end(), pair)) wrong("a pair is missing");
  }
  const std::vector<Pair> all = reference_pairs(s, cutoff * (1 + 1e-9), images);
  for (const Pair& pair : found) {
    bool in_range = true;
    for (int k = 2; k < 5; ++k) in_range = in_range && std::llabs(pair[k]) <= images;
    if (in_range && !std::binary_search(all.begin(), all.end(), pair)) wrong("a pair is too many");
  }
}

void check(mlip::NeighbourList& list, const Structure& s, double cutoff) {
  const int64_t n = list.size();
  std::vector<int64_t> centres(n), neighbours(n), shifts(3 * n);
  std::vector<double> distances(n), vectors(3 * n);
  list.write({centres.data(), neighbours.data(), shifts.data(), distances.data(), vectors.data()});
  std::vector<Pair> found, mirrored;
  for (int64_t p = 0; p < n; ++p) {
    const int64_t *shift = &shifts[3 * p], i = centres[p], j = neighbours[p];
    found.push_back({i, j, shift[0], shift[1], shift[2]});
    mirrored.push_back({j, i, -shift[0], -shift[1], -shift[2]});
    if (i < 0 || j < 0 || i >= s.size() || j >= s.size()) wrong("no such atom");
    for (int k = 0; k < 3; ++k) {
      if (!s.periodic[k] && shift[k] != 0) wrong("a shift along a direction that is not periodic");
    }
  }
  if (!std::is_sorted(found.begin(), found.end())) wrong("not sorted");
  std::sort(mirrored.begin(), mirrored.end());
  if (found != mirrored) wrong("i sees j but j does not see i");
  if (std::adjacent_find(found.begin(), found.end()) != found.end()) wrong("a pair twice");
  if (can_be_judged(s, cutoff)) judge(s, cutoff, found);
}

// Whether the list is worth waiting for. Cells are compared by their volume: long vectors that are
// nearly parallel make a small one.
bool too_many_pairs(const Structure& s, double cutoff) {
  double rows[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  double images = static_cast<double>(s.size() * s.size());
  for (int k = 0; k < 3; ++k) {
    if (!s.periodic[k]) continue;
    for (int c = 0; c < 3; ++c) rows[k][c] = s.cell[3 * k + c];
    images *= 2 * cutoff + 1;
  }
  double volume = 0;
  for (int k = 0; k < 3; ++k) {
    const int l = (k + 1) % 3, m = (k + 2) % 3;
    volume += rows[0][k] * (rows[1][l] * rows[2][m] - rows[1][m] * rows[2][l]);
  }
  const bool periodic = s.periodic[0] || s.periodic[1] || s.periodic[2];
  return periodic && (cutoff > 50 || !(images / std::fabs(volume) < 1e4));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader reader(data, size);
  Structure s;
  const uint8_t flags = reader.byte();
  for (int k = 0; k < 3; ++k) s.periodic[k] = (flags >> k) & 1;
  const double cutoff = reader.number();
  for (double& c : s.cell) c = reader.number();
  const int64_t n_atoms = flags >> 3 & 1 ? reader.byte() : reader.byte() % 8;
  for (int64_t k = 0; k < 3 * n_atoms; ++k) s.positions.push_back(reader.number());
  if (std::isfinite(cutoff) && too_many_pairs(s, cutoff)) return 0;
  static mlip::NeighbourList list;
  const int64_t first_atom[2] = {0, n_atoms};
  try {
    list.find({s.positions.data(), s.cell.data(), s.periodic.data(), first_atom, 1}, cutoff, 1);
  } catch (const std::invalid_argument&) {
    return 0;
  }
  check(list, s, cutoff);
  return 0;
}

#ifndef MLIP_LIBFUZZER
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
  const unsigned seed = argc > 2 ? std::atoi(argv[2]) : std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  const auto start = std::chrono::steady_clock::now();
  int64_t inputs = 0;
  std::vector<uint8_t> bytes;
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
         seconds) {
    bytes.resize(random() % 600);
    const uint8_t least = random() % 4 == 0 ? 0 : 56;  // strange numbers in one input of four
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random() % (256 - least));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++inputs;
  }
  std::printf("%lld inputs\n", static_cast<long long>(inputs));
  return 0;
}
#endif
