#include "agent/log.h"

#include "base/calendar.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/json.h"
#include "cli/say.h"

#include <string.h>

#define CALLED "thimble" " agent: " /* needless where each line says what it is */

static TH_ROOMY struct {
    int64_t format;
    size_t used;
    struct th_json_flow flow;
    char text[1536]; /* a line of say.c, each letter escaped, and what stands around it */
} outlet;

static void put(const void *data, size_t bytes)
{
    size_t room = sizeof outlet.text - outlet.used;
    bytes = bytes < room ? bytes : room;
    memcpy(outlet.text + outlet.used, data, bytes);
    outlet.used += bytes;
}

static void put_slice(const char *name, struct th_slice text)
{
    if (outlet.format == TH_CLI_LOG_JSON) {
        th_cli_json_text(&outlet.flow, name, text);
        return;
    }
    put(" ", 1);
    th_json_flow_raw(&outlet.flow, name);
    put("=", 1);
    th_json_flow_string(&outlet.flow, text);
}

static void put_time(void)
{
    struct timespec now = th_calendar_now();
    char text[40];
    th_format(text, sizeof text, "t=%lld.%06ld", (long long)now.tv_sec, now.tv_nsec / 1000);
    th_json_flow_raw(&outlet.flow, text);
}

static void begin(enum th_log_level level, const char *event)
{
    static const char levels[][8] = {"error", "warning", "notice", "debug"};
    outlet.used = 0;
    outlet.flow = (struct th_json_flow){.write = put};
    if (outlet.format == TH_CLI_LOG_JSON) {
        th_json_flow_open(&outlet.flow, '{');
        th_cli_json_time(&outlet.flow);
    } else {
        put_time();
    }
    put_slice("event", th_slice_text(event));
    put_slice("level", th_slice_text(levels[level]));
}

bool th_agent_log_begin(enum th_log_level level, const char *event)
{
    bool has_events = outlet.format == TH_CLI_LOG_JSON || outlet.format == TH_CLI_LOG_LOGFMT;
    if (has_events)
        begin(level, event);
    return has_events;
}

void th_agent_log_text(const char *name, const char *text)
{
    put_slice(name, th_slice_text(text));
}

void th_agent_log_end(void)
{
    if (outlet.format == TH_CLI_LOG_JSON)
        th_json_flow_shut(&outlet.flow, '}');
    put("\n", 1);
    th_cli_say_as_is(outlet.text, outlet.used);
}

static void dress_for_systemd(enum th_log_level level, struct th_slice line)
{
    static const char priorities[] = "3457";
    outlet.used = 0;
    put("<", 1);
    put(&priorities[level], 1);
    put(">", 1);
    put(line.data, line.len_bytes);
    put("\n", 1);
    th_cli_say_as_is(outlet.text, outlet.used);
}

static void dress(enum th_log_level level, struct th_slice line)
{
    size_t called = sizeof CALLED - 1;
    if (outlet.format == TH_CLI_LOG_SYSLOG) {
        dress_for_systemd(level, line);
        return;
    }
    if (line.len_bytes > called && !memcmp(line.data, CALLED, called))
        line = th_slice_of(line.data + called, line.len_bytes - called);
    begin(level, "log");
    put_slice("text", line);
    th_agent_log_end();
}

static void choose(const struct th_cli_settings *settings)
{
    outlet.format = settings->quiet ? TH_CLI_LOG_TEXT : settings->log_format;
    th_cli_voice_dress(outlet.format > TH_CLI_LOG_TEXT ? dress : NULL);
}

static int open_log(const struct th_cli_settings *settings)
{
    choose(settings);
    return 0;
}

const struct th_agent_part th_agent_log = {.open = open_log, .renew = choose};
