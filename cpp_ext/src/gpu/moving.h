// Numbers that move along a direction. What is computed of them moves too, so that a derivative
// that is written once gives the next one along the direction.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace mlip::gpu {

// A value, and its derivative along the direction.
template <class T>
struct Moving {
  T value, along;
};

template <class T>
MLIP_BOTH inline Moving<T> operator*(Moving<T> a, Moving<T> b) {
  return {a.value * b.value, a.along * b.value + a.value * b.along};
}

template <class T>
MLIP_BOTH inline Moving<T> operator*(T a, Moving<T> b) {
  return {a * b.value, a * b.along};
}

template <class T>
MLIP_BOTH inline Moving<T>& operator+=(Moving<T>& a, Moving<T> b) {
  a.value += b.value;
  a.along += b.along;
  return a;
}

// What is asked of a result: itself, or its derivative.
template <class T>
MLIP_BOTH inline T asked(T x) {
  return x;
}

template <class T>
MLIP_BOTH inline T asked(Moving<T> x) {
  return x.along;
}

// Arrays of numbers that stay as they are, and of those that move; `along` may be null, which
// stands for zero.
template <class T>
struct Still {
  using Real = T;
  using Number = T;
  const T* at;

  MLIP_BOTH Number operator[](int64_t k) const { return at[k]; }
};

template <class T>
struct InMotion {
  using Real = T;
  using Number = Moving<T>;
  const T *at, *along;

  MLIP_BOTH Number operator[](int64_t k) const { return {at[k], along ? along[k] : T(0)}; }
};

}  // namespace mlip::gpu
