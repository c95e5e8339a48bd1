// What the test programs of the core check with. Each is one source file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
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
  if (a.size() != b.size()) return 1e300;
  double scale = 1e-300, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(double(a[i]) - double(b[i]));
    if (std::isnan(difference)) return 1e300;
    scale = std::max(scale, std::fabs(double(b[i])));
    largest = std::max(largest, difference);
  }
  return largest / scale;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// d(value)/d(numbers), by differences of a case whose numbers are moved.
template <class Case, class Value>
std::vector<double> differences(Case c, std::vector<double> Case::* numbers, const Value& value) {
  std::vector<double> out;
  for (double& x : c.*numbers) {
    const double middle = x;
    x = middle + 1e-5;
    const double above = value(c);
    x = middle - 1e-5;
    out.push_back((above - value(c)) / 2e-5);
    x = middle;
  }
  return out;
}

template <class T, class Random>
std::vector<T> random_numbers(size_t size, Random& random) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<T> out(size);
  for (T& x : out) x = static_cast<T>(uniform(random));
  return out;
}

// The words of the std::invalid_argument that a call throws, or "nothing".
inline std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

// An std::invalid_argument with these words.
inline void raises(const std::string& words, const std::function<void()>& action) {
  const std::string said = said_by(action);
  expect(said.find(words) != std::string::npos,
         "an error that says '" + words + "', not '" + said + "'");
}
