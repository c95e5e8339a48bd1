// The hot loops themselves, for any width of vector registers. Included once in each kernels_*.cpp.
#pragma once

#include "harmonic_formulas.h"
#include "kernels.h"
#include "mlip/soap.h"
#include "radial_formulas.h"
#include "simd.h"

namespace mlip {
namespace {

// `N` numbers in vectors of at most `Bytes`; `Bytes` is also that of blocks of neighbours.
template <class T, int N, int Bytes>
struct Loops {
  static constexpr int kRowBytes =
      N * static_cast<int>(sizeof(T)) < Bytes ? N * static_cast<int>(sizeof(T)) : Bytes;
  using Lanes = typename Simd<T, Bytes>::Vector;
  using Part = typename Simd<T, kRowBytes>::Vector;
  static constexpr int kWidth = Simd<T, Bytes>::kWidth;
  static constexpr int kPart = Simd<T, kRowBytes>::kWidth;
  static constexpr int kParts = N / kPart;
  static constexpr int kTerms = kSoapDegree<T> + 1;

  static void geometry(const Neighbourhood<T>& around, T per_length, int64_t intervals) {
    const int32_t last = static_cast<int32_t>(intervals - 1);
    for (int64_t j = 0; j < around.count; ++j) {
      const T x = around.x[j], y = around.y[j], z = around.z[j];
      const T r = __builtin_sqrt(x * x + y * y + z * z), inverse = 1 / r;
      around.r[j] = r;
      around.inverse_r[j] = inverse;
      around.x[j] = x * inverse;
      around.y[j] = y * inverse;
      around.z[j] = z * inverse;
      around.along[j] = place_in_table(r, per_length, last, around.interval[j]);
    }
  }

  // ------------------------------------------------------------------------------- harmonics

  // Harmonics of one block of neighbours.
  struct Block {
    T* at;
    Lanes load(int lm) const { return mlip::load<Lanes>(at + kWidth * lm); }
    void store(int lm, Lanes value) const { mlip::store(at + kWidth * lm, value); }
  };

  static void harmonics(const HarmonicTables<T>& tables, const Neighbourhood<T>& around) {
    const int64_t size = (tables.l_max + 1) * (tables.l_max + 1) * kWidth;
    for (int64_t j = 0; j < around.count; j += kWidth) {
      recursion(tables, load<Lanes>(around.x + j), load<Lanes>(around.y + j),
                load<Lanes>(around.z + j), Block{around.harmonics + j / kWidth * size});
    }
  }

  // --------------------------------------------------------------------------- radial functions

  static void radial(const T* table, int l_max, const Neighbourhood<T>& around) {
    T* out = around.radial;
    for (int64_t j = 0; j < around.count; ++j) {
      const T* from = table + around.interval[j] * int64_t{l_max + 1} * kTerms * N;
      const T t = around.along[j];
      for (int l = 0; l <= l_max; ++l, from += kTerms * N, out += N) {
        for (int p = 0; p < N; p += kPart) {
          const auto at = [&](int k) { return load<Part>(from + k * N + p); };
          store(out + p, polynomial<Part, kSoapDegree<T>>(t, at));
        }
      }
    }
  }

  // The slopes are those along the interval.
  static void radial_with_slopes(const T* table, int l_max, const Neighbourhood<T>& around) {
    T* out = around.radial;
    for (int64_t j = 0; j < around.count; ++j) {
      const T* from = table + around.interval[j] * int64_t{l_max + 1} * kTerms * N;
      const T t = around.along[j];
      for (int l = 0; l <= l_max; ++l, from += kTerms * N, out += 2 * N) {
        for (int p = 0; p < N; p += kPart) {
          const auto at = [&](int k) { return load<Part>(from + k * N + p); };
          Part slope;
          store(out + p, polynomial_with_slope<Part, kSoapDegree<T>>(t, at, slope));
          store(out + N + p, slope);
        }
      }
    }
  }

  // ------------------------------------------------------------------------------------ density

  static constexpr int kTile = kParts == 1 ? 8 : kParts == 2 ? 4 : 2;

  static void density(int l_max, int stride, const Neighbourhood<T>& around, int64_t begin,
                      int64_t end, T* density) {
    for (int l = 0; l <= l_max; ++l) {
      const T* const rows = around.radial + l * stride;
      const int64_t step = int64_t{l_max + 1} * stride;
      int m = 0;
      for (; m + kTile <= 2 * l + 1; m += kTile) {
        tile<kTile>(l_max, l * l + m, rows, step, around.harmonics, begin, end, density);
      }
      for (; m + 2 <= 2 * l + 1; m += 2) {
        tile<2>(l_max, l * l + m, rows, step, around.harmonics, begin, end, density);
      }
      if (m < 2 * l + 1) {
        tile<1>(l_max, l * l + m, rows, step, around.harmonics, begin, end, density);
      }
    }
  }

