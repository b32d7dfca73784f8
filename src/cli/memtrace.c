#include "cli/memtrace.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/errno.h"
#include "base/format.h"
#include "base/roomy.h"
#include "cli/say.h"
#include "mem/ledger.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 96

static TH_ROOMY struct {
    const char *path; /* NULL: it is open */
    int fd;
    uint64_t start_us;
    size_t used;
    char text[1024];
} tracing;

static void stop(void)
{
    th_ledger_watch = NULL;
    close(tracing.fd);
}

int th_cli_memtrace_open(struct th_fault *fault)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    if (!tracing.path)
        return 0;
    tracing.fd = open(tracing.path, flags, 0644);
    if (tracing.fd < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "cannot write %s", tracing.path);
    tracing.path = NULL;
    return 0;
}

void th_cli_memtrace_flush(void)
{
    char text[TH_ERRNO_TEXT_BYTES];
    if (!th_ledger_watch || !tracing.used)
        return;
    errno = ENOSPC; /* of what is written in part */
    if (th_cli_memtrace_open(NULL) == 0 &&
        write(tracing.fd, tracing.text, tracing.used) != (ssize_t)tracing.used) {
        stop();
        th_cli_warn("the memory trace ends here: %s", th_errno_text(errno, text));
    }
    tracing.used = 0;
}

static void put_line(const char *heap, const char *phase, const char *purpose, int32_t bytes)
{
    char *line = tracing.text + tracing.used;
    tracing.used += (size_t)th_format(line, LINE_BYTES, "%llu\t%s\t%s\t%s\t%d\t%zu\n",
                                      (unsigned long long)(th_clock_us() - tracing.start_us), heap,
                                      phase, purpose, (int)bytes, th_ledger_process_live_bytes());
    if (tracing.used > sizeof tracing.text - LINE_BYTES)
        th_cli_memtrace_flush();
}

static void note(const struct th_ledger *ledger, enum th_purpose purpose, int32_t bytes)
{
    put_line(ledger->name, th_phase_name(ledger->phase),
             purpose < TH_PURPOSES ? th_purpose_name(purpose) : "phase", bytes);
}

void th_cli_memtrace_begin(const char *path)
{
    static const char head[] = "us\theap\tphase\tpurpose\tbytes\tlive\n";
    tracing.path = path;
    tracing.start_us = th_clock_us();
    tracing.used = sizeof head - 1;
    memcpy(tracing.text, head, tracing.used);
    th_ledger_watch = note;
}

void th_cli_memtrace_close(void)
{
    if (tracing.path)
        th_ledger_watch = NULL; /* it was not made */
    th_cli_memtrace_flush();
    if (th_ledger_watch)
        stop();
}
