// Random atoms, edges and tables for SOAP.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "mlip/soap.h"

// Random atoms, edges and tables. Arrays are exactly as long as promised, so that the sanitizer
// sees the first number read or written beyond.
template <class T>
struct Case {
  int n_max, l_max, n_species, channels;
  bool with_total;
  int64_t n_atoms, row, intervals = 3;
  double cutoff = 4;
  std::vector<T> vectors, radial, own, mixing;
  std::vector<int64_t> centres, neighbours, species;

  Case(int n, int l, int s, int c, bool total, int64_t atoms, int64_t edges)
      : n_max(n),
        l_max(l),
        n_species(s),
        channels(c),
        with_total(total),
        n_atoms(atoms),
        row(mlip::soap_row(n)) {
    std::mt19937_64 random(n + 100 * l + 10000 * s + c);
    std::uniform_real_distribution<double> uniform(-1, 1);
    const auto any = [&](int64_t below) { return static_cast<int64_t>(random() % below); };
    for (int64_t i = 0; i < atoms; ++i) species.push_back(any(s));
    for (int64_t e = 0; e < edges; ++e) {
      centres.push_back(any(atoms));
      neighbours.push_back(any(atoms));
      for (int d = 0; d < 3; ++d) vectors.push_back(static_cast<T>(2 * uniform(random)));
    }
    radial.assign(intervals * (l + 1) * (mlip::kSoapDegree<T> + 1) * row, 0);
    for (size_t i = 0; i < radial.size(); ++i) {
      if (static_cast<int>(i % row) < n) radial[i] = static_cast<T>(uniform(random));
    }
    own.assign(row, 0);
    for (int i = 0; i < n; ++i) own[i] = static_cast<T>(uniform(random));
    for (int i = 0; i < c * s; ++i) mixing.push_back(static_cast<T>(uniform(random)));
  }

  mlip::SoapBasis<T> basis() const {
    return {n_max,         l_max,     n_species,  cutoff,
            radial.data(), intervals, own.data(), channels ? mixing.data() : nullptr,
            channels,      with_total};
  }
  mlip::SoapEdges<T> edges() const {
    return {vectors.data(), centres.data(), neighbours.data(), static_cast<int64_t>(centres.size()),
            species.data(), n_atoms};
  }
  std::vector<T> features(int threads = 1) const {
    std::vector<T> out(n_atoms * mlip::soap_features_per_atom(basis()));
    mlip::soap_features(basis(), edges(), threads, out.data());
    return out;
  }
};