  template <int M>
  static void tile(int l_max, int lm, const T* rows, int64_t step, const T* harmonics,
                   int64_t begin, int64_t end, T* density) {
    const int64_t size = (l_max + 1) * (l_max + 1) * kWidth;
    Part sum[M][kParts] = {};
    for (int64_t j = begin; j < end; ++j) {
      const T* const y = harmonics + j / kWidth * size + lm * kWidth + j % kWidth;
      const T* const row = rows + j * step;
      for (int p = 0; p < kParts; ++p) {
        const Part radial = load<Part>(row + p * kPart);
        for (int m = 0; m < M; ++m) sum[m][p] += radial * y[m * kWidth];
      }
    }
    for (int m = 0; m < M; ++m) {
      for (int p = 0; p < kParts; ++p) store(density + (lm + m) * N + p * kPart, sum[m][p]);
    }
  }

  // ----------------------------------------------------------------------------- power spectrum

  // products[n][N] = sum_m left[m][n] right[m][N] for all m of one l
  static void products(int l, const T* left, const T* right, T* out) {
    constexpr int kRows = kTile;
    for (int first = 0; first < N; first += kRows) {
      Part sum[kRows][kParts] = {};
      for (int m = l * l; m < (l + 1) * (l + 1); ++m) {
        for (int p = 0; p < kParts; ++p) {
          const Part row = load<Part>(right + m * N + p * kPart);
          for (int n = 0; n < kRows; ++n) sum[n][p] += row * left[m * N + first + n];
        }
      }
      for (int n = 0; n < kRows; ++n) {
        for (int p = 0; p < kParts; ++p) {
          store(out + (first + n) * N + p * kPart, sum[n][p]);
        }
      }
    }
  }

  static void spectrum(int l_max, int n_max, const T* left, const T* right, T* features) {
    T square[N * N];
    for (int l = 0; l <= l_max; ++l) {
      products(l, left, right, square);
      for (int n = 0; n < n_max; ++n) {
        for (int k = 0; k < n_max; ++k) *features++ = square[n * N + k];
      }
    }
  }

  static void own_spectrum(int l_max, int n_max, const T* density, T* features) {
    T square[N * N];
    for (int l = 0; l <= l_max; ++l) {
      products(l, density, density, square);
      for (int n = 0; n < n_max; ++n) {
        for (int k = n; k < n_max; ++k) *features++ = square[n * N + k];
      }
    }
  }

  // out[m][N] += sum_n factors[m][n] square[n][N] for all m of one l
  static void add_products(int l, int n_max, const T* factors, const T* square, T* out) {
    for (int m = l * l; m < (l + 1) * (l + 1); ++m) {
      for (int p = 0; p < N; p += kPart) {
        Part sum = load<Part>(out + m * N + p);
        for (int n = 0; n < n_max; ++n) sum += load<Part>(square + n * N + p) * factors[m * N + n];
        store(out + m * N + p, sum);
      }
    }
  }

  static void spectrum_gradient(int l_max, int n_max, const T* by_features, const T* left,
                                const T* right, T* by_left, T* by_right) {
    T square[N * N] = {}, transposed[N * N] = {};
    for (int l = 0; l <= l_max; ++l) {
      for (int n = 0; n < n_max; ++n) {
        for (int k = 0; k < n_max; ++k) {
          square[n * N + k] = transposed[k * N + n] = *by_features++;
        }
      }
      add_products(l, n_max, right, transposed, by_left);
      add_products(l, n_max, left, square, by_right);
    }
  }

  static void own_spectrum_gradient(int l_max, int n_max, const T* by_features, const T* density,
                                    T* by_density) {
    T square[N * N] = {};
    for (int l = 0; l <= l_max; ++l) {
      for (int n = 0; n < n_max; ++n) {
        square[n * N + n] = 2 * *by_features++;
        for (int k = n + 1; k < n_max; ++k) {
          square[n * N + k] = square[k * N + n] = *by_features++;
        }
      }
      add_products(l, n_max, density, square, by_density);
    }
  }

  // ---------------------------------------------------------------------------- back to vectors

