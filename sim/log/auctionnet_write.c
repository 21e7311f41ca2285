#include "sim/log/auctionnet_write.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/number.h"

enum { LINE_MAX_SIZE = GV_AUCTIONNET_COLUMNS * GV_AUCTIONNET_NUMBER_SIZE, HEAD_SIZE = 256 };

/* Whole multiples of it below this are printed from their digits: money is in nanos. */
#define NANO      1e9
#define NANOS_MAX 1e15

struct gv_auctionnet_writer {
    gv_file_writer *file;
    size_t head_count;
    char (*heads)[HEAD_SIZE]; /* [head_count]: what a tick's rows of an advertiser begin with */
};

static size_t print_digits(uint64_t number, char *text)
{
    char reversed[GV_AUCTIONNET_NUMBER_SIZE];
    size_t size = 0;
    do {
        reversed[size++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < size; i++) {
        text[i] = reversed[size - 1 - i];
    }
    return size;
}

/*
 * A number of at most 15 significant digits: that decimal is the shortest which gives it, and none
 * with an exponent, as pandas has below 1e-4.
 */
static size_t print_nanos(uint64_t nanos, char *text)
{
    const uint64_t each = (uint64_t)NANO;
    size_t size = print_digits(nanos / each, text);
    uint64_t rest = nanos % each;
    text[size++] = '.';
    for (uint64_t unit = each / 10; rest > 0; unit /= 10) {
        text[size++] = (char)('0' + rest / unit);
        rest %= unit;
    }
    if (text[size - 1] == '.') {
        text[size++] = '0';
    }
    text[size] = '\0';
    return size;
}

static bool reads_back(const char *text, size_t size, double number)
{
    double read = 0.0;
    return gv_number_real(text, size, &read) == NULL && read == number;
}

/* 17 digits always do; %g leaves out zeros at the end, so fewer are found with 15 or 16. */
static size_t print_slowly(double number, char *text)
{
    size_t size = 0;
    for (int digits = 15; digits <= 17; digits++) {
        size = (size_t)snprintf(text, GV_AUCTIONNET_NUMBER_SIZE, "%.*g", digits, number);
        if (reads_back(text, size, number)) {
            break;
        }
    }
    return size;
}

/* Exact in a mantissa of 64 bits. Where a long double has fewer, digits still must read back. */
static const long double tens[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                   1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                   1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                   1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

/*
 * The number's first `digits` decimal digits, rounded to the nearest: exact unless it says false.
 * One rounding of a product below 10^17 errs by less than 0.01.
 */
static bool first_digits(double number, int power, uint64_t *digits)
{
    const long double scaled = (long double)number * tens[power];
    const uint64_t whole = (uint64_t)scaled;
    const double rest = (double)(scaled - (long double)whole);
    *digits = whole + (rest > 0.5);
    return rest < 0.48 || rest > 0.52;
}

/* digits x 10^-power as repr() of Python writes it; no zeros at the end. */
static size_t print_decimal(uint64_t digits, int power, char *text)
{
    char figures[GV_AUCTIONNET_NUMBER_SIZE];
    while (digits % 10 == 0) {
        digits /= 10;
        power--;
    }
    const size_t count = print_digits(digits, figures);
    const int exponent = (int)count - 1 - power;
    char *at = text;
    if (exponent < -4) {
        *at++ = figures[0];
        *at = '.';
        at += count > 1;
        memcpy(at, figures + 1, count - 1);
        at += count - 1;
        return (size_t)(at - text) + (size_t)snprintf(at, 8, "e-%02d", -exponent);
    }
    const char zeros[] = "0.000";
    if (exponent < 0) {
        memcpy(at, zeros, (size_t)(1 - exponent));
        at += 1 - exponent;
        memcpy(at, figures, count);
        at += count;
    } else {
        const size_t before = (size_t)exponent + 1;
        for (size_t i = 0; i < before; i++) {
            *at++ = (char)(i < count ? figures[i] : '0');
        }
        *at++ = '.';
        const size_t behind = count > before ? count - before : 0;
        memcpy(at, figures + before, behind);
        at += behind;
        *at = '0';
        at += behind == 0;
    }
    *at = '\0';
    return (size_t)(at - text);
}

/* The fewest of 15, 16 or 17 digits that read back. */
static size_t print_shortest(double number, char *text)
{
    if (!(number >= 1e-9 && number < 1e9)) {
        return print_slowly(number, text);
    }
    int power = 14; /* number x 10^power has 15 digits */
    while (number * (double)tens[power] < 1e14) {
        power++;
    }
    while (number * (double)tens[power] >= 1e15) {
        power--;
    }
    for (int more = 0; more <= 2; more++) {
        uint64_t digits = 0;
        if (!first_digits(number, power + more, &digits)) {
            break;
        }
        const size_t size = print_decimal(digits, power + more, text);
        if (reads_back(text, size, number)) {
            return size;
        }
    }
    return print_slowly(number, text);
}

size_t gv_auctionnet_print(double number, char *text)
{
    assert(isfinite(number));
    const double nanos = number * NANO;
    if (nanos >= 0.0 && nanos < NANOS_MAX && !signbit(number)) {
        const double whole = nearbyint(nanos);
        if (whole / NANO == number && (number == 0.0 || number >= 1e-4)) {
            return print_nanos((uint64_t)whole, text);
        }
    }
    size_t size = print_shortest(number, text);
    if (strpbrk(text, ".e") == NULL) {
        memcpy(text + size, ".0", 3);
        size += 2;
    }
    return size;
}

static gv_status write_header(gv_file_writer *file)
{
    char line[1024];
    size_t size = 0;
    for (size_t column = 0; column < GV_AUCTIONNET_COLUMNS; column++) {
        size += (size_t)snprintf(line + size, sizeof line - size, "%s%s", column == 0 ? "" : ",",
                                 gv_auctionnet_column_name((gv_auctionnet_column)column));
    }
    line[size++] = '\n';
    return gv_file_write(file, line, size);
}

gv_status gv_auctionnet_writer_create(const char *path, gv_auctionnet_writer **out)
{
    gv_auctionnet_writer *writer = gv_mem_alloc(sizeof *writer, 0, 0);
    if (writer == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to write it", path);
    }
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, gv_file_writer_create(path, &writer->file), fail);
    GV_TRY_GOTO(status, write_header(writer->file), fail);
    *out = writer;
    return GV_OK;
fail:
    gv_auctionnet_writer_abandon(writer);
    return status;
}

static char *put(double number, char *at)
{
    at += gv_auctionnet_print(number, at);
    *at++ = ',';
    return at;
}

/* The first seven cells, which do not change within a tick. */
static void print_head(const gv_auctionnet_tick *tick, const gv_auctionnet_advertiser *advertiser,
                       char *text)
{
    char *at = put((double)tick->period, text);
    at = put((double)advertiser->number, at);
    at = put((double)advertiser->category, at);
    at = put(advertiser->budget, at);
    at = put(advertiser->cpa, at);
    at = put((double)tick->tick, at);
    at = put(advertiser->budget_left, at);
    *at = '\0';
}

static_assert(HEAD_SIZE > 7 * GV_AUCTIONNET_NUMBER_SIZE, "seven cells fit");

static gv_status print_heads(gv_auctionnet_writer *writer, const gv_auctionnet_tick *tick)
{
    if (writer->head_count < tick->advertiser_count) {
        void *heads = gv_mem_resize(writer->heads, tick->advertiser_count, HEAD_SIZE);
        if (heads == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory to write the rows of %zu advertisers",
                           tick->advertiser_count);
        }
        writer->heads = heads;
        writer->head_count = tick->advertiser_count;
    }
    for (size_t i = 0; i < tick->advertiser_count; i++) {
        print_head(tick, &tick->advertisers[i], writer->heads[i]);
    }
    return GV_OK;
}

