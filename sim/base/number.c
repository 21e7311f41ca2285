/*
 * Decimal text is first cut into sign, up to 19 significant digits, a decimal exponent and
 * whether anything but zeros was left out; both readers below start from that.
 *
 * Reals: where digits and power of ten are both exact doubles one multiplication or division is
 * correctly rounded (Clinger, "How to read floating point numbers accurately", PLDI 1990);
 * else the algorithm of Lemire, "Number parsing at a gigabyte per second", Software: Practice
 * and Experience 51(8), 2021, with its 128-bit powers of five; the rare rest goes to strtod_l().
 */
#include "sim/base/number.h"

#include <assert.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/number_impl.h"

__extension__ typedef unsigned __int128 wide;

enum {
    DIGITS_MAX = 19,    /* that a uint64_t always holds */
    EXPONENT_MAX = 400, /* beyond it a number is 0 or not finite, whatever its digits */
    PRINTED_MAX = 22,   /* bytes of a number that is read in eights: 20 decimals */
    HIGH_MAX = 1844,    /* times 10^16, and what is below, it fits into 64 bits */
    TEXT_MAX = 768,     /* of a number that goes to strtod_l(): more digits than any double has */
};

static const char not_a_number[] = "is not a number";
static const char out_of_range[] = "is out of range";

/* digits x 10^exponent; `inexact`: digits other than zero follow. */
typedef struct decimal {
    uint64_t digits;
    int32_t exponent;
    bool is_negative;
    bool inexact;
} decimal;