  static void lower(const HarmonicTables<T>& tables, T steepness, const T* by_density, T* lowered) {
    const int n_harmonics = (tables.l_max + 1) * (tables.l_max + 1);
    for (int lm = 0; lm < n_harmonics; ++lm) {
      for (int n = 0; n < N; ++n) lowered[4 * lm * N + n] = steepness * by_density[lm * N + n];
      for (int n = N; n < 4 * N; ++n) lowered[4 * lm * N + n] = 0;
    }
    for (int i = 0; i < tables.n_lowering; ++i) {
      const Lowering<T>& term = tables.lowering[i];
      const T* const from = by_density + term.upper * N;
      T* const to = lowered + (4 * term.lower + 1 + term.axis) * N;
      for (int n = 0; n < N; ++n) to[n] += term.factor * from[n];
    }
  }

  // Neighbours at once: as many as registers allow.
  static constexpr int kTogether = 2;

  static void vector_gradients(int l_max, const T* lowered, const Neighbourhood<T>& around,
                               int64_t begin, int64_t end, T* const out[3]) {
    int64_t j = begin;
    for (; j + kTogether <= end; j += kTogether) {
      some_gradients<kTogether>(l_max, lowered, around, j, out);
    }
    for (; j < end; ++j) some_gradients<1>(l_max, lowered, around, j, out);
  }

  // Sums over n and lm of dE/dc * dR/dt * Y, and of dE/dc * R * (gradient of the solid harmonic),
  // then put together.
  template <int J>
  static void some_gradients(int l_max, const T* lowered, const Neighbourhood<T>& around,
                             int64_t first, T* const out[3]) {
    Part total[J][4] = {};
    for (int p = 0; p < N; p += kPart) add_part<J>(l_max, lowered + p, p, around, first, total);
    for (int i = 0; i < J; ++i) {
      const int64_t j = first + i;
      const T by[3] = {sum(total[i][1]), sum(total[i][2]), sum(total[i][3])};
      const T u[3] = {around.x[j], around.y[j], around.z[j]};
      T gradient[3];
      join_gradient(sum(total[i][0]), by, u, around.inverse_r[j], gradient);
      for (int c = 0; c < 3; ++c) out[c][j] = gradient[c];
    }
  }

  template <int J>
  static void add_part(int l_max, const T* lowered, int p, const Neighbourhood<T>& around,
                       int64_t first, Part (&total)[J][4]) {
    const int64_t size = (l_max + 1) * (l_max + 1) * kWidth;
    const T *y[J], *radial[J];
    for (int i = 0; i < J; ++i) {
      const int64_t j = first + i;
      y[i] = around.harmonics + j / kWidth * size + j % kWidth;
      radial[i] = around.radial + j * (l_max + 1) * 2 * N + p;
    }
    for (int l = 0; l <= l_max; ++l) {
      Part part[J][4] = {};
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
        for (int a = 0; a < 4; ++a) {
          const Part row = load<Part>(lowered + (4 * lm + a) * N);
          for (int i = 0; i < J; ++i) part[i][a] += row * y[i][lm * kWidth];
        }
      }
      for (int i = 0; i < J; ++i) {
        total[i][0] += part[i][0] * load<Part>(radial[i] + (2 * l + 1) * N);
        if (l == l_max) continue;
        const Part above = load<Part>(radial[i] + 2 * (l + 1) * N);
        for (int a = 1; a < 4; ++a) total[i][a] += part[i][a] * above;
      }
    }
  }

  static T sum(Part v) {
    T lanes[kPart];
    store(lanes, v);
    for (int half = kPart / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
  }

  // ---------------------------------------------------------------------------- whole densities

  static void add_scaled(int64_t count, T factor, const T* from, T* to) {
    for (int64_t i = 0; i < count; i += kPart) {
      store(to + i, load<Part>(to + i) + load<Part>(from + i) * factor);
    }
  }

  static T dot(int64_t count, const T* a, const T* b) {
    Part total = {};
    for (int64_t i = 0; i < count; i += kPart) total += load<Part>(a + i) * load<Part>(b + i);
    return sum(total);
  }

  static Kernels<T> table(const char* name) {
    return {name,
            kWidth,
            geometry,
            harmonics,
            radial,
            radial_with_slopes,
            density,
            spectrum,
            own_spectrum,
            spectrum_gradient,
            own_spectrum_gradient,
            lower,
            vector_gradients,
            add_scaled,
            dot};
  }
};

template <class T, int Bytes>
Kernels<T> copies(int n_max, const char* name) {
  return n_max <= 8 ? Loops<T, 8, Bytes>::table(name) : Loops<T, 16, Bytes>::table(name);
}

}  // namespace
}  // namespace mlip
