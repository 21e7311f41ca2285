/*
 * vector.h - how one loop becomes several: compiled for old and for new processors, chosen when
 * the program starts.
 *
 * The build itself names no processor, so it runs on any. A function marked GV_VECTOR must give
 * the same bits from every clone: integers, or floating point without sums whose order the
 * compiler may choose (it may not: there is no fast-math).
 */
#ifndef SIM_BASE_VECTOR_H
#define SIM_BASE_VECTOR_H

/* ThreadSanitizer starts after the loader has chosen, and its checks would crash the choice. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GV_THREADS_WATCHED
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define GV_THREADS_WATCHED
#endif

/* Clang 14, which drives the fuzzers, gives the clones' entry another name: nothing would link. */
#if defined(__x86_64__) && defined(__linux__) && !defined(GV_THREADS_WATCHED) && !defined(__clang__)
#define GV_VECTOR __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define GV_VECTOR
#endif

#endif
