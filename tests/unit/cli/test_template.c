/* Names in topics: what is filled in, what is refused. */
#include "cli/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct th_cli_settings settings;
static struct th_cli_problem problem;

static bool fill(const char *device, const char *id, const char *topic)
{
    th_cli_settings_clear(&settings, TH_CLI_AGENT);
    settings.device_id = device;
    settings.client_id = id;
    settings.topics.items[settings.topics.count++] = topic;
    return th_cli_template_fill(&settings, &problem);
}

static void becomes(const char *topic, const char *wanted)
{
    assert_true(fill("pump-17", "id-of-${device_id}", topic));
    assert_string_equal(settings.topics.items[0], wanted);
}

static void refused(const char *device, const char *id, const char *topic, const char *why)
{
    assert_false(fill(device, id, topic));
    assert_non_null(strstr(problem.text, why));
}

static void test_names_are_filled_in(void **state)
{
    (void)state;
    becomes("plain", "plain");
    becomes("${device_id}", "pump-17");
    becomes("a/${device_id}/b/${client_id}", "a/pump-17/b/id-of-pump-17");
    becomes("${device_id}${device_id}", "pump-17pump-17");
    becomes("$${device_id}", "${device_id}");
    becomes("$$${device_id}", "$${device_id}");
    becomes("$SYS/${device_id}", "$SYS/pump-17");
    becomes("cost/$", "cost/$");
    becomes("$$", "$$");
}

static void test_other_names_are_refused(void **state)
{
    (void)state;
    refused("d", "c", "${device}", "${device}: no such name");
    refused("d", "c", "${device_id", "${device_id}: no such name");
    refused("d", "c", "${", "${}: no such name");
    refused("d", "${client_id}", "t", "${client_id}: there is none");
}

static void test_values_stay_within_their_level(void **state)
{
    (void)state;
    const char *const bad[] = {"a/b", "+", "#", "\"", "\\", "\x01", "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i], "c", "x/${device_id}", "${device_id}: its value has");
    refused(NULL, "c", "${device_id}", "${device_id}: there is none");
    refused("", "c", "${device_id}", "there is none");
    refused("d", "c", "${connection}", "${connection}: there is none");
}

static void test_what_is_too_long_is_refused(void **state)
{
    (void)state;
    static char topic[20000];
    memset(topic, 'x', sizeof topic - 1);
    memcpy(topic, "${device_id}", 12);
    refused("d", "c", topic, "more than 16384 bytes");
}

static void test_check_finds_the_first_unknown_name(void **state)
{
    (void)state;
    struct th_slice name;
    assert_true(th_cli_template_check("a/${hostname}/$${what}/$SYS", &name));
    assert_false(th_cli_template_check("a/${hostname}/${what}", &name));
    assert_int_equal(name.len_bytes, 6);
    assert_memory_equal(name.data, "${what", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_filled_in),
        cmocka_unit_test(test_other_names_are_refused),
        cmocka_unit_test(test_values_stay_within_their_level),
        cmocka_unit_test(test_what_is_too_long_is_refused),
        cmocka_unit_test(test_check_finds_the_first_unknown_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
