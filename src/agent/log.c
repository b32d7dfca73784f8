#include "agent/log.h"

#include "base/roomy.h"
#include "base/slice.h"
#include "cli/json.h"
#include "cli/lane.h"
#include "cli/say.h"
#include "cli/sheet.h"

struct lane {
    int64_t format;
};
TH_LANE(struct lane, own);

static TH_ROOMY struct {
    struct th_json_flow flow;
    char text[1536]; /* a line of say.c, each letter escaped, and what stands around it */
} outlet;

static void put_slice(const char *name, struct th_slice text)
{
    if (own->format == TH_CLI_LOG_JSON) {
        th_cli_json_text(&outlet.flow, name, text);
        return;
    }
    th_cli_sheet_put(" ", 1);
    th_json_flow_raw(&outlet.flow, name);
    th_cli_sheet_put("=", 1);
    th_json_flow_string(&outlet.flow, text);
}

static void begin(enum th_log_level level, const char *event)
{
    static const char levels[][8] = {"error", "warning", "notice", "debug"};
    th_cli_sheet_open(outlet.text, sizeof outlet.text);
    outlet.flow = (struct th_json_flow){.write = th_cli_sheet_put};
    if (own->format == TH_CLI_LOG_JSON) {
        th_json_flow_open(&outlet.flow, '{');
        th_cli_json_time(&outlet.flow);
    } else {
        th_json_flow_raw(&outlet.flow, "t=");
        th_cli_json_now(&outlet.flow);
    }
    put_slice("event", th_slice_text(event));
    put_slice("level", th_slice_text(levels[level]));
    if (th_cli_voice_connection())
        put_slice("connection", th_slice_text(th_cli_voice_connection()));
}

bool th_agent_log_begin(enum th_log_level level, const char *event)
{
    bool has_events = own->format == TH_CLI_LOG_JSON || own->format == TH_CLI_LOG_LOGFMT;
    if (has_events)
        begin(level, event);
    return has_events;
}

void th_agent_log_text(const char *name, const char *text)
{
    put_slice(name, th_slice_text(text));
}

static void end_line(void)
{
    th_cli_sheet_put("\n", 1);
    th_cli_say_as_is(outlet.text, th_cli_sheet_bytes());
}

void th_agent_log_end(void)
{
    if (own->format == TH_CLI_LOG_JSON)
        th_json_flow_shut(&outlet.flow, '}');
    end_line();
}

static void dress_for_systemd(enum th_log_level level, struct th_slice line)
{
    static const char priorities[][4] = {"<3>", "<4>", "<5>", "<7>"};
    th_cli_sheet_open(outlet.text, sizeof outlet.text);
    th_cli_sheet_put(priorities[level], 3);
    th_cli_sheet_put(line.data, line.len_bytes);
    end_line();
}

/* Who speaks is needless where each line says what it is. */
static void dress(enum th_log_level level, struct th_slice line, size_t called_bytes)
{
    if (own->format == TH_CLI_LOG_SYSLOG) {
        dress_for_systemd(level, line);
        return;
    }
    begin(level, "log");
    put_slice("text", th_slice_of(line.data + called_bytes, line.len_bytes - called_bytes));
    th_agent_log_end();
}

static void choose(const struct th_cli_settings *settings)
{
    own->format = settings->quiet ? TH_CLI_LOG_TEXT : settings->log_format;
    th_cli_voice_dress(own->format > TH_CLI_LOG_TEXT ? dress : NULL);
}

static int open_log(const struct th_cli_settings *settings)
{
    choose(settings);
    return 0;
}

const struct th_agent_part th_agent_log = {.open = open_log, .renew = choose};
