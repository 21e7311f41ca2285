/* YAML as a tree: places, duplicates, merges, limits, bytes that are no UTF-8, --set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/config/override.h"
#include "scenarios/config/tree.h"
#include "sim/base/mem.h"

/* A text being read; all of it dies with fixture_fini(). */
typedef struct fixture {
    gv_region region;
    gv_problems problems;
    gv_tree tree;
    gv_text_source source;
} fixture;

static gv_status read_text(fixture *f, const char *text)
{
    *f = (fixture){.source = {.name = "x.yaml", .text = text, .size = strlen(text)}};
    f->problems.region = &f->region;
    f->tree.region = &f->region;
    return gv_tree_read(&f->tree, &f->source, &f->problems);
}

static void fixture_fini(fixture *f)
{
    gv_tree_fini(&f->tree);
    gv_region_fini(&f->region);
}

static size_t child(const gv_tree *tree, size_t parent, const char *key)
{
    const size_t found = gv_tree_find(tree, parent, key);
    assert_true(found != GV_TREE_NONE);
    return found;
}

/* Never NULL: a test without nodes ends here. */
static const gv_node *node_at(const gv_tree *tree, size_t node)
{
    if (tree->nodes == NULL) {
        abort();
    }
    return &tree->nodes[node];
}

static const gv_problem *first_problem(const fixture *f)
{
    if (f->problems.first == NULL) {
        abort();
    }
    return f->problems.first;
}

/* Puts `more` behind `text`: [2048]. */
static void append(char *text, const char *more)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, 2048 - used, "%s", more);
}

static const char *text_at(const gv_tree *tree, size_t parent, const char *key)
{
    const gv_node *node = node_at(tree, child(tree, parent, key));
    assert_int_equal(node->kind, GV_NODE_SCALAR);
    return node->text;
}

static void every_node_knows_its_place(void **state)
{
    (void)state;
    fixture f;
    assert_int_equal(read_text(&f, "log:\n  path: a.gvlog\nlist: [1, {b: 2}]\n"), GV_OK);
    assert_int_equal(f.problems.count, 0);
    const size_t path = child(&f.tree, child(&f.tree, 0, "log"), "path");
    assert_int_equal(node_at(&f.tree, path)->mark.line, 2);
    assert_int_equal(node_at(&f.tree, path)->mark.column, 9);
    assert_int_equal(node_at(&f.tree, path)->key_mark.column, 3);
    const size_t list = child(&f.tree, 0, "list");
    assert_int_equal(gv_tree_children(&f.tree, list), 2);
    const size_t second = gv_tree_next(&f.tree, list, gv_tree_first(&f.tree, list));
    assert_string_equal(text_at(&f.tree, second, "b"), "2");
    assert_true(gv_tree_next(&f.tree, list, second) == GV_TREE_NONE);
    assert_int_equal(node_at(&f.tree, 0)->span, f.tree.count);
    fixture_fini(&f);
}

static void aliases_copy_and_merges_yield_to_the_mappings_own_keys(void **state)
{
    (void)state;
    fixture f;
    assert_int_equal(
        read_text(&f, "a: &a {x: 1, y: {z: 2}}\nb: *a\nc: {<<: *a, x: 3}\nd: {y: 4, <<: *a}\n"),
        GV_OK);
    assert_int_equal(f.problems.count, 0);
    const size_t b = child(&f.tree, 0, "b");
    const size_t c = child(&f.tree, 0, "c");
    const size_t d = child(&f.tree, 0, "d");
    assert_string_equal(text_at(&f.tree, child(&f.tree, b, "y"), "z"), "2");
    assert_string_equal(text_at(&f.tree, c, "x"), "3");
    assert_string_equal(text_at(&f.tree, child(&f.tree, c, "y"), "z"), "2");
    assert_true(gv_tree_find(&f.tree, c, "<<") == GV_TREE_NONE);
    assert_string_equal(text_at(&f.tree, d, "y"), "4");
    assert_string_equal(text_at(&f.tree, d, "x"), "1");
    assert_int_equal(gv_tree_children(&f.tree, 0), 4);
    fixture_fini(&f);
}

typedef struct refusal {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *says;
} refusal;

