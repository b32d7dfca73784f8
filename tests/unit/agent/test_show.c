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

static enum th_agent_verdict show(const char *answer, bool for_prometheus, bool coloured)
{
    const struct th_agent_view view = {put, for_prometheus, coloured};
    char text[1024];
    memset(shown, 0, sizeof shown);
    snprintf(text, sizeof text, "%s", answer);
    return th_agent_show(text, strlen(text), &view);
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

static void nothing_in_it_drives_a_terminal(void **state)
{
    (void)state;
    show("{\"agent\":{\"text\":\"\\u001b[31m\\u009bx\",\"alarms\":{\"\\u0007\\\"\\n\":true}}}", false,
         false);
    for (const char *at = shown; *at; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
    show("{\"agent\":{\"tls_failures\":{\"a\\\"} 1\\n#\":1}}}", true, false);
    assert_non_null(strstr(shown, "{name=\"a'} 1?#\"} 1\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_from_the_state),
        cmocka_unit_test(people_see_what_is_not_zero),
        cmocka_unit_test(the_state_alone_is_coloured),
        cmocka_unit_test(prometheus_gets_seconds_and_labels),
        cmocka_unit_test(nothing_in_it_drives_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
