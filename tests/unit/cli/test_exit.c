/* Exit codes: every failure has one that is in the table, with the right number for its cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exit.h"
#include <thimble/identity.h>

static void gives(struct th_fault fault, int status)
{
    assert_int_equal(th_cli_exit_of(&fault), status);
    assert_non_null(th_cli_exit_find(status));
}

static void test_every_error(void **state)
{
    (void)state;
    static const struct {
        int code, status;
    } all[] = {
        {TH_OK, 0},          {TH_E_TLS, 8},      {TH_E_HANDSHAKE, 8},     {TH_E_CERTIFICATE, 68},
        {TH_E_SERVER_NAME, 73}, {TH_E_CIPHER_SUITE, 77}, {TH_E_CLOSED, 7}, {TH_E_PROTOCOL, 2},
        {TH_E_TCP, 4},       {TH_E_NO_SOCKET, 88}, {TH_E_SEND_FULL, 88},  {TH_E_RECEIVE, 7},
        {TH_E_LOOKUP, 20},   {TH_E_TIMEOUT, 27}, {TH_E_REFUSED, 50},      {TH_E_MEMORY, 84},
        {TH_E_ARGUMENT, 64}, {TH_E_FILE, 67},    {TH_E_ENTROPY, 83},      {TH_E_TOO_LARGE, 25},
        {TH_E_CLIENT_CERTIFICATE, 76}, {TH_E_SYSTEM, 14},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        gives((struct th_fault){.code = all[i].code}, all[i].status);
    for (int code = -10; code > -60; code--)
        if (strcmp(th_error_name(code), "unknown"))
            assert_non_null(th_cli_exit_find(th_cli_exit_of(&(struct th_fault){.code = code})));
}

static void test_certificates(void **state)
{
    (void)state;
    gives((struct th_fault){.code = TH_E_CERTIFICATE}, 68);
    gives((struct th_fault){.code = TH_E_CERTIFICATE, .reason = TH_EXPIRED}, 70);
    gives((struct th_fault){.code = TH_E_CERTIFICATE, .reason = TH_WRONG_USAGE}, 79);
}

static void test_names(void **state)
{
    (void)state;
    gives((struct th_fault){.code = TH_E_SERVER_NAME, .phase = TH_PHASE_SHAKING}, 73);
    gives((struct th_fault){.code = TH_E_SERVER_NAME, .phase = TH_PHASE_FINDING}, 20);
}

static void test_files(void **state)
{
    (void)state;
    gives((struct th_fault){.code = TH_E_FILE, .sys_errno = 2}, 66);
    gives((struct th_fault){.code = TH_E_FILE}, 67);
    gives((struct th_fault){.code = TH_E_FILE, .reason = TH_KEY_MISMATCH}, 71);
}

static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        int reason, status;
    } all[] = {
        {1, 54},    {2, 53},    {3, 55},    {4, 52},    {5, 51},    {128, 50}, {132, 54}, {133, 53},
        {134, 52},  {135, 51},  {136, 55},  {137, 55},  {142, 57},  {149, 25}, {150, 56}, {151, 56},
        {159, 56},  {255, 50},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        gives((struct th_fault){.code = TH_E_REFUSED, .reason = all[i].reason}, all[i].status);
    for (int reason = 0; reason < 256; reason++)
        assert_non_null(th_cli_exit_find(th_cli_exit_of_reason(reason)));
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < th_cli_exits_count; i++) {
        const struct th_cli_exit *exit = &th_cli_exits[i];
        assert_in_range(exit->status, 0, 255);
        assert_int_not_equal(exit->status, 1);
        assert_ptr_equal(th_cli_exit_find(exit->status), exit);
        assert_true(i == 0 || exit->status > exit[-1].status);
        assert_null(strchr(exit->name, ' '));
        const char *meaning = th_cli_exit_meaning(exit);
        assert_int_equal(meaning[strlen(meaning) - 1], '.');
    }
    assert_null(th_cli_exit_find(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error), cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_files),       cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
