/* Certificate requests (RFC 2986). */
#include <thimble/key.h>

#include "base/der.h"
#include "base/err.h"
#include "crypt/hash.h"
#include "crypt/key.h"
#include "crypt/random.h"
#include "identity/desk.h"
#include "identity/key.h"
#include "identity/oid.h"

#include <arpa/inet.h>
#include <ctype.h>

#define REQUEST_BYTES 4096
#define OID(bytes) th_slice_of(bytes, sizeof bytes - 1)
#define EXTENSION_REQUEST OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0E")
#define SUBJECT_ALT_NAME OID("\x55\x1D\x11")
#define SHA256_WITH_RSA OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B")
#define ECDSA_WITH_SHA256 OID("\x2A\x86\x48\xCE\x3D\x04\x03\x02")

/* ---- texts, read from their end, as DER is written ------------------------------------------- */

/* Two backslashes are one, and escape nothing behind them. */
static bool is_escaped(const char *begin, const char *at)
{
    const char *first = at;
    while (first > begin && first[-1] == '\\')
        first--;
    return (at - first) % 2 != 0;
}

/* The part behind the last `separator` that has no backslash before it; it is taken off. */
static struct th_slice take_last(struct th_slice *text, char separator)
{
    const char *begin = (const char *)text->data, *end = begin + text->len_bytes, *at = end;
    while (at > begin && (at[-1] != separator || is_escaped(begin, at - 1)))
        at--;
    text->len_bytes = at > begin ? (size_t)(at - 1 - begin) : 0;
    return th_slice_of(at, (size_t)(end - at));
}

/* Cuts "NAME" off "NAME=value". False: there is no such separator. */
static bool take_name(struct th_slice *part, char separator, struct th_slice *name)
{
    const uint8_t *found = memchr(part->data, separator, part->len_bytes);
    if (!found)
        return false;
    *name = th_slice_of(part->data, (size_t)(found - part->data));
    *part = th_slice_after(*part, name->len_bytes + 1);
    return true;
}

static int refuse(struct th_fault *fault, const char *option, struct th_slice part,
                  const char *remedy)
{
    return th_fault_set(fault, TH_E_ARGUMENT, "%s %.*s: %s", option, (int)part.len_bytes,
                        (const char *)part.data, remedy);
}

/* ---- subject (RFC 5280 section 4.1.2.4) ------------------------------------------------------ */

/* Of what has no row: UTF8String, without limit. As openssl has it. */
static const struct kind {
    const char *name;
    uint8_t tag;
    uint8_t most; /* characters; 0: no limit */
} kinds[] = {
    {"CN", TH_DER_UTF8_STRING, 64},           {"O", TH_DER_UTF8_STRING, 64},
    {"OU", TH_DER_UTF8_STRING, 64},           {"L", TH_DER_UTF8_STRING, 128},
    {"ST", TH_DER_UTF8_STRING, 128},          {"C", TH_DER_PRINTABLE_STRING, 2},
    {"serialNumber", TH_DER_PRINTABLE_STRING, 64}, {"DC", TH_DER_IA5_STRING, 0},
    {"emailAddress", TH_DER_IA5_STRING, 128}, {"", TH_DER_UTF8_STRING, 0},
};

static const struct kind *kind_of(struct th_slice name)
{
    const struct kind *kind = kinds;
    while (*kind->name && !th_slice_equal(name, th_slice_text(kind->name)))
        kind++;
    return kind;
}

static bool is_of(const struct kind *kind, uint8_t c)
{
    if (kind->tag == TH_DER_PRINTABLE_STRING)
        return isalnum(c) || (c && strchr(" '()+,-./:=?", c));
    return c < 0x80 || kind->tag == TH_DER_UTF8_STRING;
}

/* A backslash takes the next character as it is; a plus without one would begin another value. */
static bool is_possible(const struct kind *kind, struct th_slice value)
{
    const char *begin = (const char *)value.data;
    size_t characters = 0;
    for (size_t i = 0; i < value.len_bytes; i++) {
        uint8_t c = value.data[i];
        bool is_plain = !is_escaped(begin, begin + i);
        if (c == '\\' && is_plain)
            continue;
        if (!is_of(kind, c) || (c == '+' && is_plain))
            return false;
        characters += (c & 0xC0) != 0x80; /* UTF-8 */
    }
    return !is_escaped(begin, begin + value.len_bytes) &&
           (!kind->most || characters <= kind->most) && (kind->most != 2 || characters == 2);
}

