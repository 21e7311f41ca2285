#include "scenarios/report/gnuplot.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/mem.h"

/* PNG is drawn at twice its size in points, for sharp text on dense screens. */
typedef struct picture_kind {
    const char *ending;
    const char *terminal;
} picture_kind;

static const picture_kind pictures[] = {
    {".png", "pngcairo noenhanced size 1600,900 fontscale 1.5 linewidth 2 background '#ffffff'"},
    {".svg", "svg noenhanced size 960,540 dynamic background '#ffffff' font 'sans-serif,14'"},
};

enum { PICTURES = sizeof pictures / sizeof pictures[0], WORDS = 256 };

void gv_gnuplot_quote(FILE *script, const char *text)
{
    (void)fputc('\'', script);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            (void)fputc('\'', script);
        }
        (void)fputc((unsigned char)*c < ' ' ? ' ' : *c, script);
    }
    (void)fputc('\'', script);
}

/* Starts gnuplot with the pipe as its input and `words` as its output; 0 or an errno. */
static int start(int input, int words, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    char program[] = "gnuplot";
    char *const argv[] = {program, NULL};
    error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, words, STDOUT_FILENO);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, words, STDERR_FILENO);
    error = error != 0 ? error : posix_spawnp(child, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The whole script, into a file that gnuplot reads as its input: no pipe can fill up or break. */
static FILE *write_script(const gv_drawing *drawing, const picture_kind *picture, const char *path)
{
    FILE *script = tmpfile();
    if (script == NULL) {
        return NULL;
    }
    (void)fprintf(script, "set terminal %s\nset output ", picture->terminal);
    gv_gnuplot_quote(script, path);
    (void)fputc('\n', script);
    drawing->write(script, drawing->context);
    (void)fprintf(script, "\nset output\nexit\n");
    if (fflush(script) != 0 || lseek(fileno(script), 0, SEEK_SET) != 0) {
        (void)fclose(script);
        return NULL;
    }
    return script;
}

/* The first line of what gnuplot complained of that has words in it. */
static void read_words(FILE *words, char *text, size_t size)
{
    rewind(words);
    while (fgets(text, (int)size, words) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        if (strspn(text, " \t^") < strlen(text)) {
            return;
        }
    }
    (void)snprintf(text, size, "no reason given");
}

static gv_status run_gnuplot(FILE *script, FILE *words, const char *path)
{
    pid_t child = 0;
    const int error = start(fileno(script), fileno(words), &child);
    if (error == ENOENT) {
        return GV_FAIL(GV_ENOTFOUND, "gnuplot is not installed, so nothing is plotted: "
                                     "apt-get install gnuplot-nox");
    }
    if (error != 0) {
        return GV_FAIL(GV_EIO, "gnuplot cannot be started: %s", strerror(error));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        assert(errno == EINTR);
    }
    struct stat file;
    const bool is_drawn = stat(path, &file) == 0 && file.st_size > 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !is_drawn) {
        char text[WORDS];
        read_words(words, text, sizeof text);
        return GV_FAIL(GV_EIO, "gnuplot failed to draw %s: %s", path, text);
    }
    return GV_OK;
}

static gv_status draw_one(const gv_drawing *drawing, const picture_kind *picture, const char *path)
{
    FILE *words = tmpfile();
    FILE *script = write_script(drawing, picture, path);
    gv_status status = GV_OK;
    if (words == NULL || script == NULL) {
        status = GV_FAIL(GV_EIO, "the script for gnuplot cannot be written: %s", strerror(errno));
    } else {
        status = run_gnuplot(script, words, path);
    }
    if (words != NULL) {
        (void)fclose(words);
    }
    if (script != NULL) {
        (void)fclose(script);
    }
    return status;
}

/* Beside its final name, then renamed. */
static gv_status draw_whole(const gv_drawing *drawing, const picture_kind *picture,
                            const char *stem)
{
    const size_t size = strlen(stem) + 48;
    char *final = gv_mem_alloc(0, 2 * size, 1);
    if (final == NULL) {
        return GV_FAIL(GV_ENOMEM, "plotting %s", stem);
    }
    char *beside = final + size;
    (void)snprintf(final, size, "%s%s", stem, picture->ending);
    (void)snprintf(beside, size, "%s%s.tmp-%ld", stem, picture->ending, (long)getpid());
    gv_status status = draw_one(drawing, picture, beside);
    if (status == GV_OK && rename(beside, final) != 0) {
        status = GV_FAIL(GV_EIO, "%s cannot be written: %s", final, strerror(errno));
    }
    if (status != GV_OK) {
        (void)unlink(beside);
    }
    gv_mem_free(final);
    return status;
}

gv_status gv_gnuplot_draw(const gv_drawing *drawing, const char *stem)
{
    for (size_t i = 0; i < PICTURES; i++) {
        GV_TRY(draw_whole(drawing, &pictures[i], stem));
    }
    return GV_OK;
}
