// Instruction sets beyond the platform's baseline that some files are compiled for, each loop in
// one copy per set (files named *_avx2.cpp, *_avx512.cpp); a copy runs only where these say so.
//
// Files compiled for a wider set use nothing but raw pointers and functions of their own: a
// function of the standard library compiled there for AVX-512 could be the copy that the linker
// keeps for the whole program. For the same reason whatever they share lives in an unnamed
// namespace.
#pragma once

namespace mlip {

inline bool has_avx512() {
#ifdef MLIP_X86
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

inline bool has_avx2() {
#ifdef MLIP_X86
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

}  // namespace mlip