/* Without the backslashes. */
static void put_value(struct th_der_out *out, uint8_t tag, struct th_slice value)
{
    const uint8_t *end = out->at;
    for (size_t at = value.len_bytes; at > 0; at--) {
        th_der_raw(out, th_slice_of(value.data + at - 1, 1));
        if (at > 1 && value.data[at - 2] == '\\')
            at--;
    }
    th_der_wrap(out, tag, end);
}

static int put_attribute(struct th_der_out *out, struct th_slice part, struct th_fault *fault)
{
    const uint8_t *end = out->at;
    struct th_slice name, value = part, oid;
    if (!take_name(&value, '=', &name) || value.len_bytes == 0 ||
        !th_oid_of_name((const char *)name.data, name.len_bytes, &oid))
        return refuse(fault, "--subject", part, "give /CN=device-7/O=Example; CN, O, OU, C, L, ST, "
                      "street, serialNumber, DC, UID and emailAddress are known");
    const struct kind *kind = kind_of(name);
    if (!is_possible(kind, value))
        return refuse(fault, "--subject", part, "too long, too short, or with characters that it "
                      "may not have; + and / have a backslash before them");
    put_value(out, kind->tag, value);
    th_der_put(out, TH_DER_OID, oid);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    th_der_wrap(out, TH_DER_SET, end);
    return 0;
}

static int put_subject(struct th_der_out *out, const char *subject, struct th_fault *fault)
{
    const uint8_t *end = out->at;
    struct th_slice rest = th_slice_text(subject);
    int result = 0;
    while (result == 0 && rest.len_bytes > 0)
        result = put_attribute(out, take_last(&rest, '/'), fault);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    return result;
}

/* ---- alternative names (RFC 5280 section 4.2.1.6) -------------------------------------------- */

static bool put_address(struct th_der_out *out, struct th_slice value)
{
    char text[INET6_ADDRSTRLEN] = "";
    uint8_t address[16];
    if (value.len_bytes >= sizeof text)
        return false;
    memcpy(text, value.data, value.len_bytes);
    bool is_ipv4 = inet_pton(AF_INET, text, address) == 1;
    if (!is_ipv4 && inet_pton(AF_INET6, text, address) != 1)
        return false;
    th_der_put(out, TH_DER_CONTEXT | 7, th_slice_of(address, is_ipv4 ? 4 : 16));
    return true;
}

static bool is_ascii(struct th_slice text)
{
    for (size_t i = 0; i < text.len_bytes; i++)
        if (text.data[i] >= 0x80)
            return false;
    return true;
}

static bool put_name(struct th_der_out *out, struct th_slice value)
{
    struct th_slice kind;
    if (!take_name(&value, ':', &kind) || value.len_bytes == 0)
        return false;
    if (th_slice_equal(kind, OID("IP")))
        return put_address(out, value);
    int number = th_slice_equal(kind, OID("DNS")) ? 2 : th_slice_equal(kind, OID("email")) ? 1
                 : th_slice_equal(kind, OID("URI")) ? 6 : 0;
    put_value(out, (uint8_t)(TH_DER_CONTEXT | number), value);
    return number > 0 && is_ascii(value);
}

/* All headers end where the names end. */
static void wrap_names(struct th_der_out *out, const uint8_t *end)
{
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    th_der_wrap(out, TH_DER_OCTET_STRING, end);
    th_der_put(out, TH_DER_OID, SUBJECT_ALT_NAME);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
    th_der_wrap(out, TH_DER_SET, end);
    th_der_put(out, TH_DER_OID, EXTENSION_REQUEST);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
}

