/* thimble cert, key, csr: what they have in common. */
#ifndef TH_CLI_CERT_H
#define TH_CLI_CERT_H

#include "cli/settings.h"
#include <thimble/certificate.h>

/* A word after the command's name, and what does it. */
struct th_cli_verb {
    const char *name; /* NULL: no word at all */
    int (*run)(const struct th_cli_settings *settings);
    uint8_t least, most; /* words it takes */
};

/* Reads the command line and runs the verb. */
int th_cli_desk(int command, const struct th_cli_verb *verbs, size_t count, int argc,
                char *argv[]);

/* The block for th_certificates_read() and its like; not while a connection is open. */
void *th_cli_desk_block(size_t *bytes);

/* The memory connections will lie in, for files; likewise. */
void *th_cli_desk_room(size_t *bytes);

/* Reads the certificates of a file, or of standard input for "-". 0, or an exit status after having
 * said why. */
int th_cli_cert_read(const char *path, th_certificate_taker take, void *arg);

/* All facts of a certificate; those of a key. */
void th_cli_cert_facts(const struct th_certificate *certificate);
void th_cli_key_facts(const char *key, const char *curve, unsigned bits);

/* "sha256//BASE64" of its public key; "" if it cannot be computed. */
#define TH_CLI_PIN_TEXT_BYTES 56
const char *th_cli_pin_text(const uint8_t digest[TH_DIGEST_BYTES],
                            char text[TH_CLI_PIN_TEXT_BYTES]);

int th_cli_cert_check(const struct th_cli_settings *settings);
int th_cli_cert_bundle(const struct th_cli_settings *settings);

/* Verifies the chain in a file against the settings' roots, as cert verify. 0, or an exit status
 * after having said why. */
int th_cli_cert_verify(const struct th_cli_settings *settings, const char *path);

#endif
