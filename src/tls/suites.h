/* The cipher suites there are, and lists of them as people write them. */
#ifndef TH_TLS_SUITES_H
#define TH_TLS_SUITES_H

#include <thimble.h>

#define TH_TLS_SUITES_MAX 10 /* all of them */

/* In the order of preference, two bytes each, as a ClientHello has them. */
struct th_tls_suites {
    uint8_t bytes[2 * TH_TLS_SUITES_MAX];
    uint8_t count;
};

/* Appends the suites `list` names: those of TLS 1.3, or those of TLS 1.2; with `psk` only those
 * that use a pre-shared key, without it only the others. NULL stands for all of ours.
 *
 * Names are OpenSSL's or IANA's, with colons between. Of OpenSSL's other words, for TLS 1.2,
 * DEFAULT, HIGH and ALL stand for all of ours, and what excludes a thing we never offer ("!aNULL")
 * is true already. Returns 0, or TH_E_ARGUMENT with a sentence that quotes what is not understood.
 */
int th_tls_suites_add(struct th_tls_suites *suites, enum th_tls_version version, const char *list,
                      bool psk, struct th_fault *fault);

/* Takes out those with AES-256. */
void th_tls_suites_hold_back(struct th_tls_suites *suites);

/* "TLS_AES_128_GCM_SHA256" for 0x1301 (IANA); "unknown" for what is not in the list. */
const char *th_tls_suite_name(int suite);

#endif
