/* Numbers in text against slow oracles: 128-bit arithmetic for the exact ones, strtod for reals. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/number.h"
#include "sim/base/number_impl.h"
#include "test_random.h"

enum { CASES = 2000000, EXACT_CASES = 300000 };

__extension__ typedef unsigned __int128 wide;

static const gv_scale one = {1, 0};
static const gv_scale cpm = {1, 6};

static int64_t nanos_of(const char *text)
{
    int64_t value = -1;
    assert_null(gv_number_scaled(text, strlen(text), cpm, GV_ROUND_NEVER, &value));
    return value;
}

static void money_keeps_every_nano(void **state)
{
    (void)state;
    assert_int_equal(nanos_of("300"), 300000000);
    assert_int_equal(nanos_of("0.000001"), 1);
    assert_int_equal(nanos_of("12.5"), 12500000);
    assert_int_equal(nanos_of("+12.50000000000000000000000000000000"), 12500000);
    assert_int_equal(nanos_of("1e3"), 1000000000);
    assert_int_equal(nanos_of("25E-1"), 2500000);
    assert_int_equal(nanos_of("-3"), -3000000);
    assert_int_equal(nanos_of("9223372036854.775807"), INT64_MAX);
    assert_int_equal(nanos_of("0.0e99999999"), 0);
    assert_int_equal(nanos_of(".5"), 500000);
    assert_int_equal(nanos_of("5."), 5000000);
}

static void what_is_no_number_is_said_and_nothing_written(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "-",
                               "+",
                               ".",
                               "abc",
                               "1x",
                               " 1",
                               "1 ",
                               "1e",
                               "1e+",
                               "1.2.3",
                               "--1",
                               "0x10",
                               "nan",
                               "inf",
                               "1,5",
                               "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 77;
        double real = 77;
        const char *said = gv_number_scaled(bad[i], strlen(bad[i]), one, GV_ROUND_NEAREST, &value);
        assert_non_null(said);
        assert_int_equal(value, 77);
        if (strlen(bad[i]) < 10) {
            assert_non_null(gv_number_real(bad[i], strlen(bad[i]), &real));
            assert_true(real == 77);
        }
    }
    int64_t value = 77;
    assert_non_null(gv_number_scaled("0.0000001", 9, cpm, GV_ROUND_NEVER, &value));
    double real = 77;
    assert_non_null(gv_number_real("1e309", 5, &real));
}

/* A random decimal with up to 38 digits as text, and its digits x 10^-decimals. */
static wide random_decimal(test_random *random, char *text, int *decimals)
{
    wide digits = 0;
    const int64_t whole = 1 + test_random_below(random, 12);
    *decimals = (int)test_random_below(random, 25);
    size_t size = 0;
    for (int64_t i = 0; i < whole + *decimals; i++) {
        if (i == whole) {
            text[size++] = '.';
        }
        /* Many 0, 5 and 9, where rounding is decided. */
        const int64_t kind = test_random_below(random, 6);
        const int64_t digit = kind < 3 ? (int64_t[]){0, 5, 9}[kind] : test_random_below(random, 10);
        text[size++] = (char)('0' + digit);
        digits = digits * 10 + (unsigned)digit;
    }
    text[size] = '\0';
    return digits;
}

static void rounding_equals_long_division(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < EXACT_CASES; i++) {
        char text[64];
        int decimals;
        const wide digits = random_decimal(&random, text, &decimals);
        wide divisor = 1;
        for (int d = 6; d < decimals; d++) {
            divisor *= 10;
        }
        wide expected = digits / divisor;
        const wide rest = digits % divisor;
        expected += rest * 2 > divisor || (rest * 2 == divisor && expected % 2 == 1);
        for (int d = decimals; d < 6; d++) {
            expected *= 10;
        }
        int64_t value = -1;
        assert_null(gv_number_scaled(text, strlen(text), cpm, GV_ROUND_NEAREST, &value));
        if ((uint64_t)expected != (uint64_t)value) {
            fail_msg("%s: %" PRId64 ", expected %" PRIu64, text, value, (uint64_t)expected);
        }
        int64_t exact = -1;
        const char *said = gv_number_scaled(text, strlen(text), cpm, GV_ROUND_NEVER, &exact);
        assert_int_equal(said == NULL, rest == 0);
        assert_int_equal(exact, said == NULL ? value : -1);
    }
}

static void check_real(const char *text)
{
    double found = -1;
    const double expected = strtod(text, NULL);
    const char *const said = gv_number_real(text, strlen(text), &found);
    if (isinf(expected)) {
        assert_non_null(said);
        return;
    }
    assert_null(said);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): bits, -0 is not 0 */
    if (memcmp(&found, &expected, sizeof found) != 0) {
        fail_msg("%s: %a, strtod says %a", text, found, expected);
    }
}

static double random_double(test_random *random)
{
    for (;;) {
        const uint64_t bits = ((uint64_t)test_random_below(random, INT64_C(1) << 31) << 33) ^
                              ((uint64_t)test_random_below(random, INT64_C(1) << 31) << 11) ^
                              (uint64_t)test_random_below(random, 1 << 12);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            return value;
        }
    }
}

static void reals_equal_strtod_on_random_texts(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        char text[128];
        const int64_t kind = test_random_below(&random, 8);
        if (kind < 2) {
            (void)snprintf(text, sizeof text, "%.*g", 1 + (int)test_random_below(&random, 25),
                           random_double(&random));
        } else if (kind < 5) {
            const double share = (double)test_random_below(&random, INT64_C(1) << 31) / 3e9;
            (void)snprintf(text, sizeof text, "%.*g", 14 + (int)test_random_below(&random, 5),
                           kind == 2 ? share : share * share * 1e-4);
        } else if (kind < 7) {
            int decimals;
            (void)random_decimal(&random, text, &decimals);
        } else {
            (void)snprintf(text, sizeof text, "%" PRId64 "e%d",
                           test_random_below(&random, INT64_C(1) << 31) << 31,
                           (int)test_random_below(&random, 80) - 50);
        }
        check_real(text);
    }
}

