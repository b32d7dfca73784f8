#include "purpose.h"

static const char *const names[TH_PURPOSES] = {
    [TH_PURPOSE_OTHER] = "other",
    [TH_PURPOSE_SESSION] = "session",
    [TH_PURPOSE_CONTEXT] = "context",
    [TH_PURPOSE_CERTIFICATE] = "certificate",
    [TH_PURPOSE_KEY] = "key",
    [TH_PURPOSE_RECORD_IN] = "record-in",
    [TH_PURPOSE_RECORD_OUT] = "record-out",
    [TH_PURPOSE_HANDSHAKE] = "handshake",
    [TH_PURPOSE_EXTENSION] = "extension",
    [TH_PURPOSE_TICKET] = "ticket",
    [TH_PURPOSE_HASH] = "hash",
    [TH_PURPOSE_CIPHER] = "cipher",
    [TH_PURPOSE_BIGNUM] = "bignum",
    [TH_PURPOSE_ECC] = "ecc",
    [TH_PURPOSE_RANDOM] = "random",
    [TH_PURPOSE_FILE] = "file",
    [TH_PURPOSE_LIBC] = "libc",
};

const char *th_purpose_name(enum th_purpose purpose)
{
    return (unsigned)purpose < TH_PURPOSES ? names[purpose] : "unknown";
}
