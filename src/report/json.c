#include "report/fields.h"
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

static const char *phase_of(const struct th_report *report)
{
    return report->last_refusal.pool ? th_phase_name(report->last_refusal.phase) : "";
}

static void write_member(struct th_json *json, const struct th_report *report,
                         struct th_field_at at, size_t base)
{
    const void *place = (const uint8_t *)report + base + at.field->offset;
    const char *const *name = place;
    const uint8_t *byte = place;
    switch ((enum th_field_kind)at.field->kind) {
    case TH_FIELD_LONG:
        th_json_number(json, at.name, *(const uint64_t *)place);
        break;
    case TH_FIELD_FLAG:
        th_json_flag(json, at.name, *(const bool *)place);
        break;
    case TH_FIELD_TEXT:
        th_json_text(json, at.name, place);
        break;
    case TH_FIELD_NAME:
        th_json_text(json, at.name, *name ? *name : "");
        break;
    case TH_FIELD_PHASE:
        th_json_text(json, at.name, phase_of(report));
        break;
    case TH_FIELD_MODE:
        th_json_text(json, at.name, th_field_mode_name(*byte));
        break;
    case TH_FIELD_BIT:
        th_json_flag(json, at.name, *byte >> at.field->bytes & 1);
        break;
    case TH_FIELD_BYTE:
        th_json_number(json, at.name, *byte);
        break;
    case TH_FIELD_WHOLE:
        th_json_flag(json, at.name, report->sandbox.holds && !*byte);
        break;
    default:
        th_json_number(json, at.name, *(const uint32_t *)place);
    }
}

/* What lies in the report from `base` on. */
static void write_leaf(struct th_json *json, const struct th_report *report,
                       struct th_field_at at, const char *name, size_t base)
{
    th_json_open(json, name);
    while (at = th_field_next(at), th_field_is_member(at))
        write_member(json, report, at, base);
    th_json_close(json);
}

static void write_list(struct th_json *json, const struct th_report *report,
                       struct th_field_at at)
{
    unsigned list = at.field->offset;
    const char *name;
    th_json_enter(json, at.name);
    for (unsigned i = 0; (name = th_field_element_name(report, list, i)); i++)
        write_leaf(json, report, at, name, th_field_element(list, i));
    th_json_leave(json);
}

int th_report_json(const struct th_report *report,
                   int (*write)(void *arg, const char *text, size_t text_bytes), void *arg)
{
    struct th_json json;
    th_json_begin(&json, write, arg);
    write_format(&json);
    for (struct th_field_at at = th_field_first(); at.field; at = th_field_next(at)) {
        if (at.field->kind == TH_FIELD_LEAF)
            write_leaf(&json, report, at, at.name, 0);
        if (at.field->kind == TH_FIELD_LIST)
            write_list(&json, report, at);
    }
    return th_json_end(&json);
}
