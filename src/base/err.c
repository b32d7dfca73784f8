#include "base/err.h"

#include "base/errno.h"
#include "base/format.h"
#include "base/words.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Bytes of the control character at `c`, 0 if there is none; U+0080 to U+009F are two in UTF-8. */
static size_t control_bytes(const unsigned char *c)
{
    if (c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0)
        return 2;
    return c[0] < 0x20 || c[0] == 0x7F;
}

/* Words of others stand in our sentences: none of them may drive a terminal or begin a line. */
static void tame(char *text)
{
    for (; *text; text++)
        memset(text, '?', control_bytes((const unsigned char *)text));
}

static void write_text(struct th_fault *fault, const char *format, va_list args)
{
    th_format_list(fault->text, sizeof fault->text, format, args);
    tame(fault->text);
}

static void append_errno(struct th_fault *fault)
{
    size_t used = strlen(fault->text);
    char text[TH_ERRNO_TEXT_BYTES];
    th_format(fault->text + used, sizeof fault->text - used, ": %s",
              th_errno_text(fault->sys_errno, text));
}

static bool already_failed(const struct th_fault *fault)
{
    return !fault || fault->code;
}

int th_fault_set(struct th_fault *fault, int code, const char *format, ...)
{
    if (already_failed(fault))
        return code;
    int saved = errno;
    va_list args;
    va_start(args, format);
    fault->code = code;
    write_text(fault, format, args);
    va_end(args);
    errno = saved;
    return code;
}

int th_fault_set_errno(struct th_fault *fault, int code, const char *format, ...)
{
    if (already_failed(fault))
        return code;
    int saved = errno;
    va_list args;
    va_start(args, format);
    fault->code = code;
    fault->sys_errno = saved;
    write_text(fault, format, args);
    va_end(args);
    append_errno(fault);
    errno = saved;
    return code;
}

int th_fault_because(struct th_fault *fault, int reason, int code)
{
    if (fault && fault->code == code && fault->reason == 0)
        fault->reason = reason;
    return code;
}

void th_fault_clear(struct th_fault *fault)
{
    enum th_phase phase = fault->phase;
    memset(fault, 0, sizeof *fault);
    fault->phase = phase;
}

#define ERROR_NAMES(WORD) \
    WORD(TH_OK, "ok") \
    WORD(TH_WANT_READ, "want-read") \
    WORD(TH_WANT_WRITE, "want-write") \
    WORD(TH_E_TLS, "tls-error") \
    WORD(TH_E_HANDSHAKE, "handshake-failed") \
    WORD(TH_E_CERTIFICATE, "certificate-error") \
    WORD(TH_E_SERVER_NAME, "invalid-server-name") \
    WORD(TH_E_CIPHER_SUITE, "unsupported-cipher-suite") \
    WORD(TH_E_CLOSED, "connection-closed") \
    WORD(TH_E_PROTOCOL, "protocol-error") \
    WORD(TH_E_TCP, "tcp-connection-failed") \
    WORD(TH_E_NO_SOCKET, "no-such-socket") \
    WORD(TH_E_SEND_FULL, "send-buffer-full") \
    WORD(TH_E_RECEIVE, "receive-error") \
    WORD(TH_E_LOOKUP, "name-lookup-failed") \
    WORD(TH_E_TIMEOUT, "timeout") \
    WORD(TH_E_REFUSED, "refused") \
    WORD(TH_E_MEMORY, "out-of-memory") \
    WORD(TH_E_ARGUMENT, "invalid-argument") \
    WORD(TH_E_FILE, "file-error") \
    WORD(TH_E_ENTROPY, "no-entropy") \
    WORD(TH_E_TOO_LARGE, "too-large") \
    WORD(TH_E_CLIENT_CERTIFICATE, "client-certificate-refused") \
    WORD(TH_E_SYSTEM, "system-error") \
    WORD(TH_E_PROXY, "proxy-failed") \
    WORD(TH_E_AUTHENTICATION, "authentication-failed") \
    WORD(TH_E_CLOCK, "clock-implausible")

TH_WORDS(error_names, ERROR_NAMES);

const char *th_error_name(int error)
{
    const char *name = th_words_find(&error_names, error);
    return name ? name : "unknown";
}

const char *th_phase_name(enum th_phase phase)
{
    static const char *const names[TH_PHASES] = {
        "resting", "finding", "dialing", "shaking", "greeting", "up", "closing",
    };
    return (unsigned)phase < TH_PHASES ? names[phase] : "unknown";
}

bool th_fault_is_of_peer(const struct th_fault *fault)
{
    int cause = fault->sys_errno;
    return !cause || cause == ECONNRESET || cause == EPIPE;
}
