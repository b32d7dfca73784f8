#include "json/writer.h"

#include "base/format.h"

#include <cJSON.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <thimble.h>

#define INDENT "                " /* two for each of the eight levels */

static void keep(struct th_json *json, int result)
{
    if (json->result >= 0 && result < 0)
        json->result = result;
}

static void put(struct th_json *json, const char *text, size_t text_bytes)
{
    if (json->result >= 0)
        keep(json, json->write(json->arg, text, text_bytes));
}

static void put_text(struct th_json *json, const char *text)
{
    put(json, text, strlen(text));
}

static void put_new_line(struct th_json *json)
{
    put_text(json, "\n");
    put(json, INDENT, 2 * (size_t)json->depth);
}

static void put_name(struct th_json *json, const char *name)
{
    if (!json->first)
        put_text(json, ",");
    json->first = false;
    put_new_line(json);
    put_text(json, "\"");
    put_text(json, name);
    put_text(json, "\": ");
}

static void descend(struct th_json *json)
{
    put_text(json, "{");
    json->depth++;
    json->first = true;
    if (2 * (size_t)json->depth >= sizeof INDENT)
        keep(json, TH_E_TOO_LARGE);
}

static void ascend(struct th_json *json)
{
    json->depth--;
    put_new_line(json);
    put_text(json, "}");
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
    put_text(json, "\n");
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
    put_name(json, name);
    json->leaf = cJSON_CreateObject();
    if (!json->leaf)
        keep(json, TH_E_MEMORY);
}

/* Takes `value`, whether it worked or not. */
static void add(struct th_json *json, const char *name, cJSON *value)
{
    if (value && json->leaf && cJSON_AddItemToObjectCS(json->leaf, name, value))
        return;
    cJSON_Delete(value);
    keep(json, TH_E_MEMORY);
}

/* Beyond int, cJSON would print through floating point: slow, and 9 KB of stack in musl. */
static cJSON *large_number(uint64_t number)
{
    char digits[24];
    th_format(digits, sizeof digits, "%" PRIu64, number);
    return cJSON_CreateRaw(digits);
}

void th_json_number(struct th_json *json, const char *name, uint64_t number)
{
    add(json, name, number <= INT_MAX ? cJSON_CreateNumber((double)number) : large_number(number));
}

void th_json_text(struct th_json *json, const char *name, const char *text)
{
    char plain[TH_JSON_LEAF_BYTES];
    th_format(plain, sizeof plain, "%s", text);
    add(json, name, cJSON_CreateString(plain));
}

void th_json_flag(struct th_json *json, const char *name, bool flag)
{
    add(json, name, cJSON_CreateBool(flag));
}

void th_json_close(struct th_json *json)
{
    char text[TH_JSON_LEAF_BYTES];
    if (json->result >= 0 && !cJSON_PrintPreallocated(json->leaf, text, sizeof text, false))
        keep(json, TH_E_TOO_LARGE);
    if (json->result >= 0)
        put_text(json, text);
    cJSON_Delete(json->leaf);
    json->leaf = NULL;
}
