/* Names of certificates, as text. */
#include <thimble/certificate.h>

#include "base/der.h"
#include "base/format.h"
#include "identity/oid.h"

#define MOST_PARTS 32 /* of a name: more is no name */

struct text {
    char *at;
    char *end; /* room for the NUL is behind it */
};

static struct text text_of(char *text, size_t text_bytes)
{
    *text = '\0';
    return (struct text){text, text + text_bytes - 1};
}

static void put(struct text *text, char c)
{
    if (text->at == text->end)
        return;
    *text->at++ = c;
    *text->at = '\0';
}

static void put_text(struct text *text, const char *piece)
{
    while (*piece)
        put(text, *piece++);
}

static void put_number(struct text *text, const char *format, unsigned long number)
{
    char digits[24];
    th_format(digits, sizeof digits, format, number);
    put_text(text, digits);
}

static void put_hex(struct text *text, struct th_slice bytes)
{
    for (size_t i = 0; i < bytes.len_bytes; i++)
        put_number(text, "%02lX", bytes.data[i]);
}

/* Half an escape is none: what does not fit whole is left out. */
static void put_byte(struct text *text, uint8_t byte, const char *special)
{
    bool is_plain = byte >= ' ' && byte < 0x7F;
    if (text->end - text->at < 3)
        text->end = text->at;
    if (!is_plain || strchr(special, byte))
        put(text, '\\');
    if (is_plain)
        put(text, (char)byte);
    else
        put_number(text, "%02lX", byte);
}

static void put_bytes(struct text *text, struct th_slice bytes, const char *special)
{
    for (size_t i = 0; i < bytes.len_bytes; i++)
        put_byte(text, bytes.data[i], special);
}

/* X.690 section 8.19: seven bits in each byte, the first number holds two. */
static void put_oid(struct text *text, struct th_slice oid)
{
    unsigned long number = 0;
    const char *format = NULL;
    for (size_t i = 0; i < oid.len_bytes; i++) {
        number = number << 7 | (oid.data[i] & 0x7F);
        if (oid.data[i] & 0x80)
            continue;
        if (!format) {
            unsigned long first = number < 80 ? number / 40 : 2;
            put_number(text, "%lu", first);
            number -= first * 40;
        }
        put_number(text, format = ".%lu", number);
        number = 0;
    }
}

static bool put_oid_name(struct text *text, struct th_slice oid)
{
    const char *name = th_oid_name(oid);
    if (name)
        put_text(text, name);
    else
        put_oid(text, oid);
    return name != NULL;
}

/* ---- names of subjects and issuers (RFC 4514) ------------------------------------------------ */

static bool is_text(uint8_t tag)
{
    return tag == TH_DER_UTF8_STRING || tag == TH_DER_PRINTABLE_STRING || tag == 0x16 /* IA5 */;
}

static bool is_blank_at_edge(struct th_slice value, size_t at)
{
    bool is_edge = at == 0 || at + 1 == value.len_bytes;
    return (is_edge && value.data[at] == ' ') || (at == 0 && value.data[at] == '#');
}

static void put_value(struct text *text, struct th_slice value)
{
    for (size_t i = 0; i < value.len_bytes; i++) {
        if (is_blank_at_edge(value, i))
            put(text, '\\');
        put_byte(text, value.data[i], ",+\"\\<>;");
    }
}

/* What has no name or is no text is shown as it is encoded (section 2.4). */
static void put_attribute(struct text *text, struct th_slice attribute)
{
    struct th_slice oid, value;
    uint8_t tag;
    if (!th_der_take(&attribute, TH_DER_OID, &oid))
        return;
    struct th_slice encoded = attribute;
    if (!th_der_take_any(&attribute, &tag, &value))
        return;
    bool known = put_oid_name(text, oid);
    put(text, '=');
    if (known && is_text(tag)) {
        put_value(text, value);
        return;
    }
    put(text, '#');
    put_hex(text, encoded);
}

static void put_part(struct text *text, struct th_slice part)
{
    struct th_slice attribute;
    const char *between = "";
    while (th_der_take(&part, TH_DER_SEQUENCE, &attribute)) {
        put_text(text, between);
        put_attribute(text, attribute);
        between = "+";
    }
}

void th_name_text(struct th_slice name, char *text, size_t text_bytes)
{
    struct text out = text_of(text, text_bytes);
    struct th_slice parts[MOST_PARTS];
    size_t count = 0;
    while (count < MOST_PARTS && th_der_take(&name, TH_DER_SET, &parts[count]))
        count++;
    for (size_t i = count; i > 0; i--) {
        if (i < count)
            put(&out, ',');
        put_part(&out, parts[i - 1]);
    }
}

/* ---- alternative names (RFC 5280 section 4.2.1.6) -------------------------------------------- */

static void put_address(struct text *text, struct th_slice address)
{
    bool is_ipv4 = address.len_bytes == 4;
    size_t width = is_ipv4 ? 1 : 2;
    if (!is_ipv4 && address.len_bytes != 16) {
        put_hex(text, address);
        return;
    }
    for (size_t i = 0; i < address.len_bytes; i += width) {
        if (i > 0)
            put(text, is_ipv4 ? '.' : ':');
        put_number(text, is_ipv4 ? "%lu" : "%lX",
                   is_ipv4 ? address.data[i] : address.data[i] * 256ul + address.data[i + 1]);
    }
}

static const char *kind_of(uint8_t tag)
{
    switch (tag) {
    case TH_DER_CONTEXT | 1: return "email:";
    case TH_DER_CONTEXT | 2: return "DNS:";
    case TH_DER_CONTEXT | 6: return "URI:";
    case TH_DER_CONTEXT | 7: return "IP:";
    default: return "other:";
    }
}

bool th_certificate_next_name(struct th_slice *rest, char *text, size_t text_bytes)
{
    struct text out = text_of(text, text_bytes);
    struct th_slice value;
    uint8_t tag;
    if (!th_der_take_any(rest, &tag, &value))
        return false;
    put_text(&out, kind_of(tag));
    if (tag == (TH_DER_CONTEXT | 7))
        put_address(&out, value);
    else if (*kind_of(tag) == 'o')
        put_hex(&out, value);
    else
        put_bytes(&out, value, "\\");
    return true;
}

bool th_certificate_next_purpose(struct th_slice *rest, char *text, size_t text_bytes)
{
    struct text out = text_of(text, text_bytes);
    struct th_slice oid;
    if (!th_der_take(rest, TH_DER_OID, &oid))
        return false;
    put_oid_name(&out, oid);
    return true;
}
