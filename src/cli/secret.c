#include "cli/secret.h"

#include "base/err.h"
#include "cli/lane.h"
#include "cli/number.h"
#include "cli/payload.h"
#include <string.h>

struct lane {
    uint8_t bytes[TH_CLI_SECRET_BYTES + 1]; /* full: too long */
    size_t len_bytes;
    bool kept;
    uint8_t psk[TH_CLI_PSK_BYTES];
    size_t psk_bytes;
};
TH_LANE_ROOMY(struct lane, secret);

bool th_cli_secret_keep(char *text, size_t bytes)
{
    if (bytes > TH_CLI_SECRET_BYTES)
        return false;
    memcpy(secret->bytes, text, bytes);
    secret->len_bytes = bytes;
    secret->kept = true;
    explicit_bzero(text, bytes);
    return true;
}

/* A file written by an editor ends with a newline that is not meant. */
static size_t first_line_bytes(const uint8_t *text, size_t bytes)
{
    const uint8_t *newline = memchr(text, '\n', bytes);
    size_t end = newline ? (size_t)(newline - text) : bytes;
    return end > 0 && newline && text[end - 1] == '\r' ? end - 1 : end;
}

int th_cli_secret_read(const char *path, struct th_fault *fault)
{
    struct th_slice text;
    int rc = th_cli_payload_load(path, secret->bytes, sizeof secret->bytes, &text, fault);
    if (rc == TH_E_TOO_LARGE) {
        th_fault_clear(fault);
        rc = th_fault_set(fault, TH_E_FILE, "%s is not a password: longer than %d bytes", path,
                          TH_CLI_SECRET_BYTES);
    }
    if (rc < 0)
        return rc;
    secret->len_bytes = first_line_bytes(secret->bytes, text.len_bytes);
    secret->kept = true;
    if (secret->len_bytes == 0)
        return th_fault_set(fault, TH_E_FILE, "%s has no password in its first line", path);
    return 0;
}

struct th_slice th_cli_secret(void)
{
    return (struct th_slice){secret->kept ? secret->bytes : NULL, secret->len_bytes};
}

bool th_cli_secret_keep_psk(char *digits)
{
    size_t bytes = strlen(digits) / 2;
    if (bytes > sizeof secret->psk || digits[2 * bytes])
        return false;
    for (size_t i = 0; i < bytes; i++) {
        int byte = th_cli_number_hex(digits + 2 * i);
        if (byte < 0)
            return false;
        secret->psk[i] = (uint8_t)byte;
    }
    secret->psk_bytes = bytes;
    explicit_bzero(digits, 2 * bytes);
    return true;
}

struct th_slice th_cli_secret_psk(void)
{
    return (struct th_slice){secret->psk_bytes ? secret->psk : NULL, secret->psk_bytes};
}

void th_cli_secret_wipe(void)
{
    explicit_bzero(secret, sizeof *secret);
}
