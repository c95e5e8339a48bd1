// What the test programs of the core check with. Each is one source file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

inline int failures = 0;

inline void expect(bool right, const std::string& what) {
  if (right) return;
  std::printf("FAILED: %s\n", what.c_str());
  ++failures;
}

// Largest difference, relative to the largest value.
template <class T>
double farthest(const std::vector<T>& a, const std::vector<T>& b) {
  double scale = 1e-300, difference = a.size() == b.size() ? 0 : 1e300;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    scale = std::max(scale, std::fabs(double(b[i])));
    difference = std::max(difference, std::fabs(double(a[i]) - double(b[i])));
  }
  return difference / scale;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