static char *put_flag(unsigned flag, char *at)
{
    if (flag <= 9) {
        *at++ = (char)('0' + flag);
        memcpy(at, ".0,", 3);
        return at + 3;
    }
    return put((double)flag, at);
}

static gv_status write_row(gv_auctionnet_writer *writer, const gv_auctionnet_tick *tick, size_t who,
                           size_t what)
{
    char line[LINE_MAX_SIZE + HEAD_SIZE];
    const size_t cell = who * tick->stride + what;
    const size_t head_size = strlen(writer->heads[who]);
    memcpy(line, writer->heads[who], head_size);
    char *at = put((double)tick->opportunities[what], line + head_size);
    at = put(tick->values[cell], at);
    at = put(tick->sigmas[cell], at);
    at = put(tick->bids[cell], at);
    at = put_flag(tick->won[cell], at);
    at = put_flag(tick->slots[cell], at);
    at = put(tick->costs[cell], at);
    at = put_flag(tick->exposed[cell], at);
    at = put_flag(tick->converted[cell], at);
    at = put(tick->least_costs[cell], at);
    at = put_flag(tick->advertisers[who].has_ended ? 1 : 0, at);
    at[-1] = '\n';
    return gv_file_write(writer->file, line, (size_t)(at - line));
}

gv_status gv_auctionnet_write(gv_auctionnet_writer *writer, const gv_auctionnet_tick *tick)
{
    GV_TRY(print_heads(writer, tick));
    for (size_t what = 0; what < tick->count; what++) {
        for (size_t who = 0; who < tick->advertiser_count; who++) {
            GV_TRY(write_row(writer, tick, who, what));
        }
    }
    return GV_OK;
}

gv_status gv_auctionnet_writer_commit(gv_auctionnet_writer *writer)
{
    gv_file_writer *file = writer->file;
    writer->file = NULL;
    gv_auctionnet_writer_abandon(writer);
    return gv_file_commit(file);
}

void gv_auctionnet_writer_abandon(gv_auctionnet_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    gv_file_abandon(writer->file);
    gv_mem_free(writer->heads);
    gv_mem_free(writer);
}
