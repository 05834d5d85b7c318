// One binary runs on every x86-64: the loader picks the widest version that the processor has.
//
// Elsewhere (NEON, other compilers) there is one version of plain loops. The build forbids
// contraction to fused multiply-adds, and no loop adds in an order that depends on the width of
// vectors, so that all versions round alike.
#pragma once

#include "gvc/attributes.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define GVC_MULTIVERSION \
    __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define GVC_MULTIVERSION
#endif

// The iterations of the next loop do not depend on each other, whatever its pointers are.
#if defined(__clang__)
#define GVC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define GVC_INDEPENDENT _Pragma("GCC ivdep")
#else
#define GVC_INDEPENDENT
#endif

// Four iterations of the next loop are one.
#if defined(__clang__)
#define GVC_UNROLL _Pragma("clang loop unroll_count(4)")
#elif defined(__GNUC__)
#define GVC_UNROLL _Pragma("GCC unroll 4")
#else
#define GVC_UNROLL
#endif
