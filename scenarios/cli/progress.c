/*
 * The progress bar, and the signals that ask work to stop.
 *
 * One bar a process: its state is file-scope because signals are. The first SIGINT or SIGTERM
 * sets a flag that the next report reads; the second meets the default action.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/cli/cli.h"
#include "sim/base/clock.h"

enum { BAR_WIDTH = 24, LINE_SIZE = 256, DRAW_US = 100000 };

#define LINE_US  (10 * GV_US_PER_SECOND)
#define QUIET_US GV_US_PER_SECOND

/* Set in a handler, read on any thread: an atomic that needs no lock may be both. */
static atomic_int stop_signal;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler must not wait for a lock");

typedef struct bar {
    bool is_quiet;
    bool is_terminal;
    bool is_drawn;
    char what[96];
    int64_t start_us; /* of what is under way */
    int64_t drawn_us;
} bar;

static bar the_bar;

static void on_signal(int number)
{
    atomic_store(&stop_signal, number);
}

static void listen(int number)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

int gv_cli_signal(void)
{
    return atomic_load(&stop_signal);
}

/* "512", "3.1 k", "12.4 M". */
static void print_count(double count, char *text, size_t size)
{
    static const char *const suffixes[] = {"", " k", " M", " G", " T"};
    size_t i = 0;
    while (count >= 1000 && i + 1 < sizeof suffixes / sizeof suffixes[0]) {
        count /= 1000;
        i++;
    }
    (void)snprintf(text, size, i == 0 ? "%.0f%s" : "%.1f%s", count, suffixes[i]);
}

static void print_remaining(double seconds, char *text, size_t size)
{
    const uint64_t whole = seconds < 1e6 ? (uint64_t)seconds : 1000000;
    if (whole < 100) {
        (void)snprintf(text, size, "%" PRIu64 " s", whole + 1);
    } else {
        (void)snprintf(text, size, "%" PRIu64 " min", whole / 60 + 1);
    }
}

static void print_bar(double share, char text[BAR_WIDTH + 1])
{
    const size_t filled = (size_t)(share * BAR_WIDTH);
    memset(text, '-', BAR_WIDTH);
    memset(text, '#', filled > BAR_WIDTH ? BAR_WIDTH : filled);
    text[BAR_WIDTH] = '\0';
}

/* "replay  [######------]  42 %  1.2 M/s  3 s left" */
static void compose_line(uint64_t done, uint64_t total, int64_t elapsed_us, char *line, size_t size)
{
    const double seconds = (double)elapsed_us / (double)GV_US_PER_SECOND;
    const double rate = seconds > 0 ? (double)done / seconds : 0;
    char rate_text[32];
    print_count(rate, rate_text, sizeof rate_text);
    if (total == 0 || done > total) {
        char done_text[32];
        print_count((double)done, done_text, sizeof done_text);
        (void)snprintf(line, size, "%s  %s  %s/s", the_bar.what, done_text, rate_text);
        return;
    }
    const double share = (double)done / (double)total;
    char drawing[BAR_WIDTH + 1];
    char remaining[32] = "?";
    print_bar(share, drawing);
    if (rate > 0) {
        print_remaining((double)(total - done) / rate, remaining, sizeof remaining);
    }
    (void)snprintf(line, size, "%s  [%s] %3.0f %%  %s/s  %s left", the_bar.what, drawing,
                   100 * share, rate_text, remaining);
}

static void draw(uint64_t done, uint64_t total, int64_t now_us)
{
    char line[LINE_SIZE];
    compose_line(done, total, now_us - the_bar.start_us, line, sizeof line);
    (void)fprintf(stderr, the_bar.is_terminal ? "\r\033[K%s" : "%s\n", line);
    (void)fflush(stderr);
    the_bar.is_drawn = the_bar.is_terminal;
    the_bar.drawn_us = now_us;
}

static void begin(const char *what, int64_t now_us)
{
    (void)snprintf(the_bar.what, sizeof the_bar.what, "%s", what);
    the_bar.start_us = now_us;
    the_bar.drawn_us = the_bar.is_terminal ? now_us + QUIET_US - DRAW_US : now_us;
}

static bool report(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)context;
    if (!the_bar.is_quiet) {
        const int64_t now_us = gv_wall_us();
        if (strcmp(what, the_bar.what) != 0) {
            begin(what, now_us);
        }
        if (now_us - the_bar.drawn_us >= (the_bar.is_terminal ? DRAW_US : LINE_US)) {
            draw(done, total, now_us);
        }
    }
    return atomic_load(&stop_signal) == 0;
}

const gv_progress *gv_cli_progress(bool quiet)
{
    static const gv_progress progress = {.report = report};
    /* Motion is no colour: a terminal with NO_COLOR still gets a bar. */
    the_bar = (bar){.is_quiet = quiet, .is_terminal = isatty(STDERR_FILENO) == 1};
    listen(SIGINT);
    listen(SIGTERM);
    return &progress;
}

void gv_cli_progress_end(void)
{
    if (the_bar.is_drawn) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        the_bar.is_drawn = false;
    }
}
