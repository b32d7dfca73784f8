#include "cli/facts.h"

#include "base/date.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/out.h"
#include "json/flow.h"

#define COLUMN "%-18s"
#define HEX_BYTES 32 /* more of a serial number or an identifier is not shown */

static struct {
    struct th_json_flow flow;
    bool as_json;
    const char *list; /* for people: name of the list, until its first element is printed */
} own;

void th_cli_facts_begin(bool as_json)
{
    own.flow = (struct th_json_flow){.write = th_cli_out};
    own.as_json = as_json;
    th_cli_facts_open(NULL, '{');
}

void th_cli_facts_end(void)
{
    th_cli_facts_shut('}');
    th_cli_out_text(own.as_json ? "\n" : "");
}

void th_cli_facts_blank(void)
{
    th_cli_out_text(own.as_json ? "" : "\n");
}

static void begin(const char *name)
{
    if (!own.as_json)
        th_cli_out_format(COLUMN, name ? name : own.list);
    else if (name)
        th_json_flow_member(&own.flow, name);
    else
        th_json_flow_element(&own.flow);
    own.list = "";
}

void th_cli_facts_open(const char *name, char bracket)
{
    if (own.as_json && (name || own.flow.depth))
        begin(name);
    own.list = name;
    if (own.as_json)
        th_json_flow_open(&own.flow, bracket);
}

void th_cli_facts_shut(char bracket)
{
    if (own.as_json)
        th_json_flow_shut(&own.flow, bracket);
}

/* A text is quoted in JSON, a number is not. */
static void put(const char *name, const char *text, bool is_text)
{
    begin(name);
    if (own.as_json && is_text)
        th_json_flow_string(&own.flow, th_slice_text(text));
    else
        th_cli_out_text(text);
    th_cli_facts_blank();
}

void th_cli_fact(const char *name, const char *text)
{
    put(name, text, true);
}

void th_cli_fact_number(const char *name, int64_t number)
{
    char text[24];
    th_format(text, sizeof text, "%lld", (long long)number);
    put(name, text, false);
}

void th_cli_fact_flag(const char *name, bool flag)
{
    put(name, flag ? "true" : "false", false);
}

void th_cli_fact_hex(const char *name, struct th_slice bytes)
{
    char text[2 * HEX_BYTES + 1] = "";
    for (size_t i = 0; i < bytes.len_bytes && i < HEX_BYTES; i++)
        th_format(text + 2 * i, 3, "%02x", bytes.data[i]);
    put(name, text, true);
}

const char *th_cli_time_text(int64_t when_s, char text[TH_CLI_TIME_TEXT_BYTES])
{
    struct tm date;
    time_t when = (time_t)when_s;
    if (when == when_s && th_date_utc(&when, &date))
        th_format(text, TH_CLI_TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                  date.tm_year + 1900, date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min,
                  date.tm_sec);
    else
        th_format(text, TH_CLI_TIME_TEXT_BYTES, "%lld", (long long)when_s);
    return text;
}

void th_cli_fact_time(const char *name, int64_t when_s)
{
    char text[TH_CLI_TIME_TEXT_BYTES];
    put(name, th_cli_time_text(when_s, text), true);
}

void th_cli_facts_file(const char *path, const char *state)
{
    th_cli_facts_begin(true);
    th_cli_fact("file", path);
    if (state)
        th_cli_fact("state", state);
    th_cli_facts_end();
}
