// Functions that run on the processor and, compiled by nvcc, on a GPU alike.
#pragma once

#ifdef __CUDACC__
#define MLIP_BOTH __host__ __device__
#else
#define MLIP_BOTH
#endif
