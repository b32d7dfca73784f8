#include "base/format.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <thimble/report.h>

/* Columns and a newline, and room to see in a test that a line became too long. */
#define LINE_BYTES 160

struct printer {
    int (*write)(void *arg, const char *text, size_t text_bytes);
    void *arg;
    int result;
};

__attribute__((format(printf, 2, 3))) static void say(struct printer *printer, const char *format,
                                                      ...)
{
    if (printer->result < 0)
        return;
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int length = th_format_list(line, sizeof line, format, args);
    va_end(args);
    size_t bytes = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    int written = printer->write(printer->arg, line, bytes);
    printer->result = written < 0 ? written : TH_OK;
}

/* A number as people read it: "1,234,567", or in milliseconds "1,234.5". */
struct figure {
    char text[32];
};

static char *put_groups(char *at, uint64_t number)
{
    for (int digits = 0; digits == 0 || number > 0; digits++, number /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + number % 10);
    }
    return at;
}

static struct figure plain(uint64_t number)
{
    struct figure out;
    char *end = out.text + sizeof out.text;
    char *at = put_groups(end, number);
    memmove(out.text, at, (size_t)(end - at));
    out.text[end - at] = '\0';
    return out;
}

static struct figure milliseconds(uint64_t duration_us)
{
    struct figure out = plain(duration_us / 1000);
    size_t used = strlen(out.text);
    th_format(out.text + used, sizeof out.text - used, ".%u", (unsigned)(duration_us / 100 % 10));
    return out;
}

static void say_number(struct printer *printer, const char *name, uint64_t bytes,
                       const char *meaning)
{
    say(printer, "  %-8s%12s B  %s\n", name, plain(bytes).text, meaning);
}

static void say_four_numbers(struct printer *printer, const struct th_report *report)
{
    say(printer, "Memory of this connection\n");
    say_number(printer, "static", report->static_bytes, "reserved for it and for its TLS context");
    say_number(printer, "pools", report->pool_bytes, "of that, most in use at once (TLS's own)");
    say_number(printer, "stack", report->stack_bytes, "deepest use");
    say_number(printer, "kernel", report->kernel_bytes, "socket buffers");
}

static void say_attempts(struct printer *printer, uint32_t attempts)
{
    say(printer, "Attempts    %s%s\n", plain(attempts).text,
        attempts > 1 ? "; TLS and times are those of the last one" : "");
}

static void say_tls(struct printer *printer, const struct th_report_tls *tls)
{
    if (!tls->version[0]) {
        say(printer, "TLS         none\n");
        return;
    }
    say(printer, "TLS         %s, %s handshake%s%s\n", tls->version,
        tls->resumed ? "resumed" : "full", tls->alpn[0] ? ", ALPN " : "", tls->alpn);
    say(printer, "            %s, %s\n", tls->cipher_suite, tls->group);
}

static void say_times(struct printer *printer, const struct th_report_times *times)
{
    say(printer, "Time        lookup %s ms, TCP %s ms, TLS %s ms\n",
        milliseconds(times->lookup_us).text, milliseconds(times->tcp_us).text,
        milliseconds(times->tls_us).text);
    say(printer, "            CONNACK %s ms, first PUBACK %s ms\n",
        milliseconds(times->connack_us).text, milliseconds(times->first_puback_us).text);
    say(printer, "            longest step besides handshake arithmetic %s ms\n",
        milliseconds(times->longest_step_us).text);
}

static void say_socket(struct printer *printer, const struct th_report_socket *socket)
{
    say(printer, "Socket      %s B read in %s calls\n", plain(socket->read_bytes).text,
        plain(socket->read_calls).text);
    say(printer, "            %s B written in %s calls\n", plain(socket->written_bytes).text,
        plain(socket->write_calls).text);
}

static void say_allocations(struct printer *printer, const struct th_report *report)
{
    say(printer, "Allocations %s granted, %s returned, %s refused\n", plain(report->taken).text,
        plain(report->returned).text, plain(report->refused).text);
}

static void say_refusal(struct printer *printer, const struct th_report_refusal *refusal)
{
    if (!refusal->pool || !refusal->purpose)
        return;
    say(printer, "Refused     %s B for \"%s\" from the %s pool while %s;\n",
        plain(refusal->needed_bytes).text, refusal->purpose, refusal->pool,
        th_phase_name(refusal->phase));
    say(printer, "            %s B of its budget of %s B were in use\n",
        plain(refusal->live_bytes).text, plain(refusal->budget_bytes).text);
}

static void say_identity(struct printer *printer, const struct th_report *report)
{
    say(printer, "Identity    %s B more while certificate and key were read, %s B kept\n",
        plain(report->identity_transient_bytes).text, plain(report->identity_resident_bytes).text);
}

static const char *pool_title(int id)
{
    return th_text_nth("TCP cell\0" "TLS record cell\0" "packet window\0" "outbox\0"
                       "TLS heap\0" "shared heap\0" "process heap", (unsigned)id);
}

static const char *pool_meaning(int id)
{
    return th_text_nth("read-ahead, writes\0" "record received\0" "packet received\0"
                       "packets to send\0" "TLS, all else\0" "roots, own chain\0" "malloc",
                       (unsigned)id);
}

