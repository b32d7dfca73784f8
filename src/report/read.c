#include "report/fields.h"
#include "report/report.h"

#include "base/text.h"

#include <string.h>

/* Where a value stands: in the report, in a group, in an element of a list. */
enum { OUTSIDE, TOP, GROUP, ELEMENT };

struct reader {
    struct th_report *report;
    char *at;
    int depth;
    struct th_field_at group;
    bool is_known; /* the place we are in; its members lie in the report from `base` on */
    size_t base;
};

static bool take(struct reader *r, char wanted)
{
    r->at += strspn(r->at, " \t\r\n");
    bool there = *r->at == wanted;
    r->at += there;
    return there;
}

static void make_harmless(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

/* Behind its first quote; it is ended in its place. Escapes stay as they are. */
static char *take_text(struct reader *r)
{
    char *text = r->at, *end = text;
    while (*end && *end != '"')
        end += *end == '\\' && end[1] ? 2 : 1;
    if (!*end)
        return NULL;
    *end = '\0';
    r->at = end + 1;
    make_harmless(text);
    return text;
}

static uint64_t take_number(struct reader *r)
{
    uint64_t number = 0;
    while (th_is_digit(*r->at))
        number = number * 10 + (uint64_t)(*r->at++ - '0');
    return number;
}

/* ---- members -------------------------------------------------------------------------------- */

static const struct th_field *member_named(const struct reader *r, const char *name)
{
    static const struct th_field unknown = {.kind = TH_FIELD_LEAF};
    struct th_field_at at = r->group;
    while (r->is_known && (at = th_field_next(at), th_field_is_member(at)))
        if (!strcmp(at.name, name))
            return at.field;
    return &unknown;
}

static enum th_phase phase_named(const char *name)
{
    int phase = TH_PHASES - 1;
    while (phase > 0 && strcmp(th_phase_name(phase), name))
        phase--;
    return phase;
}

static uint8_t mode_named(const char *name)
{
    int mode = TH_REPORT_SANDBOX_REQUIRE;
    while (mode > 0 && strcmp(th_field_mode_name(mode), name))
        mode--;
    return (uint8_t)mode;
}

static void store_text(const struct th_field *field, void *place, const char *text)
{
    if (field->kind == TH_FIELD_TEXT)
        strncpy(place, text, field->bytes - 1u);
    if (field->kind == TH_FIELD_NAME)
        *(const char **)place = *text ? text : NULL;
    if (field->kind == TH_FIELD_PHASE)
        *(enum th_phase *)place = phase_named(text);
    if (field->kind == TH_FIELD_MODE)
        *(uint8_t *)place = mode_named(text);
}

static void store_number(const struct th_field *field, void *place, uint64_t number)
{
    if (field->kind == TH_FIELD_NUMBER)
        *(uint32_t *)place = (uint32_t)number;
    if (field->kind == TH_FIELD_LONG)
        *(uint64_t *)place = number;
    if (field->kind == TH_FIELD_FLAG)
        *(bool *)place = number;
    if (field->kind == TH_FIELD_BIT)
        *(uint8_t *)place |= (uint8_t)((number & 1) << field->bytes);
    if (field->kind == TH_FIELD_BYTE)
        *(uint8_t *)place = (uint8_t)number;
}

/* true and false are numbers, too: one begins with a t. */
static bool take_value(struct reader *r, const char *name)
{
    const struct th_field *field = member_named(r, name);
    void *place = (uint8_t *)r->report + r->base + field->offset;
    if (take(r, '"')) {
        const char *text = take_text(r);
        if (text)
            store_text(field, place, text);
        return text != NULL;
    }
    const char *before = r->at;
    uint64_t number = *r->at == 't' ? 1 : take_number(r);
    r->at += strspn(r->at, "aeflrstu");
    store_number(field, place, number);
    return r->at > before;
}

/* ---- groups --------------------------------------------------------------------------------- */

static void enter_group(struct reader *r, const char *name)
{
    struct th_field_at at = th_field_first();
    while (at.field && (th_field_is_member(at) || strcmp(at.name, name)))
        at = th_field_next(at);
    r->group = at;
    r->is_known = at.field && at.field->kind == TH_FIELD_LEAF;
    r->base = 0;
}

/* A purpose that is not known yet is the next one. */
static unsigned number_of(const struct reader *r, unsigned list, const char *name)
{
    unsigned i = 0;
    const char *known;
    while ((known = th_field_element_name(r->report, list, i)) && strcmp(known, name))
        i++;
    return i;
}

static void enter_element(struct reader *r, const char *name)
{
    bool is_list = r->group.field && r->group.field->kind == TH_FIELD_LIST;
    unsigned list = is_list ? r->group.field->offset : 0;
    unsigned i = number_of(r, list, name);
    r->base = th_field_element(list, i);
    r->is_known = is_list && r->base;
    if (r->is_known && list == TH_FIELD_PURPOSES)
        r->report->purposes[i].name = name;
}

static bool enter(struct reader *r, const char *name)
{
    if (++r->depth == GROUP)
        enter_group(r, name);
    else
        enter_element(r, name);
    return r->depth <= ELEMENT;
}

/* A name and what it stands for. */
static bool take_pair(struct reader *r)
{
    const char *name = take(r, '"') ? take_text(r) : NULL;
    if (!name || !take(r, ':'))
        return false;
    return take(r, '{') ? enter(r, name) : take_value(r, name);
}

/* JSON has what holds; what does not was wanted, unless nothing was. */
static void tell_what_lacks(struct th_report_sandbox *sandbox)
{
    int spared = sandbox->holds | sandbox->any_port * TH_REPORT_LOCK_PORTS;
    sandbox->lacks = (uint8_t)(sandbox->holds ? TH_REPORT_LOCKS_WANTED & ~spared : 0);
}

bool th_report_read(struct th_report *report, char *text)
{
    struct reader r = {.report = report, .at = text};
    memset(report, 0, sizeof *report);
    bool good = take(&r, '{');
    r.depth = TOP;
    while (good && r.depth > OUTSIDE) {
        take(&r, ',');
        if (take(&r, '}'))
            r.depth--;
        else
            good = take_pair(&r);
    }
    tell_what_lacks(&report->sandbox);
    return good;
}
