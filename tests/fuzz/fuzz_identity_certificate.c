/* The rules for a server's certificates: any bytes in the place of the DER. */
#include "base/slice.h"
#include "tls/policy.h"

#include <stdlib.h>
#include <string.h>

static void check(const uint8_t *data, size_t bytes, const char *name)
{
    struct th_host host;
    if (th_host_parse(&host, name, NULL) != 0)
        abort();
    struct th_slice certificate = th_slice_of(data, bytes);
    enum th_policy verdict = th_policy_check_name(certificate, &host);
    if (verdict != TH_POLICY_OK && verdict != TH_POLICY_MALFORMED &&
        verdict != TH_POLICY_NO_NAME && verdict != TH_POLICY_WRONG_NAME)
        abort();
}

static void parse_as_host(const uint8_t *data, size_t bytes)
{
    struct th_host host;
    char text[300] = {0};
    memcpy(text, data, bytes < sizeof text - 1 ? bytes : sizeof text - 1);
    if (th_host_parse(&host, text, NULL) == 0 && host.name[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_slice certificate = th_slice_of(data, size);
    th_policy_check(certificate, TH_ROLE_SERVER);
    th_policy_check(certificate, TH_ROLE_AUTHORITY);
    if (th_policy_common_name(certificate).len_bytes > size)
        abort();
    struct th_policy_path path = {.count = 0};
    for (int i = 0; i <= TH_POLICY_PATH_MAX; i++)
        th_policy_follow(&path, certificate);
    th_policy_check_issuer(certificate);
    th_policy_is_constrained(certificate);
    th_policy_constrain(&path, certificate);
    check(data, size, "broker.test");
    check(data, size, "127.0.0.1");
    check(data, size, "::1");
    parse_as_host(data, size);
    return 0;
}
