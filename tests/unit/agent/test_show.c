/* What an agent answers, for people and for Prometheus; and what somebody else might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/show.h"

static char shown[8192];

static void put(const void *data, size_t bytes)
{
    size_t used = strlen(shown);
    assert_in_range(used + bytes, 0, sizeof shown - 1);
    memcpy(shown + used, data, bytes);
    shown[used + bytes] = '\0';
}

#define MOST 3

static enum th_agent_verdict show_all(size_t count, const char *const answers[], bool for_prometheus,
                                      bool coloured)
{
    static char texts[MOST + 1][1024];
    const struct th_agent_view view = {put, for_prometheus, coloured, texts[MOST]};
    struct th_agent_answer copies[MOST];
    memset(shown, 0, sizeof shown);
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof *texts, "%s", answers[i]);
        copies[i] = (struct th_agent_answer){texts[i], strlen(texts[i])};
    }
    return th_agent_show(copies, count, &view);
}

static enum th_agent_verdict show(const char *answer, bool for_prometheus, bool coloured)
{
    return show_all(1, &answer, for_prometheus, coloured);
}

static void verdicts_follow_from_the_state(void **state)
{
    (void)state;
    assert_int_equal(show("{\"agent\":{\"state\":\"connected\"}}", false, false), TH_AGENT_FINE);
    assert_int_equal(show("{\"agent\":{\"state\":\"degraded\"}}", false, false), TH_AGENT_TRYING);
    assert_int_equal(show("{\"agent\":{\"state\":\"error\"}}", false, false), TH_AGENT_FAILED);
    assert_int_equal(show("{\"memory\":{\"stack_peak_bytes\":1}}", false, false), TH_AGENT_UNKNOWN);
    assert_int_equal(show("{\"agent\":{\"state\":\"connected\"}", false, false), TH_AGENT_UNKNOWN);
    assert_int_equal(show("", false, false), TH_AGENT_UNKNOWN);
}

static void people_see_what_is_not_zero(void **state)
{
    (void)state;
    show("{\"agent\":{\"state\":\"backoff\",\"state_ms\":61234,\"reconnects\":0,"
         "\"alarms\":{\"spool\":false,\"plaintext\":true},\"tls_failures\":{\"a\":2,\"b\":3}}}",
         false, false);
    assert_string_equal(shown, "state                           backoff\n"
                               "for so many seconds             61.234\n"
                               "alarm                           plaintext\n"
                               "failed TLS handshakes           a: 2\n"
                               "                                b: 3\n");
}

static void the_state_alone_is_coloured(void **state)
{
    (void)state;
    show("{\"agent\":{\"state\":\"connected\",\"text\":\"x\"}}", false, true);
    assert_string_equal(shown, "state                           \033[32mconnected\033[0m\n"
                               "                                x\n");
}

static void prometheus_gets_seconds_and_labels(void **state)
{
    (void)state;
    show("{\"times\":{\"tls_us\":12345},\"agent\":{\"tls_failures\":{\"x\":7}},\"other\":{\"y\":1}}",
         true, false);
    assert_string_equal(shown, "# HELP thimble_tls_handshake_seconds last TLS handshake, seconds\n"
                               "# TYPE thimble_tls_handshake_seconds gauge\n"
                               "thimble_tls_handshake_seconds 0.012345\n"
                               "# HELP thimble_tls_failures_total failed TLS handshakes\n"
                               "# TYPE thimble_tls_failures_total counter\n"
                               "thimble_tls_failures_total{name=\"x\"} 7\n");
}

static const char *const three[MOST] = {
    "{\"name\":\"a\",\"agent\":{\"state\":\"connected\",\"reconnects\":1}}",
    "{\"name\":\"b\",\"agent\":{\"state\":\"degraded\",\"alarms\":{\"spool\":true}}}\n",
    "{\"name\":\"c\",\"agent\":{\"state\":\"connected\",\"reconnects\":3}}\n",
};

static void each_connection_has_its_name(void **state)
{
    (void)state;
    assert_int_equal(show_all(3, three, false, false), TH_AGENT_TRYING);
    assert_string_equal(shown, "connection                      a\n"
                               "state                           connected\n"
                               "connections made again          1\n"
                               "\n"
                               "connection                      b\n"
                               "state                           degraded\n"
                               "alarm                           spool\n"
                               "\n"
                               "connection                      c\n"
                               "state                           connected\n"
                               "connections made again          3\n");
}

/* Prometheus takes a metric once, its samples together. */
static void samples_of_all_stand_together(void **state)
{
    (void)state;
    assert_int_equal(show_all(3, three, true, false), TH_AGENT_TRYING);
    const char *behind_states = strstr(shown, "# HELP thimble_alarm ");
    assert_non_null(strstr(shown, "thimble_state{connection=\"b\",state=\"degraded\"} 1\n"
                                  "thimble_state{connection=\"b\",state=\"backoff\"} 0\n"));
    assert_string_equal(behind_states,
                        "# HELP thimble_alarm alarm\n# TYPE thimble_alarm gauge\n"
                        "thimble_alarm{connection=\"b\",name=\"spool\"} 1\n"
                        "# HELP thimble_reconnects_total connections made again\n"
                        "# TYPE thimble_reconnects_total counter\n"
                        "thimble_reconnects_total{connection=\"a\"} 1\n"
                        "thimble_reconnects_total{connection=\"c\"} 3\n");
}

static void the_worst_counts(void **state)
{
    const char *const good = "{\"agent\":{\"state\":\"connected\"}}";
    const char *const failed = "{\"agent\":{\"state\":\"error\"}}";
    const char *const strange = "{\"agent\":7}";
    (void)state;
    for (int prometheus = 0; prometheus < 2; prometheus++) {
        assert_int_equal(show_all(2, (const char *[]){good, good}, prometheus, false), TH_AGENT_FINE);
        assert_int_equal(show_all(2, (const char *[]){failed, good}, prometheus, false),
                         TH_AGENT_FAILED);
        assert_int_equal(show_all(3, (const char *[]){failed, strange, good}, prometheus, false),
                         TH_AGENT_UNKNOWN);
    }
}

static void nothing_in_it_drives_a_terminal(void **state)
{
    (void)state;
    show("{\"agent\":{\"text\":\"\\u001b[31m\\u009bx\",\"alarms\":{\"\\u0007\\\"\\n\":true}}}", false,
         false);
    for (const char *at = shown; *at; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
    show("{\"agent\":{\"tls_failures\":{\"a\\\"} 1\\n#\":1}}}", true, false);
    assert_non_null(strstr(shown, "{name=\"a'} 1?#\"} 1\n"));
    show("{\"name\":\"a\\\"} 1\\n#\",\"agent\":{\"reconnects\":1}}", true, false);
    assert_non_null(strstr(shown, "{connection=\"a'} 1?#\"} 1\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_from_the_state),
        cmocka_unit_test(people_see_what_is_not_zero),
        cmocka_unit_test(the_state_alone_is_coloured),
        cmocka_unit_test(prometheus_gets_seconds_and_labels),
        cmocka_unit_test(each_connection_has_its_name),
        cmocka_unit_test(samples_of_all_stand_together),
        cmocka_unit_test(the_worst_counts),
        cmocka_unit_test(nothing_in_it_drives_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
