// The SOAP power spectrum of atomic environments, and the derivative of any function of it by the
// vectors to the neighbours, in reverse: the derivatives of the features themselves are never
// formed.
//
// With the radial functions R_nl (which carry the cutoff function and all prefactors), the real
// spherical harmonics Y_lm (index l^2 + l + m, m = -l..l; m > 0 goes with cos(m phi)) and the edges
// j of atom i that lead to species s,
//
//   c[s][lm][n] = sum_j R_nl(r_j) Y_lm(r_j / |r_j|) + (s is the species of i) own[n] (l == 0)
//   p[a, b][l][n][n'] = sum_m left[a][lm][n] right[b][lm][n']
//
// where left and right are c itself, combinations of it (`mixing`), or c and its sum over species
// (`with_total`).
//
// Plain C++17: no torch, no Python, no global state. T is float or double.
#pragma once

#include <cstdint>

namespace mlip {

// Radial functions are polynomials of this degree on each interval.
template <class T>
constexpr int kSoapDegree = sizeof(T) == 4 ? 5 : 9;

constexpr int kSoapMostDegrees = 12, kSoapMostFunctions = 16;

// Rows of n radial functions are padded with zeros to this length.
constexpr int soap_row(int n_max) { return n_max <= 8 ? 8 : 16; }

template <class T>
struct SoapBasis {
  int n_max;  // 1 to kSoapMostFunctions
  int l_max;  // 0 to kSoapMostDegrees
  int n_species;
  // Å; edges of this length and longer count for nothing.
  double cutoff;
  // [intervals][l_max + 1][kSoapDegree<T> + 1][soap_row(n_max)]: coefficients, constant first, of
  // R_nl in t = -1..1 along each of the equal intervals from 0 to the cutoff.
  const T* radial;
  int64_t intervals;
  // [soap_row(n_max)]: what the centre adds to the density of its own species.
  const T* own;
  // [channels][n_species]: the densities that are multiplied are these combinations of those of the
  // species; null if they are those of the species. Not together with with_total.
  const T* mixing;
  int channels;
  // Each density is multiplied with the sum of all, instead of with each.
  bool with_total;
};

// Everything is borrowed. Edges may come in any order; sorted by centre they are read fastest.
template <class T>
struct SoapEdges {
  const T* vectors;           // [n_edges][3], Å, from centre to neighbour
  const int64_t* centres;     // [n_edges]
  const int64_t* neighbours;  // [n_edges]
  int64_t n_edges;
  const int64_t* species;  // [n_atoms], 0 to n_species - 1
  int64_t n_atoms;
};

// Length of the row of features of an atom: for each pair a <= b of densities (for each a, with
// with_total), then each l, all n, n'; for a = b only n <= n'.
template <class T>
int64_t soap_features_per_atom(const SoapBasis<T>& basis);

// Writes features [n_atoms][soap_features_per_atom]. `threads` is the most that may be used; small
// inputs use one. Results do not depend on it.
//
// Throws std::invalid_argument, with words that name the edge, if an index is out of range or a
// neighbour lies at its centre or is not at a finite distance.
template <class T>
void soap_features(const SoapBasis<T>& basis, const SoapEdges<T>& edges, int threads, T* features);

// From dE/dp [n_atoms][soap_features_per_atom], for any E: by_vectors [n_edges][3] and, with
// mixing, by_mixing [n_atoms][channels][n_species], the part of each atom; null if not wanted.
template <class T>
void soap_gradients(const SoapBasis<T>& basis, const SoapEdges<T>& edges, int threads,
                    const T* by_features, T* by_vectors, T* by_mixing);

}  // namespace mlip
