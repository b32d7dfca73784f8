#include "cli/roots.h"

#include "base/slice.h"
#include "gen/roots.h"
#include <stdlib.h>
#include <unistd.h>

#define PATHS_MAX 4

/* Debian and most others, Fedora, openSUSE, Alpine and the BSDs, Android. */
static const char *const usual[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/system/etc/security/cacerts",
};

static const char *usual_place(void)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (access(usual[i], R_OK) == 0)
            return usual[i];
    return NULL;
}

static const char **add(const char **at, const char *path)
{
    *at = path;
    return at + (path && *path);
}

/* As OpenSSL's programs find them. */
static const char **add_of_system(const char **at)
{
    const char **begin = at;
    at = add(add(at, getenv("SSL_CERT_FILE")), getenv("SSL_CERT_DIR"));
    return at > begin ? at : add(at, usual_place());
}

const char *const *th_cli_root_paths(const struct th_cli_settings *s)
{
    static const char *paths[PATHS_MAX];
    const char **at = add(paths, s->capath);
    if (s->os_certs)
        at = add_of_system(at);
    *at = NULL;
    return *paths ? paths : NULL;
}

struct th_source th_cli_roots(const struct th_cli_settings *s)
{
    static const uint8_t embedded[] = {TH_ROOTS_PEM};
    bool named = s->cafile || th_cli_root_paths(s) || s->insecure_no_verify || s->psk_identity;
    if (TH_ROOTS_COUNT == 0 || named)
        return (struct th_source){.path = s->cafile};
    return (struct th_source){"(built in)", th_slice_of(embedded, sizeof embedded)};
}

bool th_cli_trusts(const struct th_cli_settings *s)
{
    return s->cafile || th_cli_root_paths(s) || TH_ROOTS_COUNT > 0;
}