static const uint64_t tens[DIGITS_MAX + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Eight digits at once: Lemire's parse_eight_digits_unrolled, for little-endian machines. */
static inline bool eight_digits(const char *at, uint64_t *value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, at, sizeof word);
    if (((word & UINT64_C(0xF0F0F0F0F0F0F0F0)) |
         (((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) >> 4)) !=
        UINT64_C(0x3333333333333333)) {
        return false;
    }
    word -= UINT64_C(0x3030303030303030);
    word = word * 10 + (word >> 8);
    word = ((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
            ((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
           32;
    *value = word;
    return true;
#else
    (void)at;
    (void)value;
    return false;
#endif
}

/* A run of digits; counts into `digits` while fewer than DIGITS_MAX are significant. */
static const char *scan_digits(const char *at, const char *end, uint64_t *digits)
{
    uint64_t eight;
    while (end - at >= 8 && eight_digits(at, &eight)) {
        *digits = *digits * tens[8] + eight;
        at += 8;
    }
    while (at < end && is_digit(*at)) {
        *digits = *digits * 10 + (uint64_t)(*at - '0');
        at++;
    }
    return at;
}

/* More than 19 digits: reads them again, dropping what does not fit. */
static void scan_long(const char *at, const char *end, decimal *out)
{
    bool after_point = false;
    int32_t count = 0;
    int32_t exponent = 0;
    out->digits = 0;
    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            after_point = true;
            continue;
        }
        const bool fits = count < DIGITS_MAX;
        if (fits) {
            out->digits = out->digits * 10 + (uint64_t)(*at - '0');
            count += out->digits != 0;
        } else {
            out->inexact = out->inexact || *at != '0';
        }
        if (fits == after_point) {
            exponent += after_point ? -1 : 1;
        }
    }
    out->exponent += exponent;
}

static ptrdiff_t leading_zeros(const char *at, const char *end)
{
    ptrdiff_t count = 0;
    for (; at < end && (*at == '0' || *at == '.'); at++) {
        count += *at == '0';
    }
    return count;
}

static const char *scan_exponent(const char *at, const char *end, int32_t *exponent)
{
    const bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (at == end || !is_digit(*at)) {
        return NULL;
    }
    int32_t value = 0;
    for (; at < end && is_digit(*at); at++) {
        value = value < 100000 ? value * 10 + (*at - '0') : value;
    }
    *exponent = is_negative ? -value : value;
    return at;
}

/* NULL, or the complaint. */
static const char *scan_decimal(const char *text, size_t size, decimal *out)
{
    if (size == 0) {
        return "is empty";
    }
    const char *at = text;
    const char *const end = text + size;
    *out = (decimal){.is_negative = *at == '-'};
    at += *at == '-' || *at == '+';
    const char *const start = at;
    at = scan_digits(at, end, &out->digits);
    ptrdiff_t count = at - start;
    ptrdiff_t decimals = 0;
    if (at < end && *at == '.') {
        const char *const point = at;
        at = scan_digits(at + 1, end, &out->digits);
        decimals = at - point - 1;
        count += decimals;
    }
    if (count == 0) {
        return not_a_number;
    }
    const char *const digits_end = at;
    int32_t exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = scan_exponent(at + 1, end, &exponent);
    }
    if (at != end) {
        return not_a_number;
    }
    out->exponent = exponent;
    if (count > DIGITS_MAX && count - leading_zeros(start, digits_end) > DIGITS_MAX) {
        scan_long(start, digits_end, out);
    } else {
        out->exponent -= (int32_t)decimals;
    }
    return NULL;
}

gv_scale gv_scale_of(int64_t multiplier)
{
    assert(multiplier >= 1);
    gv_scale scale = {multiplier, 0};
    while (scale.factor % 10 == 0) {
        scale.factor /= 10;
        scale.exponent++;
    }
    return scale;
}

/* product x 10^power for power >= 0, unless it exceeds INT64_MAX. */
static bool multiply(wide product, int32_t power, uint64_t *out)
{
    if (product == 0) {
        *out = 0;
        return true;
    }
    while (power > 0 && product <= INT64_MAX) {
        product *= 10;
        power--;
    }
    *out = (uint64_t)product;
    return product <= INT64_MAX;
}

/* product / 10^power for power >= 1; what is left over decides the rounding. */
static const char *divide(wide product, int32_t power, bool inexact, gv_rounding rounding,
                          uint64_t *out)
{
    wide quotient = 0;
    wide rest = product;
    wide divisor = 0; /* stays 0 where 10^power is more than twice any product */
    if (power <= DIGITS_MAX && product <= UINT64_MAX) {
        divisor = tens[power];
        quotient = (uint64_t)product / tens[power];
        rest = (uint64_t)product % tens[power];
    } else if (power <= 2 * DIGITS_MAX) {
        const int32_t low = power / 2;
        divisor = (wide)tens[low] * tens[power - low];
        quotient = product / divisor;
        rest = product % divisor;
    }
    if (quotient > INT64_MAX) {
        return out_of_range;
    }
    if (rounding == GV_ROUND_NEVER && (rest != 0 || inexact)) {
        return "has more decimals than can be kept";
    }
    const wide other = divisor - rest;
    const bool is_above = divisor != 0 && (rest > other || (rest == other && inexact));
    const bool is_tie = divisor != 0 && rest == other && !inexact;
    *out = (uint64_t)quotient + (is_above || (is_tie && quotient % 2 == 1));
    return *out > INT64_MAX ? out_of_range : NULL;
}

const char *gv_number_scaled(const char *text, size_t size, gv_scale scale, gv_rounding rounding,
                             int64_t *value)
{
    decimal number;
    const char *const complaint = scan_decimal(text, size, &number);
    if (complaint != NULL) {
        return complaint;
    }
    if (number.inexact && scale.factor != 1) {
        return "has too many digits";
    }
    const int32_t power = number.exponent + scale.exponent;
    const wide product = (wide)number.digits * (uint64_t)scale.factor;
    uint64_t magnitude = 0;
    if (power >= 0) {
        if (!multiply(product, power, &magnitude) || number.inexact) {
            return out_of_range;
        }
    } else {
        const char *const fault = divide(product, -power, number.inexact, rounding, &magnitude);
        if (fault != NULL) {
            return fault;
        }
    }
    *value = number.is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return NULL;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t plain_locale;

static void make_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(plain_locale != (locale_t)0);
}

/* The rare rest: subnormals, ties that 19 digits cannot settle, far exponents. */
static const char *real_by_library(const char *text, size_t size, double *value)
{
    char copy[TEXT_MAX + 1];
    if (size > TEXT_MAX) {
        return "has too many digits";
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    (void)pthread_once(&once, make_locale);
    const double found = strtod_l(copy, NULL, plain_locale);
    if (found - found != 0) {
        return out_of_range;
    }
    *value = found;
    return NULL;
}

/*
 * Lemire's algorithm for digits x 10^power, digits > 0: false where it cannot decide (which the
 * caller settles by the library). Letters as in the paper: w is normalised, z the product.
 */
static bool real_by_powers(uint64_t w, int32_t power, double *value)
{
    if (power < GV_POWER_FIRST || power > GV_POWER_LAST) {
        return false;
    }
    const uint64_t *const five = gv_powers_of_five[power - GV_POWER_FIRST];
    const int zeros = __builtin_clzll(w);
    w <<= zeros;
    wide z = (wide)w * five[0];
    uint64_t high = (uint64_t)(z >> 64);
    uint64_t low = (uint64_t)z;
    if ((high & 0x1FF) == 0x1FF) {
        const wide second = (wide)w * five[1];
        const uint64_t sum = low + (uint64_t)(second >> 64);
        high += sum < low;
        low = sum;
        if (low == UINT64_MAX && (power < -27 || power > 55)) {
            return false;
        }
    }
    const int upper = (int)(high >> 63);
    const int shift = upper + 64 - 52 - 3;
    uint64_t mantissa = high >> shift;
    int exponent = (((152170 + 65536) * power) >> 16) + 63 + upper - zeros + 1023;
    if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 &&
        mantissa << shift == high) {
        mantissa &= ~UINT64_C(1);
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= UINT64_C(2) << 52) {
        mantissa = UINT64_C(1) << 52;
        exponent++;
    }
    if (exponent <= 0 || exponent >= 0x7FF) {
        return false;
    }
    const uint64_t bits = (mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)exponent << 52;
    memcpy(value, &bits, sizeof bits);
    return true;
}

/* Clinger's case: both operands are exact, so the one operation is correctly rounded. */
static bool real_at_once(uint64_t digits, int32_t power, double *value)
{
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (digits > UINT64_C(1) << 53 || power < -22 || power > 22) {
        return false;
    }
    *value = power < 0 ? (double)digits / exact[-power] : (double)digits * exact[power];
    return true;
}

/*
 * The form in which programs print doubles to the last bit, "0.0007965797531551998" or
 * "6.0608474536861296e-05": eight digits at a time from the end, where only the form's own bytes
 * are read. False: it has another form, or fewer digits than pay.
 */
static inline bool scan_printed(const char *text, size_t size, uint64_t *digits, int32_t *power)
{
    int32_t exponent = 0;
    if (size >= 14 && text[size - 4] == 'e' && text[size - 3] == '-') {
        const unsigned tens_digit = (unsigned)(unsigned char)text[size - 2] - '0';
        const unsigned ones_digit = (unsigned)(unsigned char)text[size - 1] - '0';
        if (tens_digit > 9 || ones_digit > 9) {
            return false;
        }
        exponent = (int32_t)(tens_digit * 10 + ones_digit);
        size -= 4;
    }
    if (size < 10 || size > PRINTED_MAX || !is_digit(text[0]) || text[1] != '.') {
        return false;
    }
    const char *end = text + size;
    uint64_t low = 0;
    uint64_t middle = 0;
    bool are_digits = eight_digits(end - 8, &low);
    end -= 8;
    if (end - text >= 10) {
        are_digits = eight_digits(end - 8, &middle) && are_digits;
        end -= 8;
        middle *= tens[8];
    }
    uint64_t high = (uint64_t)(text[0] - '0');
    for (const char *at = text + 2; at < end; at++) {
        are_digits = is_digit(*at) && are_digits;
        high = high * 10 + (uint64_t)(unsigned char)(*at - '0');
    }
    const size_t decimals = size - 2;
    *digits = high * (decimals >= 16 ? tens[16] : tens[8]) + middle + low;
    *power = -(int32_t)decimals - exponent;
    return are_digits && (decimals < 16 || high < HIGH_MAX);
}

const char *gv_number_real(const char *text, size_t size, double *value)
{
    decimal number;
    uint64_t digits = 0;
    int32_t power = 0;
    if (scan_printed(text, size, &digits, &power) && digits != 0 &&
        real_by_powers(digits, power, value)) {
        return NULL;
    }
    const char *const complaint = scan_decimal(text, size, &number);
    if (complaint != NULL) {
        return complaint;
    }
    double found = 0;
    if (number.digits != 0 && number.exponent > -EXPONENT_MAX) {
        bool known = !number.inexact && real_at_once(number.digits, number.exponent, &found);
        known = known || real_by_powers(number.digits, number.exponent, &found);
        double above;
        if (!known ||
            (number.inexact &&
             (!real_by_powers(number.digits + 1, number.exponent, &above) || above > found))) {
            return real_by_library(text, size, value);
        }
    }
    *value = number.is_negative ? -found : found;
    return NULL;
}
