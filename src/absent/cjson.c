/* JSON without a tree: each leaf is written through. */
#include "json/writer.h"

#include "base/format.h"

#include <inttypes.h>
#include <string.h>
#include <thimble.h>

static void put(struct th_json *json, const char *text)
{
    if (json->result >= 0)
        json->result = json->write(json->arg, text, strlen(text));
}

static void put_name(struct th_json *json, const char *name)
{
    put(json, json->first ? "\"" : ",\n\"");
    put(json, name);
    put(json, "\":");
    json->first = false;
}

static void descend(struct th_json *json)
{
    put(json, "{");
    json->first = true;
}

static void ascend(struct th_json *json)
{
    put(json, "}");
    json->first = false;
}

void th_json_begin(struct th_json *json,
                   int (*write)(void *arg, const char *text, size_t text_bytes), void *arg)
{
    *json = (struct th_json){.write = write, .arg = arg};
    descend(json);
}

int th_json_end(struct th_json *json)
{
    ascend(json);
    put(json, "\n");
    return json->result;
}

void th_json_enter(struct th_json *json, const char *name)
{
    put_name(json, name);
    descend(json);
}

void th_json_leave(struct th_json *json)
{
    ascend(json);
}

void th_json_open(struct th_json *json, const char *name)
{
    th_json_enter(json, name);
}

void th_json_number(struct th_json *json, const char *name, uint64_t number)
{
    char digits[24];
    th_format(digits, sizeof digits, "%" PRIu64, number);
    put_name(json, name);
    put(json, digits);
}

/* Names of pools, versions, suites: nothing that needs to be escaped but a fault's sentence. */
void th_json_text(struct th_json *json, const char *name, const char *text)
{
    char plain[TH_JSON_LEAF_BYTES];
    th_format(plain, sizeof plain, "%s", text);
    put_name(json, name);
    put(json, "\"");
    for (const char *at = plain; *at; at++)
        put(json, (char[]){*at == '"' || *at == '\\' || (unsigned char)*at < ' ' ? '\'' : *at, 0});
    put(json, "\"");
}

void th_json_flag(struct th_json *json, const char *name, bool flag)
{
    put_name(json, name);
    put(json, flag ? "true" : "false");
}

void th_json_close(struct th_json *json)
{
    th_json_leave(json);
}
