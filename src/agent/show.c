#include "agent/show.h"

#include "agent/state.h"
#include "base/format.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/facts.h"
#include "json/walk.h"

#include <string.h>

#define LINE_BYTES 320
#define PATH_BYTES 64

/* Where it stands in the answer, in "agent" unless a place is named; what Prometheus calls it;
 * and what it is. A unit ends the first, and there is a label of the third level, if there is one.
 * What Prometheus calls as the answer does has no other name, or only its end. */
#define FACT(path, metric, meaning) path "\0" metric "\0" meaning "\0"

static const char facts[] =
    FACT("state", "", "state")
    FACT("state_ms", "state_seconds", "for so many seconds")
    FACT("alarms", "alarm", "alarm")
    FACT("error", "", "last failure")
    FACT("text", "", "")
    FACT("error_ms", "last_failure_seconds", "seconds since then")
    FACT("next_attempt_ms", "next_attempt_seconds", "seconds until the next attempt")
    FACT("reconnects", "_total", "connections made again")
    FACT("tls_failures", "_total", "failed TLS handshakes")
    FACT("certificate_not_after_s", "certificate_expiry_timestamp_seconds",
         "end of our certificate")
    FACT("unhandled", "_total", "messages not handled")
    FACT("spool_messages", "", "messages in the queue")
    FACT("spool_disk_bytes", "", "its bytes on disk")
    FACT("spool_written_today_bytes", "", "bytes written today")
    FACT("spool_damages", "_total", "damage in it, found so often")
    FACT("spool_dropped", "_total", "messages dropped")
    FACT("memory.pool_peak_bytes", "tls_memory_peak_bytes", "most memory of TLS, bytes")
    FACT("memory.stack_peak_bytes", "stack_peak_bytes", "deepest stack, bytes")
    FACT("connection.attempts", "_total", "connections begun")
    FACT("times.tls_us", "tls_handshake_seconds", "last TLS handshake, seconds")
    FACT("allocations.refused_allocations", "_total", "refused allocations")
    FACT("socket.read_bytes", "received_bytes_total", "bytes received")
    FACT("socket.written_bytes", "sent_bytes_total", "bytes sent")
    FACT("process.private_dirty_bytes", "", "memory of its own, bytes")
    FACT("process.rss_bytes", "resident_memory_bytes", "resident memory, bytes");

struct fact {
    const char *path, *metric, *meaning;
};

struct shower {
    const struct th_agent_view *view;
    const struct th_json_leaf *leaf;
    struct fact fact;
    const char *only;       /* path of the only fact to be shown; NULL: all are */
    const char *begun;      /* path of the fact that was shown last */
    const char *connection; /* its name, or NULL */
    enum th_agent_verdict verdict;
    char metric[PATH_BYTES];
};

/* ---- which fact ------------------------------------------------------------------------------ */

static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

static struct fact fact_at(const char *path)
{
    return (struct fact){path, behind(path), behind(behind(path))};
}

static bool find(struct fact *fact, const struct th_json_leaf *leaf)
{
    char path[PATH_BYTES];
    if (leaf->depth < 2 || leaf->depth > 3 || !leaf->names[0] || !leaf->names[1] ||
        !leaf->names[leaf->depth - 1])
        return false;
    bool is_ours = !strcmp(leaf->names[0], "agent");
    th_format(path, sizeof path, is_ours ? "%.0s%s" : "%s.%s", leaf->names[0], leaf->names[1]);
    for (const char *at = facts; at < facts + sizeof facts - 1; at = behind(fact->meaning)) {
        *fact = fact_at(at);
        if (!strcmp(at, path))
            return true;
    }
    return false;
}

static bool ends_in(const char *text, const char *end)
{
    size_t bytes = strlen(text), wanted = strlen(end);
    return bytes >= wanted && !strcmp(text + bytes - wanted, end);
}

/* ---- small verbs ----------------------------------------------------------------------------- */

