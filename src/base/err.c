#include "base/err.h"

#include "base/errno.h"
#include "base/format.h"

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

void th_fault_clear(struct th_fault *fault)
{
    enum th_phase phase = fault->phase;
    memset(fault, 0, sizeof *fault);
    fault->phase = phase;
}

static const struct {
    int code;
    const char *name;
} error_names[] = {
    {TH_OK, "ok"},
    {TH_WANT_READ, "want-read"},
    {TH_WANT_WRITE, "want-write"},
    {TH_E_TLS, "tls-error"},
    {TH_E_HANDSHAKE, "handshake-failed"},
    {TH_E_CERTIFICATE, "certificate-error"},
    {TH_E_SERVER_NAME, "invalid-server-name"},
    {TH_E_CIPHER_SUITE, "unsupported-cipher-suite"},
    {TH_E_CLOSED, "connection-closed"},
    {TH_E_PROTOCOL, "protocol-error"},
    {TH_E_TCP, "tcp-connection-failed"},
    {TH_E_NO_SOCKET, "no-such-socket"},
    {TH_E_SEND_FULL, "send-buffer-full"},
    {TH_E_RECEIVE, "receive-error"},
    {TH_E_LOOKUP, "name-lookup-failed"},
    {TH_E_TIMEOUT, "timeout"},
    {TH_E_REFUSED, "refused"},
    {TH_E_MEMORY, "out-of-memory"},
    {TH_E_ARGUMENT, "invalid-argument"},
    {TH_E_FILE, "file-error"},
    {TH_E_ENTROPY, "no-entropy"},
    {TH_E_TOO_LARGE, "too-large"},
    {TH_E_CLIENT_CERTIFICATE, "client-certificate-refused"},
    {TH_E_SYSTEM, "system-error"},
};

const char *th_error_name(int error)
{
    for (size_t i = 0; i < sizeof error_names / sizeof *error_names; i++)
        if (error_names[i].code == error)
            return error_names[i].name;
    return "unknown";
}

const char *th_phase_name(enum th_phase phase)
{
    static const char *const names[TH_PHASES] = {
        "resting", "finding", "dialing", "shaking", "greeting", "up", "closing",
    };
    return (unsigned)phase < TH_PHASES ? names[phase] : "unknown";
}
