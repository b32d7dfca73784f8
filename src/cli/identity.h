/* Identities of the store: --identity, and what `thimble identity` has in common with it. */
#ifndef TH_CLI_IDENTITY_H
#define TH_CLI_IDENTITY_H

#include "cli/problem.h"
#include "cli/settings.h"
#include "store/meta.h"
#include "store/store.h"

/* An identity that is open, and the generation of it that is looked at. */
struct th_cli_identity {
    struct th_store store;
    char generation;      /* 'a' or 'b' */
    int fd;               /* of the generation; -1: none */
    struct th_slice meta; /* cert_meta, until the next identity is opened */
};

#define TH_CLI_OTHER_GENERATION 1

/* Opens a generation of an identity ('a', 'b'; 0: the one that counts, or the other one) and checks
 * that it is whole; with TH_STORE_CREATE there may be none. On failure nothing stays open. */
int th_cli_identity_open(struct th_cli_identity *identity, const struct th_cli_settings *settings,
                         const char *name, char generation, enum th_store_mode mode,
                         struct th_fault *fault);
void th_cli_identity_close(struct th_cli_identity *identity);

/* The directory all identities lie in: --identity-dir, $THIMBLE_IDENTITY_DIR, or the default of
 * this user. NULL: too long. */
const char *th_cli_identity_dir(const struct th_cli_settings *settings);

/* Where the generations of --identity lie. The text stays until the next call. */
const char *th_cli_identity_home(const struct th_cli_settings *settings);

/* Its certificate is watched from now on: cli/expiry.h. */
void th_cli_identity_watch(const struct th_cli_identity *identity);

/* Where its files are, as sources. The texts stay until the next call. */
void th_cli_identity_sources(struct th_context_config *config,
                             const struct th_cli_settings *settings, const char *name,
                             const struct th_cli_identity *identity);

/* "HOST[:PORT]", an IPv6 address in brackets. False: it is not that. */
bool th_cli_identity_endpoint(const char *text, struct th_slice *host, uint16_t *port);

/* The context of a connection with --identity: its files, and what was given otherwise. */
void th_cli_identity_configure(struct th_context_config *config,
                               const struct th_cli_settings *settings,
                               const struct th_cli_identity *identity);

/* --identity: certificate, key, and what else was stored and not given otherwise. False: see
 * `problem`. */
bool th_cli_identity_take(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* Before its files are read and after: nobody changes it meanwhile. What has been imported since it
 * was taken counts. Errors: those of th_cli_identity_open(). */
int th_cli_identity_hold(const struct th_cli_settings *settings, struct th_fault *fault);
void th_cli_identity_done(void);

/* The generation that was taken, or held. */
const struct th_cli_identity *th_cli_identity_used(void);

#endif
