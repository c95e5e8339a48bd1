// Vectors of the compiler (GCC and Clang): arithmetic on them, also with one number for all lanes,
// is arithmetic of the machine. In an unnamed namespace, as instruction_sets.h asks.
#pragma once

namespace mlip {
namespace {

template <class T, int Bytes>
struct Simd {
  typedef T Vector __attribute__((vector_size(Bytes)));
  static constexpr int kWidth = Bytes / static_cast<int>(sizeof(T));
};

template <class Vector, class T>
inline Vector load(const T* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof(Vector));
  return v;
}

template <class Vector, class T>
inline void store(T* to, Vector v) {
  __builtin_memcpy(to, &v, sizeof(Vector));
}

}  // namespace
}  // namespace mlip