/* "0.0007965797531551998", "6.0608474536861296e-05" and near it: more digits, zeros, faults. */
static void reals_as_programs_print_them(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        char text[64] = "";
        const size_t decimals = 6 + (size_t)test_random_below(&random, 18);
        const size_t zeros = (size_t)test_random_below(&random, 6);
        text[0] = (char)('0' + test_random_below(&random, 10) * test_random_below(&random, 2));
        text[1] = '.';
        for (size_t k = 0; k < decimals; k++) {
            text[2 + k] = (char)(k < zeros ? '0' : '0' + test_random_below(&random, 10));
        }
        if (test_random_below(&random, 2) == 1) {
            (void)snprintf(text + 2 + decimals, 8, "e-%02d", (int)test_random_below(&random, 40));
        }
        check_real(text);
        double kept = 7.0;
        const size_t size = strlen(text);
        text[test_random_below(&random, (int64_t)size)] = "x:/ ,"[i % 5];
        assert_non_null(gv_number_real(text, size, &kept));
        assert_true(kept == 7.0);
    }
}

/* Halfway between two doubles, and a hair beside: where a wrong rounding would show. */
static void reals_round_ties_to_even(void **state)
{
    (void)state;
    const char *const hard[] = {
        "9007199254740993",
        "9007199254740992.999999999999999999999999999",
        "9007199254740993.0000000000000000000000000001",
        "9007199254740991.4999999999999999999999999999",
        "2.2250738585072012e-308",
        "4.9e-324",
        "2.4703282292062327208e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "0.1000000000000000055511151231257827021181583404541015625",
        "6.0708474536861297e-05",
        "-0.0",
        "0e400",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "10000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        check_real(hard[i]);
    }
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES / 40; i++) {
        const int64_t low =
            (INT64_C(1) << 53) + (test_random_below(&random, INT64_C(1) << 31) << 1);
        char text[64];
        (void)snprintf(text, sizeof text, "%" PRId64, low * 2 + 1 + test_random_below(&random, 5));
        check_real(text);
        (void)snprintf(text, sizeof text, "%" PRId64 "%s", low + 1,
                       (const char *[]){".0", ".5", ".00000000000001"}[i % 3]);
        check_real(text);
    }
}

/* Checks of long products: little-endian words. */
enum { WORDS = 12 };

static void multiply_by_five(uint32_t number[WORDS])
{
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)number[i] * 5;
        number[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static int compare(const uint32_t a[WORDS], const uint32_t b[WORDS])
{
    for (int i = WORDS; i-- > 0;) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

static void shift_left(uint32_t number[WORDS])
{
    for (int i = WORDS; i-- > 1;) {
        number[i] = number[i] << 1 | number[i - 1] >> 31;
    }
    number[0] <<= 1;
}

/* The 128 leading bits of numerator / denominator, cut off. */
static void leading_bits(const uint32_t numerator[WORDS], const uint32_t denominator[WORDS],
                         uint64_t bits[2])
{
    uint32_t rest[WORDS];
    uint32_t other[WORDS];
    memcpy(rest, numerator, sizeof rest);
    memcpy(other, denominator, sizeof other);
    while (compare(rest, other) < 0) {
        shift_left(rest);
    }
    for (;;) { /* until other <= rest < 2 x other */
        uint32_t twice[WORDS];
        memcpy(twice, other, sizeof twice);
        shift_left(twice);
        if (compare(rest, twice) < 0) {
            break;
        }
        memcpy(other, twice, sizeof other);
    }
    bits[0] = 0;
    bits[1] = 0;
    for (int i = 0; i < 128; i++) {
        const bool bit = compare(rest, other) >= 0;
        if (bit) {
            int64_t borrow = 0;
            for (int w = 0; w < WORDS; w++) {
                borrow += (int64_t)rest[w] - other[w];
                rest[w] = (uint32_t)borrow;
                borrow >>= 32;
            }
        }
        bits[0] = bits[0] << 1 | bits[1] >> 63;
        bits[1] = bits[1] << 1 | bit;
        shift_left(rest);
    }
}

static void every_power_of_five_is_right(void **state)
{
    (void)state;
    for (int power = GV_POWER_FIRST; power <= GV_POWER_LAST; power++) {
        uint32_t five[WORDS] = {1};
        const uint32_t unit[WORDS] = {1};
        for (int i = 0; i < (power < 0 ? -power : power); i++) {
            multiply_by_five(five);
        }
        uint64_t bits[2];
        leading_bits(power < 0 ? unit : five, power < 0 ? five : unit, bits);
        if (power < 0 && power >= -27) { /* rounded up */
            bits[1]++;
            bits[0] += bits[1] == 0;
        }
        const uint64_t *const row = gv_powers_of_five[power - GV_POWER_FIRST];
        assert_int_equal(row[0], bits[0]);
        assert_int_equal(row[1], bits[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_keeps_every_nano),
        cmocka_unit_test(what_is_no_number_is_said_and_nothing_written),
        cmocka_unit_test(rounding_equals_long_division),
        cmocka_unit_test(reals_equal_strtod_on_random_texts),
        cmocka_unit_test(reals_as_programs_print_them),
        cmocka_unit_test(reals_round_ties_to_even),
        cmocka_unit_test(every_power_of_five_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