static void what_is_malformed_is_told_with_its_place(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' is given twice, first in line 1"},
        {"a: [1, 2\nb: 3\n", 2, 2, ""},
        {"a: 'open\n", 2, 1, ""},
        {"a: *nowhere\n", 1, 4, "not above it"},
        {"a: &x [*x]\n", 1, 8, "inside its own anchor"},
        {"a: &x {<<: *x}\n", 1, 12, "inside its own anchor"},
        {"? [1]\n: 2\n", 1, 3, "a key must be one word"},
        {"a: {<<: 3}\n", 1, 9, "<< merges one mapping"},
        {"a: 1\n---\nb: 2\n", 2, 1, "a second document"},
        {"a: \"\\0\"\n", 1, 4, "a NUL"},
        {"name: gr\xC3\xBC\xC3\xBC\nzone: \xFFUTC\n", 2, 7, "a scenario is UTF-8 text"},
        {"x: \xC3", 1, 4, "a scenario is UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        assert_int_equal(read_text(&f, cases[i].text), GV_OK);
        if (f.problems.count != 1) {
            fail_msg("%zu problems in: %s", f.problems.count, cases[i].text);
        }
        const gv_problem *problem = first_problem(&f);
        if (problem->mark.line != cases[i].line || problem->mark.column != cases[i].column ||
            strstr(problem->sentence, cases[i].says) == NULL) {
            fail_msg("%s: %u:%u: %s", cases[i].text, problem->mark.line, problem->mark.column,
                     problem->sentence);
        }
        fixture_fini(&f);
    }
}

static void nothing_is_an_empty_mapping(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# only words\n", "---\n...\n"};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        assert_int_equal(read_text(&f, texts[i]), GV_OK);
        assert_int_equal(f.problems.count, 0);
        assert_int_equal(node_at(&f.tree, 0)->kind, GV_NODE_MAP);
        assert_int_equal(f.tree.count, 1);
        fixture_fini(&f);
    }
}

/* Nine lists of nine aliases each: 387 million values, if they were followed. */
static void a_few_bytes_cannot_become_millions_of_values(void **state)
{
    (void)state;
    char text[2048] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "a%d: &a%d [", i, i);
        append(text, line);
        for (int j = 0; j < 9; j++) {
            (void)snprintf(line, sizeof line, "%s*a%d", j == 0 ? "" : ", ", i - 1);
            append(text, line);
        }
        append(text, "]\n");
    }
    fixture f;
    assert_int_equal(read_text(&f, text), GV_OK);
    assert_int_equal(f.problems.count, 1);
    assert_non_null(strstr(first_problem(&f)->sentence, "more than 20000 values"));
    fixture_fini(&f);
}

static void nesting_has_a_floor(void **state)
{
    (void)state;
    for (int depth = 31; depth <= 33; depth++) {
        char text[2048] = "a: ";
        for (int i = 0; i < depth; i++) {
            append(text, "[");
        }
        for (int i = 0; i < depth && depth < 32; i++) {
            append(text, "]");
        }
        fixture f;
        assert_int_equal(read_text(&f, text), GV_OK);
        assert_int_equal(f.problems.count, depth < 32 ? 0 : 1);
        fixture_fini(&f);
    }
}

static void set_goes_by_key_name_type_and_number(void **state)
{
    (void)state;
    static const char text[] = "seed: 1\npolicies:\n  - {name: lin, type: linear, b0: 10}\n"
                               "  - {type: mcpc}\n";
    static const char *const sets[] = {"seed=7",
                                       "policies.lin.b0=12",
                                       "policies.mcpc.cap=3",
                                       "policies.1.floor=4",
                                       "mechanism.type=first_price",
                                       "campaigns.x=[1/2, 1/8]"};
    fixture f;
    assert_int_equal(read_text(&f, text), GV_OK);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        assert_int_equal(gv_override(&f.tree, sets[i], &f.problems), GV_OK);
    }
    assert_int_equal(f.problems.count, 0);
    const size_t policies = child(&f.tree, 0, "policies");
    const size_t lin = gv_tree_first(&f.tree, policies);
    const size_t mcpc = gv_tree_next(&f.tree, policies, lin);
    assert_string_equal(text_at(&f.tree, 0, "seed"), "7");
    assert_string_equal(text_at(&f.tree, lin, "b0"), "12");
    assert_string_equal(text_at(&f.tree, mcpc, "cap"), "3");
    assert_string_equal(text_at(&f.tree, mcpc, "floor"), "4");
    assert_string_equal(text_at(&f.tree, child(&f.tree, 0, "mechanism"), "type"), "first_price");
    const size_t x = child(&f.tree, child(&f.tree, 0, "campaigns"), "x");
    assert_int_equal(gv_tree_children(&f.tree, x), 2);
    assert_true(node_at(&f.tree, child(&f.tree, lin, "b0"))->mark.source->is_option);
    assert_int_equal(node_at(&f.tree, 0)->span, f.tree.count);
    fixture_fini(&f);
}

