/* All suites the profile has (TH_TLS_SUITES), in its order, and no lists of them. */
#include "absent/absent.h"
#include "tls/suites.h"

static const struct suite {
    uint16_t id;
    uint8_t version;
    const char *name;
} all[] = {TH_TLS_SUITES};

#define SUITES (sizeof all / sizeof *all)

const char *th_tls_suite_name(int suite)
{
    for (size_t i = 0; i < SUITES; i++)
        if (all[i].id == suite)
            return all[i].name;
    return "unknown";
}

static void add(struct th_tls_suites *suites, uint16_t id)
{
    suites->bytes[2 * suites->count] = (uint8_t)(id >> 8);
    suites->bytes[2 * suites->count + 1] = (uint8_t)id;
    suites->count++;
}

int th_tls_suites_add(struct th_tls_suites *suites, enum th_tls_version version, const char *list,
                      bool psk, struct th_fault *fault)
{
    if (list || psk)
        return th_absent(fault, "choice of suites");
    for (size_t i = 0; i < SUITES; i++)
        if (all[i].version == version)
            add(suites, all[i].id);
    return 0;
}

/* None has AES-256. */
void th_tls_suites_hold_back(struct th_tls_suites *suites)
{
    (void)suites;
}