static int put_names(struct th_der_out *out, const char *names, struct th_fault *fault)
{
    const uint8_t *end = out->at;
    struct th_slice rest = th_slice_text(names);
    while (rest.len_bytes > 0) {
        struct th_slice part = take_last(&rest, ',');
        if (!put_name(out, part))
            return refuse(fault, "--san", part,
                          "give DNS:NAME, IP:ADDRESS, email:ADDRESS or URI:URI, with commas, "
                          "in ASCII");
    }
    if (out->at != end)
        wrap_names(out, end);
    th_der_wrap(out, TH_DER_CONSTRUCTED, end);
    return 0;
}

/* ---- the request ----------------------------------------------------------------------------- */

struct request {
    struct th_key key;
    struct th_der_out info;
    struct th_der_out whole;
    uint8_t info_room[REQUEST_BYTES];
    uint8_t whole_room[REQUEST_BYTES];
    uint8_t signature[TH_CRYPT_SIGNATURE_MAX_BYTES];
};

static int put_info(struct request *request, const char *subject, const char *names,
                    struct th_fault *fault)
{
    struct th_der_out *out = &request->info;
    th_der_out_open(out, request->info_room, sizeof request->info_room);
    int result = put_names(out, names, fault);
    th_key_put_public(out, &request->key);
    if (result == 0)
        result = put_subject(out, subject, fault);
    th_der_number(out, 0);
    th_der_wrap(out, TH_DER_SEQUENCE, out->end);
    return out->is_full ? th_fault_set(fault, TH_E_ARGUMENT, "--subject, --san: too long") : result;
}

static void put_algorithm(struct th_der_out *out, bool is_rsa)
{
    const uint8_t *end = out->at;
    if (is_rsa)
        th_der_put(out, TH_DER_NULL, OID(""));
    th_der_put(out, TH_DER_OID, is_rsa ? SHA256_WITH_RSA : ECDSA_WITH_SHA256);
    th_der_wrap(out, TH_DER_SEQUENCE, end);
}

static int sign(struct request *request, struct th_fault *fault)
{
    struct th_der_out *out = &request->whole;
    struct th_slice info = th_der_written(&request->info);
    uint8_t digest[TH_DIGEST_BYTES];
    size_t bytes = 0;
    int result = !th_digest(info, digest)
                     ? TH_E_MEMORY
                     : th_crypt_sign(request->key.der, request->key.is_rsa, digest,
                                     request->signature, &bytes);
    if (result < 0)
        return th_fault_set(fault, result, "the request could not be signed with this key");
    th_der_out_open(out, request->whole_room, sizeof request->whole_room);
    th_der_raw(out, th_slice_of(request->signature, bytes));
    th_der_bits(out, out->end);
    put_algorithm(out, request->key.is_rsa);
    th_der_raw(out, info);
    th_der_wrap(out, TH_DER_SEQUENCE, out->end);
    return out->is_full ? th_fault_set(fault, TH_E_ARGUMENT, "--subject, --san: too long") : 0;
}

static int compose(struct request *request, const struct th_key_file *file, const char *subject,
                   const char *names, struct th_fault *fault)
{
    int result = th_key_open(&request->key, file, fault);
    if (result == 0)
        result = put_info(request, subject, names, fault);
    if (result == 0)
        result = sign(request, fault);
    th_key_close(&request->key);
    return result;
}

static int make(const struct th_key_file *file, const char *subject, const char *names,
                const struct th_text_sink *sink, struct th_fault *fault)
{
    struct th_payer *payer = th_payer_current();
    struct request *request = th_payer_take(payer, TH_PURPOSE_FILE, sizeof *request);
    if (!request)
        return th_fault_set(fault, TH_E_MEMORY, "no memory for the request");
    int result = compose(request, file, subject, names, fault);
    if (result == 0)
        result = th_armor(sink, "CERTIFICATE REQUEST", th_der_written(&request->whole));
    th_payer_give(payer, request);
    return result;
}

int th_request_make(void *block, size_t block_bytes, const struct th_key_file *file,
                    const char *subject, const char *names, const struct th_text_sink *sink,
                    struct th_fault *fault)
{
    int result = th_crypt_random_check(fault);
    struct th_desk *desk = result < 0 ? NULL : th_desk_open(block, block_bytes, fault);
    if (!desk)
        return result < 0 ? result : TH_E_MEMORY;
    result = make(file, subject, names, sink, fault);
    th_desk_close(desk);
    return result;
}
