// The hot loops of SOAP, for one atom at a time. One copy for each instruction set; `kernels`
// tells which of them runs here.
//
// This header and those copies use nothing but raw pointers (instruction_sets.h says why).
//
// Two orders of numbers, so that all loops run along vector registers:
//   rows     n radial functions side by side, padded with zeros to N = 8 or 16
//   blocks   `width` neighbours side by side; block k holds neighbours k * width onwards
#pragma once

#include <cstdint>

#include "harmonic_tables.h"

namespace mlip {

// The neighbours of an atom. Arrays have room for whole blocks; the places after `count` hold
// anything finite.
template <class T>
struct Neighbourhood {
  int64_t count;
  T *x, *y, *z;       // vectors, then unit vectors
  T *r, *inverse_r;   // Å, 1 / Å
  T* along;           // -1 to 1 along the interval
  int32_t* interval;  // of the radial table
  T* harmonics;       // [block][lm][width]
  T* radial;          // [neighbour][l][N], or with slopes [neighbour][l][2][N]
};

template <class T>
struct Kernels {
  const char* name;
  int width;

  // Lengths, unit vectors and places in the radial table; beyond its end the last interval.
  void (*geometry)(const Neighbourhood<T>& around, T intervals_per_length, int64_t intervals);

  void (*harmonics)(const HarmonicTables<T>& tables, const Neighbourhood<T>& around);

  // R_nl of each neighbour, or with dR_nl/dt beside it.
  void (*radial)(const T* table, int l_max, const Neighbourhood<T>& around);
  void (*radial_with_slopes)(const T* table, int l_max, const Neighbourhood<T>& around);

  // density[lm][N] of the neighbours from `begin` to `end`; `stride` is that of radial along l.
  void (*density)(int l_max, int stride, const Neighbourhood<T>& around, int64_t begin, int64_t end,
                  T* density);

  // features[l][n][n'] of two densities, or [l][n <= n'] of one with itself.
  void (*spectrum)(int l_max, int n_max, const T* left, const T* right, T* features);
  void (*own_spectrum)(int l_max, int n_max, const T* density, T* features);

  // Adds to dE/d(density) what dE/d(features) of these features asks for.
  void (*spectrum_gradient)(int l_max, int n_max, const T* by_features, const T* left,
                            const T* right, T* by_left, T* by_right);
  void (*own_spectrum_gradient)(int l_max, int n_max, const T* by_features, const T* density,
                                T* by_density);

  // lowered[lm][4][N]: by_density times `steepness` (dt/dr of the radial table), and what it asks
  // of the harmonics one degree lower when neighbours move along x, y, z.
  void (*lower)(const HarmonicTables<T>& tables, T steepness, const T* by_density, T* lowered);

  // dE/d(vector) of the neighbours from `begin` to `end`, into x, y and z of `out`. Needs radial
  // functions with slopes.
  void (*vector_gradients)(int l_max, const T* lowered, const Neighbourhood<T>& around,
                           int64_t begin, int64_t end, T* const out[3]);

  void (*add_scaled)(int64_t count, T factor, const T* from, T* to);
  T (*dot)(int64_t count, const T* a, const T* b);
};

// Those for rows of n_max functions that this machine runs fastest. `level` 0, 1 and 2 stand for
// the baseline, AVX2 and AVX-512; what the machine or the build lacks is replaced by the next
// lower.
constexpr int kBestLevel = 2;
template <class T>
Kernels<T> kernels(int n_max, int level = kBestLevel);

}  // namespace mlip
