// How functions are marked that CPUs and GPUs share, or that have to be compiled with their callers.
#pragma once

// For what CUDA kernels call; compilers of plain C++ see an ordinary function.
#if defined(__CUDACC__)
#define GVC_DEVICE __host__ __device__
#else
#define GVC_DEVICE
#endif

#if defined(__GNUC__)
#define GVC_INLINE inline __attribute__((always_inline))
#else
#define GVC_INLINE inline
#endif
