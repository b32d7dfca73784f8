#include "report/report.h"

#include "json/writer.h"

static void write_format(struct th_json *json)
{
    th_json_open(json, "format");
    th_json_text(json, "name", "thimble memory report");
    th_json_number(json, "version", 1);
    th_json_text(json, "thimble", TH_VERSION);
    th_json_close(json);
}

static void write_memory(struct th_json *json, const struct th_report *report)
{
    th_json_open(json, "memory");
    th_json_number(json, "static_bytes", report->static_bytes);
    th_json_number(json, "pool_peak_bytes", report->pool_bytes);
    th_json_number(json, "stack_peak_bytes", report->stack_bytes);
    th_json_number(json, "kernel_bytes", report->kernel_bytes);
    th_json_close(json);
}

static void write_pool(struct th_json *json, const char *name, const struct th_report_pool *pool)
{
    th_json_open(json, name);
    th_json_number(json, "size_bytes", pool->size_bytes);
    th_json_number(json, "budget_bytes", pool->budget_bytes);
    th_json_number(json, "peak_bytes", pool->peak_bytes);
    th_json_number(json, "live_bytes", pool->live_bytes);
    th_json_close(json);
}

static void write_pools(struct th_json *json, const struct th_report *report)
{
    th_json_enter(json, "pools");
    for (int id = 0; id < TH_REPORT_POOLS; id++)
        write_pool(json, th_report_pool_name(id), &report->pools[id]);
    th_json_leave(json);
}

static void write_phase(struct th_json *json, const char *name, const struct th_report_phase *phase)
{
    th_json_open(json, name);
    th_json_number(json, "duration_us", phase->duration_us);
    th_json_number(json, "peak_bytes", phase->peak_bytes);
    th_json_number(json, "stack_peak_bytes", phase->stack_peak_bytes);
    th_json_number(json, "taken_allocations", phase->taken);
    th_json_number(json, "refused_allocations", phase->refused);
    th_json_close(json);
}

static void write_phases(struct th_json *json, const struct th_report *report)
{
    th_json_enter(json, "phases");
    for (int phase = 0; phase < TH_PHASES; phase++)
        write_phase(json, th_phase_name(phase), &report->phases[phase]);
    th_json_leave(json);
}

static void write_purpose(struct th_json *json, const struct th_report_purpose *purpose)
{
    th_json_open(json, purpose->name);
    th_json_number(json, "live_bytes", purpose->live_bytes);
    th_json_number(json, "peak_bytes", purpose->peak_bytes);
    th_json_number(json, "at_peak_bytes", purpose->at_peak_bytes);
    th_json_close(json);
}

static void write_purposes(struct th_json *json, const struct th_report *report)
{
    th_json_enter(json, "purposes");
    for (int i = 0; i < TH_REPORT_PURPOSES_MAX && report->purposes[i].name; i++)
        write_purpose(json, &report->purposes[i]);
    th_json_leave(json);
}

static void write_allocations(struct th_json *json, const struct th_report *report)
{
    th_json_open(json, "allocations");
    th_json_number(json, "taken_allocations", report->taken);
    th_json_number(json, "returned_allocations", report->returned);
    th_json_number(json, "refused_allocations", report->refused);
    th_json_close(json);
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static void write_refusal(struct th_json *json, const struct th_report_refusal *refusal)
{
    th_json_open(json, "last_refusal");
    th_json_text(json, "pool", or_empty(refusal->pool));
    th_json_text(json, "purpose", or_empty(refusal->purpose));
    th_json_text(json, "phase", refusal->pool ? th_phase_name(refusal->phase) : "");
    th_json_number(json, "needed_bytes", refusal->needed_bytes);
    th_json_number(json, "live_bytes", refusal->live_bytes);
    th_json_number(json, "budget_bytes", refusal->budget_bytes);
    th_json_close(json);
}

static void write_identity(struct th_json *json, const struct th_report *report)
{
    th_json_open(json, "identity");
    th_json_number(json, "transient_bytes", report->identity_transient_bytes);
    th_json_number(json, "resident_bytes", report->identity_resident_bytes);
    th_json_close(json);
}

static void write_connection(struct th_json *json, const struct th_report *report)
{
    th_json_open(json, "connection");
    th_json_number(json, "attempts", report->attempts);
    th_json_text(json, "tls_version", report->tls.version);
    th_json_text(json, "cipher_suite", report->tls.cipher_suite);
    th_json_text(json, "group", report->tls.group);
    th_json_text(json, "alpn", report->tls.alpn);
    th_json_flag(json, "resumed", report->tls.resumed);
    th_json_close(json);
}

static void write_times(struct th_json *json, const struct th_report_times *times)
{
    th_json_open(json, "times");
    th_json_number(json, "lookup_us", times->lookup_us);
    th_json_number(json, "tcp_us", times->tcp_us);
    th_json_number(json, "tls_us", times->tls_us);
    th_json_number(json, "connack_us", times->connack_us);
    th_json_number(json, "first_puback_us", times->first_puback_us);
    th_json_number(json, "longest_step_us", times->longest_step_us);
    th_json_close(json);
}

static void write_socket(struct th_json *json, const struct th_report_socket *socket)
{
    th_json_open(json, "socket");
    th_json_number(json, "read_bytes", socket->read_bytes);
    th_json_number(json, "written_bytes", socket->written_bytes);
    th_json_number(json, "read_calls", socket->read_calls);
    th_json_number(json, "write_calls", socket->write_calls);
    th_json_number(json, "receive_buffer_bytes", socket->receive_buffer_bytes);
    th_json_number(json, "send_buffer_bytes", socket->send_buffer_bytes);
    th_json_close(json);
}

static void write_process(struct th_json *json, const struct th_report_process *process)
{
    th_json_open(json, "process");
    th_json_number(json, "live_bytes", process->live_bytes);
    th_json_number(json, "peak_bytes", process->peak_bytes);
    th_json_number(json, "static_bytes", process->static_bytes);
    th_json_number(json, "private_dirty_bytes", process->private_dirty_bytes);
    th_json_number(json, "rss_bytes", process->rss_bytes);
    th_json_close(json);
}

static void write_sandbox(struct th_json *json, const struct th_report_sandbox *sandbox)
{
    static const char modes[][8] = {"none", "off", "auto", "require"};
    th_json_open(json, "sandbox");
    th_json_text(json, "mode", modes[sandbox->mode]);
    for (int i = 0; i < TH_REPORT_LOCKS; i++)
        th_json_flag(json, th_report_lock_name(i), sandbox->holds >> i & 1);
    th_json_number(json, "landlock_abi", sandbox->landlock_abi);
    th_json_flag(json, "any_port", sandbox->any_port);
    th_json_flag(json, "complete", sandbox->holds && !sandbox->lacks);
    th_json_text(json, "why_not", or_empty(sandbox->why_not));
    th_json_close(json);
}

int th_report_json(const struct th_report *report,
                   int (*write)(void *arg, const char *text, size_t text_bytes), void *arg)
{
    struct th_json json;
    th_json_begin(&json, write, arg);
    write_format(&json);
    write_memory(&json, report);
    write_connection(&json, report);
    write_times(&json, &report->times);
    write_pools(&json, report);
    write_phases(&json, report);
    write_purposes(&json, report);
    write_allocations(&json, report);
    write_refusal(&json, &report->last_refusal);
    write_identity(&json, report);
    write_socket(&json, &report->socket);
    write_process(&json, &report->process);
    write_sandbox(&json, &report->sandbox);
    return th_json_end(&json);
}
