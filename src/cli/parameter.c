#include "cli/parameter.h"

#include "base/format.h"
#include "base/slice.h"
#include "cli/moment.h"
#include "cli/out.h"
#include "cli/properties.h"

enum { CONTENT_TYPE = 3, RESPONSE_TOPIC = 8, CORRELATION_DATA = 9, USER_PROPERTY = 38 };

static void put(struct th_slice text)
{
    th_cli_out_foreign(text.data, text.len_bytes);
    th_cli_out_foreign_end();
}

void th_cli_parameter_fill(const struct th_cli_item *item, size_t bytes)
{
    const char *padding = item->zeros && !item->left ? "0" : " ";
    for (size_t missing = (size_t)item->width; missing > bytes; missing--)
        th_cli_out(padding, 1);
}

void th_cli_parameter_field(const struct th_cli_item *item, struct th_slice text)
{
    if (!item->left)
        th_cli_parameter_fill(item, text.len_bytes);
    put(text);
    if (item->left)
        th_cli_parameter_fill(item, text.len_bytes);
}

static void put_number(const struct th_cli_item *item, uint64_t number)
{
    char digits[24];
    size_t length = (size_t)th_format(digits, sizeof digits, "%llu", (unsigned long long)number);
    th_cli_parameter_field(item, th_slice_of(digits, length));
}

/* No wider than the precision, and never beside zeros. */
static void put_text(const struct th_cli_item *item, struct th_slice text)
{
    struct th_cli_item field = *item;
    field.zeros = false;
    if (item->precision >= 0 && text.len_bytes > (size_t)item->precision)
        text.len_bytes = (size_t)item->precision;
    th_cli_parameter_field(&field, text);
}

/* ---- properties ----------------------------------------------------------------------------- */

/* One that is not there fills its field, with zeros even on the right: as mosquitto_sub does it. */
static void put_number_property(const struct th_cli_item *item, const struct th_delivery *message,
                                uint8_t id)
{
    struct th_property property;
    struct th_cli_item empty = *item;
    empty.left = false;
    if (th_cli_property_find(message->properties, id, &property))
        put_number(item, property.number);
    else
        th_cli_parameter_fill(&empty, 0);
}

static void put_text_property(const struct th_cli_item *item, const struct th_delivery *message,
                              uint8_t id)
{
    struct th_property property = {0};
    if (th_cli_property_find(message->properties, id, &property) || id == CONTENT_TYPE)
        put_text(item, property.text);
}

static void put_correlation(const struct th_delivery *message)
{
    struct th_property property;
    if (th_cli_property_find(message->properties, CORRELATION_DATA, &property))
        put(property.text);
}

static void put_user_properties(const struct th_delivery *message)
{
    struct th_received_properties rest = message->properties;
    struct th_property property;
    const char *blank = "";
    while (th_property_next(&rest, &property)) {
        if (property.id != USER_PROPERTY)
            continue;
        th_cli_out_text(blank);
        put(property.text);
        th_cli_out_text(":");
        put(property.value);
        blank = " ";
    }
}

/* ---- the moment ----------------------------------------------------------------------------- */

static struct th_slice moment(const char *format, char text[TH_CLI_MOMENT_BYTES])
{
    size_t length = th_cli_moment_text(format, text);
    return th_slice_of(text, length);
}

static void put_moment(const struct th_cli_item *item)
{
    char text[TH_CLI_MOMENT_BYTES];
    if (item->kind == 'I')
        put_text(item, moment("@Y-@m-@dT@H:@M:@S@z", text));
    else
        put(moment("@s.@N", text));
}

/* ---- which ---------------------------------------------------------------------------------- */

void th_cli_parameter_print(const struct th_cli_item *item, const struct th_delivery *message)
{
    const char digit[] = {(char)('0' + (item->kind == 'q' ? message->qos : message->retain)), '\0'};
    switch (item->kind) {
    case 'A': put_number_property(item, message, 35); break;
    case 'E': put_number_property(item, message, 2); break;
    case 'F': put_number_property(item, message, 1); break;
    case 'S': put_number_property(item, message, 11); break;
    case 'C': put_text_property(item, message, CONTENT_TYPE); break;
    case 'R': put_text_property(item, message, RESPONSE_TOPIC); break;
    case 'D': put_correlation(message); break;
    case 'P': put_user_properties(message); break;
    case 'l': put_number(item, message->total_bytes); break;
    case 'm': put_number(item, message->packet_id); break;
    case 't': put_text(item, message->topic); break;
    case 'q':
    case 'r': th_cli_out_text(digit); break;
    case '%': th_cli_out_text("%"); break;
    default:  put_moment(item); break;
    }
}
