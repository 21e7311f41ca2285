/* Declarations of fields: what they mean, what is refused, and how all culprits are named. */
#include "cmocka_all.h"
#include "models/predict/fields.h"
#include "test_log.h"

static gv_status parse(const char *text, gv_fields *fields)
{
    return gv_fields_parse(text, strlen(text), fields);
}

static void expect_refusal(const char *text, const char *phrase)
{
    gv_fields fields;
    assert_int_equal(parse(text, &fields), GV_EUSAGE);
    if (strstr(gv_status_detail(), phrase) == NULL) {
        fail_msg("no \"%s\" in: %s", phrase, gv_status_detail());
    }
}

static void a_declaration_is_read_and_printed(void **state)
{
    (void)state;
    gv_fields fields;
    char text[GV_FIELDS_TEXT_SIZE];
    assert_int_equal(parse(" advertiser,slot_width * slot_height\t, hour,\n tags,a*b*c;"
                           "past( 20 ) : creative, event*exchange ",
                           &fields),
                     GV_OK);
    assert_int_equal(fields.count, 5);
    assert_int_equal(fields.list[4].part_count, 3);
    assert_string_equal(fields.list[1].parts[1], "slot_height");
    assert_int_equal(fields.past_length, 20);
    assert_int_equal(fields.past_count, 2);
    gv_fields_print(&fields, text, sizeof text);
    assert_string_equal(text, "advertiser, slot_width*slot_height, hour, tags, a*b*c; past(20): "
                              "creative, event*exchange");
    const gv_example_shape shape = gv_fields_shape(&fields, 10);
    assert_int_equal(shape.field_count, 5);
    assert_int_equal(shape.bucket_count, 1024);
    assert_int_equal(shape.past_length, 20);
    assert_int_equal(shape.past_field_count, 2);
}

/* Said or not; what is said needlessly is not printed, and no name of a field tells of it. */
static void each_field_is_on_a_side(void **state)
{
    (void)state;
    static const gv_side expected[] = {GV_SIDE_USER, GV_SIDE_ITEM,  GV_SIDE_CROSS, GV_SIDE_USER,
                                       GV_SIDE_ITEM, GV_SIDE_CROSS, GV_SIDE_USER};
    gv_fields fields;
    gv_side sides[GV_FIELDS_MAX];
    char text[GV_FIELDS_TEXT_SIZE];
    assert_int_equal(parse("tags*hour, creative*slot, exchange*creative, segment @ user*city, "
                           "exchange@item, hour@item*region@user, url; past(2): creative",
                           &fields),
                     GV_OK);
    gv_fields_sides(&fields, sides);
    for (size_t f = 0; f < fields.count; f++) {
        assert_int_equal(sides[f], expected[f]);
    }
    gv_fields_print(&fields, text, sizeof text);
    assert_string_equal(text, "tags*hour, creative*slot, exchange*creative, segment@user*city, "
                              "exchange@item, hour@item*region, url; past(2): creative");
    assert_int_equal(parse(text, &fields), GV_OK);
    gv_fields_print(&fields, text, sizeof text);
    assert_non_null(strstr(text, "hour@item*region, url;"));
    gv_field_print(&fields.list[5], text, sizeof text);
    assert_string_equal(text, "hour*region");
    expect_refusal("a@", "a column's name at character 3");
    expect_refusal("a@users", "user or item behind '@' at character 3, found 'users'");
    expect_refusal("a; past(3): b@user", "a comma or the end at character 14, found '@user'");
    expect_refusal("a@user, a@item", "given twice: a");
}

/* Printed and read again, it is printed the same; and the longest one fits. */
static void the_longest_declaration_survives(void **state)
{
    (void)state;
    char text[2 * GV_FIELDS_TEXT_SIZE] = "";
    char printed[GV_FIELDS_TEXT_SIZE];
    gv_fields fields;
    for (int i = 0; i < GV_FIELDS_MAX + GV_PAST_FIELDS_MAX; i++) {
        const size_t used = strlen(text);
        const char *before = i == 0 ? "" : i == GV_FIELDS_MAX ? "; past(4096): " : ", ";
        const char *side = i < GV_FIELDS_MAX ? "@user" : "";
        (void)snprintf(text + used, sizeof text - used, "%s%036da%02d%s*%036db%02d%s*%036dc%02d%s",
                       before, 0, i, side, 0, i, side, 0, i, side);
    }
    assert_int_equal(parse(text, &fields), GV_OK);
    gv_fields_print(&fields, printed, sizeof printed);
    assert_string_equal(printed, text);
}

static void malformed_text_is_refused_with_its_place(void **state)
{
    (void)state;
    expect_refusal("", "a column's name at character 1, found the end");
    expect_refusal("a,,b", "at character 3, found ',b'");
    expect_refusal("a b", "a comma or the end at character 3, found 'b'");
    expect_refusal("a*b*c*d", "at most three columns in a cross");
    expect_refusal("a; last(3): b", "past(NUMBER):");
    expect_refusal("a; past 3: b", "'('");
    expect_refusal("a; past(0): b", "a number of events from 1 to 4096 at character 9");
    expect_refusal("a; past(5000): b", "from 1 to 4096");
    expect_refusal("a; past(3) b", "'):'");
    expect_refusal("a; past(3):", "a column's name");
    expect_refusal("a12345678901234567890123456789012345678901", "at most 39 characters");
}

/* Everything that is wrong, in one sentence. */
static void all_leaks_are_named_at_once(void **state)
{
    (void)state;
    expect_refusal("advertiser, price, hour*clicks; past(3): bid, conversions",
                   "fields: price, clicks, bid, conversions are known only after the bid");
    expect_refusal("pctr", "pctr is known only after the bid");
    expect_refusal("price, a*price, pcvr", "fields: price, pcvr are");
    expect_refusal("payprice, win", "payprice, win are");
}

static void what_has_no_meaning_there_is_refused(void **state)
{
    (void)state;
    expect_refusal("event, time", "event (only of a past), time (give hour or weekday)");
    expect_refusal("a; past(3): tags", "tags or features in a past");
    expect_refusal("a, b, a, c*d, c*d", "given twice: a, c*d");
    expect_refusal("a*a", "given twice: a*a");
}

static void the_usual_fields_are_those_that_the_log_has(void **state)
{
    static const char *const rows[] = {
        "impression time=5 bid_id=a advertiser=x slot_width=1 slot_height=2 price=7", NULL};
    static const char *const bare[] = {"impression bid_id=a price=7", NULL};
    char text[GV_FIELDS_TEXT_SIZE];
    gv_fields fields;
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    assert_int_equal(gv_fields_usual(log, &fields), GV_OK);
    gv_fields_print(&fields, text, sizeof text);
    assert_string_equal(text, "advertiser, slot_width*slot_height, hour, weekday");
    gv_log_close(log);
    log = test_log_make(*state, "b.gvlog", bare);
    const gv_status status = gv_fields_usual(log, &fields);
    assert_true(status == GV_ENOTFOUND || status == GV_OK); /* a log may get its times from order */
    gv_log_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_declaration_is_read_and_printed),
        cmocka_unit_test(each_field_is_on_a_side),
        cmocka_unit_test(the_longest_declaration_survives),
        cmocka_unit_test(malformed_text_is_refused_with_its_place),
        cmocka_unit_test(all_leaks_are_named_at_once),
        cmocka_unit_test(what_has_no_meaning_there_is_refused),
        test_in_folder(the_usual_fields_are_those_that_the_log_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
