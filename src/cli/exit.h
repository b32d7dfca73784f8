/* Exit codes: one for each cause a script must tell apart. Stable; docs/exit-codes.md and the man
 * page say the same, and a test compares them. */
#ifndef TH_CLI_EXIT_H
#define TH_CLI_EXIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

enum th_cli_status {
    TH_CLI_OK = 0,
    TH_CLI_PROTOCOL = 2,
    TH_CLI_NOT_CONNECTED = 4,
    TH_CLI_LOST = 7,
    TH_CLI_TLS = 8,
    TH_CLI_SYSTEM = 14,
    TH_CLI_PROXY = 16,
    TH_CLI_LOOKUP = 20,
    TH_CLI_TOO_LARGE = 25,
    TH_CLI_TIMEOUT = 27,
    TH_CLI_REFUSED = 50,
    TH_CLI_NOT_AUTHORIZED = 51,
    TH_CLI_CREDENTIALS = 52,
    TH_CLI_CLIENT_ID = 53,
    TH_CLI_MQTT_VERSION = 54,
    TH_CLI_UNAVAILABLE = 55,
    TH_CLI_QUOTA = 56,
    TH_CLI_TAKEN_OVER = 57,
    TH_CLI_SUBSCRIPTION = 58,
    TH_CLI_USAGE = 64,
    TH_CLI_INVALID_CONTENT = 65, /* to 82: those of enum th_validity are the same numbers */
    TH_CLI_FILE = 66,
    TH_CLI_FILE_FORMAT = 67,
    TH_CLI_CERTIFICATE = 68,
    TH_CLI_CORRUPTED = 69,
    TH_CLI_EXPIRED = 70,
    TH_CLI_KEY_MISMATCH = 71,
    TH_CLI_UNKNOWN_CA = 72,
    TH_CLI_WRONG_HOST = 73,
    TH_CLI_REVOKED = 74,
    TH_CLI_PIN_MISMATCH = 75,
    TH_CLI_CLIENT_CERTIFICATE = 76,
    TH_CLI_NOTHING_SHARED = 77,
    TH_CLI_UNLOCKED = 78,
    TH_CLI_WRONG_USAGE = 79,
    TH_CLI_CLOCK = 80,
    TH_CLI_NOT_YET_VALID = 81,
    TH_CLI_BAD_PERMISSIONS = 82,
    TH_CLI_ENTROPY = 83,
    TH_CLI_MEMORY = 84,
    TH_CLI_INTERNAL = 88,
    TH_CLI_INTERRUPTED = 130,
    TH_CLI_OUTPUT_CLOSED = 141,
    TH_CLI_TERMINATED = 143,
};

struct th_cli_exit {
    const char *name;    /* "unknown-ca"; behind its NUL stands the meaning, then the remedy */
    uint8_t status;
};

const char *th_cli_exit_meaning(const struct th_cli_exit *exit); /* a sentence */
const char *th_cli_exit_remedy(const struct th_cli_exit *exit);  /* what to do; or "" */

extern const struct th_cli_exit th_cli_exits[];
extern const size_t th_cli_exits_count;

/* The entry of a status, or NULL. */
const struct th_cli_exit *th_cli_exit_find(int status);

/* Its name; of TH_CLI_OK "valid", for it is what certificates and identities are then. */
const char *th_cli_exit_state(int status);

/* The status for a failure; 0 for a fault with code 0. */
int th_cli_exit_of(const struct th_fault *fault);

/* The status for a reason code of CONNACK, PUBACK or DISCONNECT (1 to 5: CONNACK of 3.1.1). */
int th_cli_exit_of_reason(int reason);

/* From now on mosquitto's statuses are spoken, or ours. */
void th_cli_exit_as(bool mosquitto);

/* What the program ends with, given one of ours: under mosquitto's names a reason code of the
 * broker's is passed on, and what happens before the connection is up is 1. */
int th_cli_exit_spoken(int status);

#endif