static void write_line(const struct shower *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_line(const struct shower *s, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    th_format_list(line, sizeof line, format, args);
    va_end(args);
    s->view->write(line, strlen(line));
}

static void make_harmless(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            *text = *text == '"' ? '\'' : '?';
}

static uint64_t number_of(const char *text)
{
    uint64_t number = *text == 't';
    while (th_is_digit(*text))
        number = number * 10 + (uint64_t)(*text++ - '0');
    return number;
}

static void write_number(char text[TH_CLI_TIME_TEXT_BYTES], const struct shower *s)
{
    unsigned long long number = number_of(s->leaf->text);
    if (ends_in(s->fact.path, "_ms"))
        th_format(text, TH_CLI_TIME_TEXT_BYTES, "%llu.%03u", number / 1000,
                  (unsigned)(number % 1000));
    else if (ends_in(s->fact.path, "_us"))
        th_format(text, TH_CLI_TIME_TEXT_BYTES, "%llu.%06u", number / 1000000,
                  (unsigned)(number % 1000000));
    else
        th_format(text, TH_CLI_TIME_TEXT_BYTES, "%llu", number);
}

/* ---- for Prometheus -------------------------------------------------------------------------- */

static void begin_metric(struct shower *s)
{
    bool is_other = *s->fact.metric >= 'a';
    if (s->begun == s->fact.path)
        return;
    s->begun = s->fact.path;
    th_format(s->metric, PATH_BYTES, "thimble_%s%s",
              is_other ? "" : s->leaf->names[1], s->fact.metric);
    write_line(s, "# HELP %s %s\n# TYPE %s %s\n", s->metric, s->fact.meaning, s->metric,
               ends_in(s->metric, "_total") ? "counter" : "gauge");
}

/* With a label besides the connection's, unless that is NULL. */
static void write_sample(const struct shower *s, const char *label, const char *value,
                         const char *number)
{
    char before = '{';
    write_line(s, "%s", s->metric);
    if (s->connection) {
        write_line(s, "{connection=\"%s\"", s->connection);
        before = ',';
    }
    if (label)
        write_line(s, "%c%s=\"%s\"", before, label, value);
    write_line(s, label || s->connection ? "} %s\n" : " %s\n", number);
}

static void write_states(struct shower *s)
{
    for (enum th_agent_state state = 0; state < TH_AGENT_STATES; state++) {
        const char *name = th_agent_state_name(state);
        write_sample(s, "state", name, strcmp(name, s->leaf->text) ? "0" : "1");
    }
}

static void write_metric(struct shower *s)
{
    char number[TH_CLI_TIME_TEXT_BYTES];
    bool is_state = s->fact.path == facts;
    if (s->leaf->is_text && !is_state)
        return;
    begin_metric(s);
    write_number(number, s);
    if (is_state)
        write_states(s);
    else
        write_sample(s, s->leaf->depth == 3 ? "name" : NULL, s->leaf->names[2], number);
}

/* ---- for people ------------------------------------------------------------------------------ */

static const char *colour_of(const struct shower *s)
{
    static const char colours[][6] = {"\033[32m", "\033[33m", "\033[31m", ""};
    bool is_state = s->begun == facts && s->fact.path == facts;
    return s->view->coloured && is_state ? colours[s->verdict] : "";
}

static void write_fact(struct shower *s)
{
    char text[TH_CLI_TIME_TEXT_BYTES];
    const char *shown = s->leaf->is_text ? s->leaf->text : text;
    bool is_new = s->begun != s->fact.path;
    if (!s->leaf->is_text && !number_of(s->leaf->text))
        return;
    s->begun = s->fact.path;
    const char *colour = colour_of(s);
    if (ends_in(s->fact.path, "_s"))
        th_cli_time_text((int64_t)number_of(s->leaf->text), text);
    else
        write_number(text, s);
    write_line(s, "%-32s", is_new ? s->fact.meaning : "");
    if (s->leaf->depth == 3)
        write_line(s, "%s%s", s->leaf->names[2], *s->leaf->text == 't' ? "" : ": ");
    if (*s->leaf->text != 't' || s->leaf->is_text)
        write_line(s, "%s%s%s", colour, shown, *colour ? "\033[0m" : "");
    s->view->write("\n", 1);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static enum th_agent_verdict verdict_on(const char *state)
{
    if (!strcmp(state, th_agent_state_name(TH_AGENT_ERROR)))
        return TH_AGENT_FAILED;
    return strcmp(state, th_agent_state_name(TH_AGENT_CONNECTED)) ? TH_AGENT_TRYING : TH_AGENT_FINE;
}

/* It comes first. */
static bool take_name(struct shower *s, const struct th_json_leaf *leaf)
{
    if (leaf->depth != 1 || !leaf->names[0] || strcmp(leaf->names[0], "name"))
        return false;
    make_harmless(leaf->text);
    s->connection = leaf->text;
    if (!s->view->for_prometheus)
        write_line(s, "%s%-32s%s\n", s->begun ? "\n" : "", "connection", leaf->text);
    return true;
}

static bool take(void *arg, const struct th_json_leaf *leaf)
{
    struct shower *s = arg;
    s->leaf = leaf;
    if (take_name(s, leaf) || !find(&s->fact, leaf))
        return true;
    make_harmless(leaf->text);
    if (leaf->depth == 3)
        make_harmless((char *)leaf->names[2]);
    if (s->fact.path == facts)
        s->verdict = verdict_on(leaf->text);
    if (s->only && s->only != s->fact.path)
        return true;
    if (s->view->for_prometheus)
        write_metric(s);
    else
        write_fact(s);
    return true;
}

static enum th_agent_verdict show_one(struct shower *s, struct th_agent_answer answer)
{
    struct th_json_walk walk = {.take = take, .arg = s};
    s->verdict = TH_AGENT_UNKNOWN;
    s->connection = NULL;
    return th_json_walk(&walk, answer.text, answer.bytes) ? s->verdict : TH_AGENT_UNKNOWN;
}

static enum th_agent_verdict show_each(struct shower *s, const struct th_agent_answer *answers,
                                       size_t count)
{
    enum th_agent_verdict worst = TH_AGENT_FINE;
    for (size_t i = 0; i < count; i++) {
        enum th_agent_verdict verdict = show_one(s, answers[i]);
        worst = verdict > worst ? verdict : worst;
    }
    return worst;
}

/* All samples of a metric stand together: each fact of all, in copies, which are written over. In
 * the end there is no fact left to be shown. */
static void show_by_fact(struct shower *s, const struct th_agent_answer *answers, size_t count)
{
    for (s->only = facts; *s->only; s->only = behind(fact_at(s->only).meaning))
        for (size_t i = 0; i < count; i++) {
            memcpy(s->view->room, answers[i].text, answers[i].bytes);
            show_one(s, (struct th_agent_answer){s->view->room, answers[i].bytes});
        }
}

enum th_agent_verdict th_agent_show(const struct th_agent_answer *answers, size_t count,
                                    const struct th_agent_view *view)
{
    struct shower shower = {.view = view};
    if (view->for_prometheus && count > 1)
        show_by_fact(&shower, answers, count);
    return show_each(&shower, answers, count);
}
