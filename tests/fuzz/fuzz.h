/*
 * fuzz.h - what a fuzz target defines.
 *
 * fuzz_NAME.c holds one function, which must survive any bytes: it returns 0, and whatever is
 * wrong shows as a failed assert or a sanitizer's report. `make fuzz` lets libFuzzer drive it;
 * `make test` puts tests/fuzz/corpus/NAME through it once (run_corpus.c).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
