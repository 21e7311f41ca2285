/* Puts every file of the folder that is the first argument through the fuzz target, once. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cmocka_all.h"
#include "fuzz/fuzz.h"

static const char *corpus;

static void run_file(const char *path)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    if (S_ISREG(info.st_mode)) {
        const size_t size = (size_t)info.st_size;
        /* Of the exact size, so that a read past the end is seen by a sanitizer. */
        uint8_t *bytes = malloc(size == 0 ? 1 : size);
        assert_non_null(bytes);
        assert_int_equal(fread(bytes, 1, size, file), size);
        (void)fprintf(stderr, "%s\n", path);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
        free(bytes);
    }
    (void)fclose(file);
}

static void every_input_of_the_corpus_is_survived(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    const int count = scandir(corpus, &entries, NULL, alphasort);
    if (count < 0) {
        (void)printf("skipped: there is no corpus %s\n", corpus);
        skip();
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", corpus, entries[i]->d_name);
        run_file(path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "Usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    corpus = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_of_the_corpus_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
