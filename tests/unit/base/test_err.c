#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char *text_of(const char *words)
{
    static struct th_fault fault;
    memset(&fault, 0, sizeof fault);
    th_fault_set(&fault, TH_E_REFUSED, "the broker said %s", words);
    return fault.text;
}

static void first_failure_wins(void **state)
{
    (void)state;
    struct th_fault fault = {.phase = TH_PHASE_UP};
    assert_int_equal(th_fault_set(&fault, TH_E_TIMEOUT, "first %d", 1), TH_E_TIMEOUT);
    assert_int_equal(th_fault_set(&fault, TH_E_TCP, "second"), TH_E_TCP);
    assert_int_equal(fault.code, TH_E_TIMEOUT);
    assert_string_equal(fault.text, "first 1");
    th_fault_clear(&fault);
    assert_int_equal(fault.code, 0);
    assert_int_equal(fault.phase, TH_PHASE_UP);
}

static void errno_is_told_and_kept(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    errno = ENOENT;
    th_fault_set_errno(&fault, TH_E_FILE, "a.pem");
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fault.sys_errno, ENOENT);
    assert_string_equal(fault.text, "a.pem: No such file or directory");
}

static void nobody_drives_the_terminal(void **state)
{
    (void)state;
    assert_string_equal(text_of("no\n\x1b[2J\x7f"), "the broker said no??[2J?");
    assert_string_equal(text_of("\xc2\x9b" "2J"), "the broker said ??2J");
    assert_string_equal(text_of("\xc3\xa9\xe2\x82\xac"), "the broker said \xc3\xa9\xe2\x82\xac");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char words[400];
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    assert_int_equal(strlen(text_of(words)), sizeof((struct th_fault *)0)->text - 1);
}

static bool is_of_peer(int cause)
{
    struct th_fault fault = {0};
    errno = cause;
    th_fault_set_errno(&fault, TH_E_RECEIVE, "receiving failed");
    return th_fault_is_of_peer(&fault);
}

static void the_peers_end_is_told_from_our_own_failures(void **state)
{
    (void)state;
    assert_true(is_of_peer(0) && is_of_peer(ECONNRESET) && is_of_peer(EPIPE));
    assert_false(is_of_peer(ENOBUFS) || is_of_peer(ENOMEM) || is_of_peer(ETIMEDOUT));
}

static void no_fault_record_is_fine(void **state)
{
    (void)state;
    assert_int_equal(th_fault_set(NULL, TH_E_TLS, "nobody listens"), TH_E_TLS);
    assert_int_equal(th_fault_set_errno(NULL, TH_E_TLS, "nobody listens"), TH_E_TLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins),       cmocka_unit_test(errno_is_told_and_kept),
        cmocka_unit_test(nobody_drives_the_terminal), cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(no_fault_record_is_fine),
        cmocka_unit_test(the_peers_end_is_told_from_our_own_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