static void say_pool(struct printer *printer, int id, const struct th_report_pool *pool)
{
    say(printer, "  %-15s %9s %9s %9s %9s  %s\n", pool_title(id), plain(pool->size_bytes).text,
        plain(pool->budget_bytes).text, plain(pool->peak_bytes).text,
        plain(pool->live_bytes).text, pool_meaning(id));
}

static void say_pools(struct printer *printer, const struct th_report *report)
{
    say(printer, "\nPool, bytes            size    budget      peak       now  holds\n");
    for (int id = 0; id < TH_REPORT_POOLS; id++)
        if (report->pools[id].size_bytes > 0)
            say_pool(printer, id, &report->pools[id]);
}

static void say_lease(struct printer *printer, int id, const struct th_report_lease *lease)
{
    static const char *const titles[TH_REPORT_LEASES] = {"handshake heap", "TLS record cell"};
    say(printer, "  %-15s %9s %9s %9s %9s  %s of %s, most %s\n", titles[id],
        plain(lease->size_bytes).text, plain(lease->peak_bytes).text, plain(lease->waits).text,
        plain(lease->waiting).text, plain(lease->held).text, plain(lease->count).text,
        plain(lease->held_peak).text);
}

static void say_leases(struct printer *printer, const struct th_report *report)
{
    if (!TH_LEASES)
        return;
    say(printer, "\nLeased, bytes          size      peak    waited    in line  in use\n");
    for (int id = 0; id < TH_REPORT_LEASES; id++)
        say_lease(printer, id, &report->leases[id]);
}

static bool was_entered(const struct th_report_phase *phase)
{
    return phase->duration_us > 0 || phase->taken > 0 || phase->peak_bytes > 0;
}

static void say_phase(struct printer *printer, int id, const struct th_report_phase *phase)
{
    say(printer, "  %-15s %9s %9s %9s %9s  %s ms\n", th_phase_name(id),
        plain(phase->peak_bytes).text, plain(phase->stack_peak_bytes).text,
        plain(phase->taken).text, plain(phase->refused).text,
        milliseconds(phase->duration_us).text);
}

static void say_phases(struct printer *printer, const struct th_report *report)
{
    say(printer, "\nPhase             TLS peak     stack   granted   refused  time\n");
    for (int id = 0; id < TH_PHASES; id++)
        if (was_entered(&report->phases[id]))
            say_phase(printer, id, &report->phases[id]);
}

static void say_purpose(struct printer *printer, const struct th_report_purpose *purpose)
{
    say(printer, "  %-15s %9s %9s %9s\n", purpose->name, plain(purpose->at_peak_bytes).text,
        plain(purpose->peak_bytes).text, plain(purpose->live_bytes).text);
}

static void say_purposes(struct printer *printer, const struct th_report *report)
{
    say(printer, "\nPurpose, bytes      at peak  own peak       now"
                 "  (at peak: adds up to \"pools\")\n");
    for (int i = 0; i < TH_REPORT_PURPOSES_MAX && report->purposes[i].name; i++)
        if (report->purposes[i].peak_bytes > 0)
            say_purpose(printer, &report->purposes[i]);
}

static void say_process(struct printer *printer, const struct th_report_process *process)
{
    say(printer, "\nWhole process\n");
    say_number(printer, "in use", process->live_bytes, "in all heaps and record cells, now");
    say_number(printer, "peak", process->peak_bytes, "the most of it at one moment");
    say_number(printer, "static", process->static_bytes, "writable part of the program");
    say_number(printer, "dirty", process->private_dirty_bytes, "pages that are its own");
    say_number(printer, "RSS", process->rss_bytes, "resident, code included");
}

static void say_sandbox(struct printer *printer, const struct th_report_sandbox *sandbox)
{
    char names[TH_REPORT_LOCK_NAMES_BYTES];
    const char *why_not = sandbox->why_not ? sandbox->why_not : "off";
    if (sandbox->mode == TH_REPORT_SANDBOX_NONE)
        return;
    say(printer, "Sandbox     %s%s\n",
        sandbox->holds ? th_report_lock_names(sandbox->holds, names) : why_not,
        sandbox->any_port ? "; any port, as SRV records say" : "");
    if (sandbox->lacks)
        say(printer, "            not to be had here: %s\n",
            th_report_lock_names(sandbox->lacks, names));
}

int th_report_print(const struct th_report *report,
                    int (*write)(void *arg, const char *text, size_t text_bytes), void *arg)
{
    struct printer printer = {write, arg, TH_OK};
    say_four_numbers(&printer, report);
    say(&printer, "\n");
    say_attempts(&printer, report->attempts);
    say_tls(&printer, &report->tls);
    say_times(&printer, &report->times);
    say_socket(&printer, &report->socket);
    say_identity(&printer, report);
    say_sandbox(&printer, &report->sandbox);
    say_allocations(&printer, report);
    say_refusal(&printer, &report->last_refusal);
    say_pools(&printer, report);
    say_leases(&printer, report);
    say_phases(&printer, report);
    say_purposes(&printer, report);
    say_process(&printer, &report->process);
    return printer.result;
}
