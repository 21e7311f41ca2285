/*
 * raw_logs.h - raw logs for benchmarks, made up from a seed: as long and as varied as real ones,
 * with no row of theirs.
 */
#ifndef TESTS_BENCH_RAW_LOGS_H
#define TESTS_BENCH_RAW_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 24 columns as iPinYou's, tab-separated, not sorted; some 390 bytes a row. False: not written. */
bool raw_log_ipinyou(const char *path, uint64_t seed, size_t rows);

/* 18 numeric columns as AuctionNet's, with a header; some 190 bytes a row. */
bool raw_log_auctions(const char *path, uint64_t seed, size_t rows);

/* The same with every cell in quotes. */
bool raw_log_quoted(const char *path, uint64_t seed, size_t rows);

/* The mapping file of the two. */
bool raw_log_mapping(const char *path);

#endif
