/* Lists of cipher suites, as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls/suites.h"

#include <string.h>

#define OURS_1_2 "CCA9 CCA8 C02B C02F C02C C030 "

static const char *hex_of(const struct th_tls_suites *suites)
{
    static char text[5 * TH_TLS_SUITES_MAX + 1];
    char *to = text;
    for (unsigned i = 0; i < suites->count; i++) {
        unsigned id = suites->bytes[2 * i] << 8 | suites->bytes[2 * i + 1];
        for (int shift = 12; shift >= 0; shift -= 4)
            *to++ = "0123456789ABCDEF"[id >> shift & 15];
        *to++ = ' ';
    }
    *to = '\0';
    return text;
}

static void means(enum th_tls_version version, const char *list, bool psk, const char *ids)
{
    struct th_tls_suites suites = {0};
    struct th_fault fault = {0};
    int result = th_tls_suites_add(&suites, version, list, psk, &fault);
    if (result < 0)
        print_message("%s\n", fault.text);
    assert_int_equal(result, 0);
    assert_string_equal(hex_of(&suites), ids);
    assert_int_equal(th_ciphers_check(list, version, psk, NULL), 0);
}

static void fails(enum th_tls_version version, const char *list, bool psk, const char *word)
{
    struct th_fault fault;
    assert_int_equal(th_ciphers_check(list, version, psk, &fault), TH_E_ARGUMENT);
    print_message("%s\n", fault.text);
    assert_non_null(strstr(fault.text, word));
    assert_true(strlen(fault.text) < sizeof fault.text - 1);
}

static void offers_ours_by_default(void **state)
{
    (void)state;
    means(TH_TLS_1_3, NULL, false, "1303 1301 1302 ");
    means(TH_TLS_1_3, NULL, true, "1303 1301 ");
    means(TH_TLS_1_2, NULL, false, OURS_1_2);
    means(TH_TLS_1_2, NULL, true, "CCAC ");
}

static void knows_the_names_of_openssl_and_iana(void **state)
{
    (void)state;
    static const char *const names[][3] = {
        {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "CCA9 "},
        {"ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "CCA8 "},
        {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "C02B "},
        {"ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "C02F "},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "C02C "},
        {"ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "C030 "},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        means(TH_TLS_1_2, names[i][0], false, names[i][2]);
        means(TH_TLS_1_2, names[i][1], false, names[i][2]);
    }
    means(TH_TLS_1_2, "ECDHE-PSK-CHACHA20-POLY1305", true, "CCAC ");
    means(TH_TLS_1_2, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", true, "CCAC ");
    means(TH_TLS_1_3, "TLS_AES_128_GCM_SHA256", false, "1301 ");
    means(TH_TLS_1_3, "TLS_AES_256_GCM_SHA384", false, "1302 ");
    means(TH_TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256", true, "1303 ");
    means(TH_TLS_1_3, "tls_chacha20_poly1305_sha256", true, "1303 ");
}

static void keeps_the_order_and_each_once(void **state)
{
    (void)state;
    means(TH_TLS_1_3, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", false,
          "1302 1301 ");
    means(TH_TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384,ECDHE-RSA-AES128-GCM-SHA256", false,
          "C030 C02F ");
    means(TH_TLS_1_2, "::ECDHE-RSA-AES256-GCM-SHA384: ECDHE-RSA-AES128-GCM-SHA256:", false,
          "C030 C02F ");
    means(TH_TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384:DEFAULT", false,
          "C030 CCA9 CCA8 C02B C02F C02C ");
}

static void understands_what_scripts_say(void **state)
{
    (void)state;
    means(TH_TLS_1_2, "DEFAULT", false, OURS_1_2);
    means(TH_TLS_1_2, "HIGH:!aNULL:!MD5", false, OURS_1_2);
    means(TH_TLS_1_2, "ALL:!EXPORT:!LOW:!3DES:!RC4:@STRENGTH", false, OURS_1_2);
    means(TH_TLS_1_2, "DEFAULT@SECLEVEL=2", false, OURS_1_2);
    means(TH_TLS_1_2, "default:-DES", true, "CCAC ");
}

static void names_what_it_does_not_know(void **state)
{
    (void)state;
    fails(TH_TLS_1_2, "AES128-SHA", false, "\"AES128-SHA\"");
    fails(TH_TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256", false, "\"DHE-RSA");
    fails(TH_TLS_1_2, "HIGH:!CHACHA20", false, "\"!CHACHA20\"");
    fails(TH_TLS_1_2, "DEFAULT@SECLEVEL=3", false, "\"@SECLEVEL=3\"");
    fails(TH_TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA25", false, "AES128-GCM-SHA25\"");
    fails(TH_TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA2567", false, "SHA2567");
    fails(TH_TLS_1_2, "TLS_AES_128_GCM_SHA256", false, "TLS 1.2");
    fails(TH_TLS_1_2, "ECDHE-PSK-CHACHA20-POLY1305", false, "ECDHE-PSK-CHACHA20-POLY1305\" ");
    fails(TH_TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256", true, "with a pre-shared key");
    fails(TH_TLS_1_2, "PSK-CHACHA20-POLY1305", true, "what is: ECDHE-PSK-CHACHA20-POLY1305");
    fails(TH_TLS_1_2, "None", false, "None");
    fails(TH_TLS_1_2, "!", false, "\"!\"");
    fails(TH_TLS_1_2, "", false, "\"\"");
    fails(TH_TLS_1_2, ":", false, "\"\"");
    fails(TH_TLS_1_2, "!aNULL", false, "\"\"");
    fails(TH_TLS_1_3, "DEFAULT", false, "\"DEFAULT\"");
    fails(TH_TLS_1_3, "TLS_AES_128_CCM_SHA256", false, "CCM");
    fails(TH_TLS_1_3, "TLS_AES_256_GCM_SHA384", true, "with a pre-shared key");
    fails(TH_TLS_1_3, "TLS_AES_128_GCM_SHA256_AND_A_NAME_WITHOUT_END_AND_A_NAME_WITHOUT_END_AND_A_"
                      "NAME_WITHOUT_END", false, "AND_A_NAME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_ours_by_default),
        cmocka_unit_test(knows_the_names_of_openssl_and_iana),
        cmocka_unit_test(keeps_the_order_and_each_once),
        cmocka_unit_test(understands_what_scripts_say),
        cmocka_unit_test(names_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