static void set_that_leads_nowhere_is_a_problem(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"seed", "expected KEY.KEY=VALUE"},
        {"=3", "expected KEY.KEY=VALUE"},
        {".a=3", "expected KEY.KEY=VALUE"},
        {"a..b=3", "expected KEY.KEY=VALUE"},
        {"a.=3", "expected KEY.KEY=VALUE"},
        {"policies.lni.b0=3", "no item 'lni'; did you mean 'lin'?"},
        {"policies.9.b0=3", "no item '9'"},
        {"seed.x=3", "looked for in one value"},
        {"seed=[1", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        assert_int_equal(read_text(&f, "seed: 1\npolicies: [{name: lin}]\n"), GV_OK);
        assert_int_equal(gv_override(&f.tree, cases[i][0], &f.problems), GV_OK);
        if (f.problems.count != 1 || strstr(f.problems.first->sentence, cases[i][1]) == NULL) {
            fail_msg("%s: %zu problems, %s", cases[i][0], f.problems.count,
                     f.problems.first == NULL ? "" : f.problems.first->sentence);
        }
        fixture_fini(&f);
    }
}

/* A set in the middle moves every node behind it: spans must stay true all the way up. */
static void spans_stay_true_through_any_set(void **state)
{
    (void)state;
    static const char *const sets[] = {"a.b.c=[1, 2, 3]", "a.b=4", "a.b={c: {d: 5}}",
                                       "a.b.c.d=[]",      "z.1=6", "z.0.q={r: 7}"};
    fixture f;
    assert_int_equal(read_text(&f, "a: {b: {c: 1}, e: 2}\nz: [{y: 1}, 2, 3]\nend: 9\n"), GV_OK);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        assert_int_equal(gv_override(&f.tree, sets[i], &f.problems), GV_OK);
        assert_int_equal(f.problems.count, 0);
        assert_int_equal(node_at(&f.tree, 0)->span, f.tree.count);
        assert_string_equal(text_at(&f.tree, 0, "end"), "9");
        assert_string_equal(text_at(&f.tree, child(&f.tree, 0, "a"), "e"), "2");
        assert_int_equal(gv_tree_children(&f.tree, child(&f.tree, 0, "z")), 3);
    }
    fixture_fini(&f);
}

static void no_allocation_may_fail_badly(void **state)
{
    (void)state;
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        fixture f;
        gv_mem_fail_after(n);
        status = read_text(&f, "a: &a {x: 1}\nb: {<<: *a, y: [1, 2]}\n");
        if (status == GV_OK) {
            status = gv_override(&f.tree, "b.z.w={u: 1}", &f.problems);
        }
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        fixture_fini(&f);
        assert_true(n < 200);
    }
}

static void problems_are_shown_with_line_and_caret(void **state)
{
    (void)state;
    fixture f;
    char shown[512] = "";
    assert_int_equal(read_text(&f, "a: gr\xC3\xBC\xC3\xBC\nb: 2\n"), GV_OK);
    gv_problems_add(&f.problems, (gv_mark){&f.source, 2, 4}, "second");
    gv_problems_add(&f.problems, (gv_mark){&f.source, 1, 8}, "first");
    FILE *stream = fmemopen(shown, sizeof shown, "w");
    assert_non_null(stream);
    gv_problems_print(&f.problems, stream, false);
    (void)fclose(stream);
    assert_string_equal(shown, "x.yaml:1:8: first\n"
                               "    1 | a: gr\xC3\xBC\xC3\xBC\n"
                               "      |        ^\n"
                               "x.yaml:2:4: second\n"
                               "    2 | b: 2\n"
                               "      |    ^\n");
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_its_place),
        cmocka_unit_test(aliases_copy_and_merges_yield_to_the_mappings_own_keys),
        cmocka_unit_test(what_is_malformed_is_told_with_its_place),
        cmocka_unit_test(nothing_is_an_empty_mapping),
        cmocka_unit_test(a_few_bytes_cannot_become_millions_of_values),
        cmocka_unit_test(nesting_has_a_floor),
        cmocka_unit_test(set_goes_by_key_name_type_and_number),
        cmocka_unit_test(set_that_leads_nowhere_is_a_problem),
        cmocka_unit_test(spans_stay_true_through_any_set),
        cmocka_unit_test(no_allocation_may_fail_badly),
        cmocka_unit_test(problems_are_shown_with_line_and_caret),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
