#include <thimble/certificate.h>

#include "base/date.h"
#include "base/der.h"
#include "base/slice.h"
#include "base/text.h"
#include "crypt/hash.h"
#include "identity/oid.h"
#include "identity/time.h"

#include <string.h>

/* ---- time (RFC 5280 section 4.1.2.5) --------------------------------------------------------- */

static bool take_digits(struct th_slice *in, size_t digits, int *number)
{
    *number = 0;
    if (in->len_bytes < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!th_is_digit(in->data[i]))
            return false;
        *number = *number * 10 + in->data[i] - '0';
    }
    *in = th_slice_of(in->data + digits, in->len_bytes - digits);
    return true;
}

/* Days from 1970-01-01; `month` from 1. */
static int64_t days_since_1970(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1; /* a year that begins in March ends with the leap day */
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return 365 * (int64_t)y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool read_date(struct th_slice *in, bool short_year, int64_t *days)
{
    int year, month, day;
    if (!take_digits(in, short_year ? 2 : 4, &year) || !take_digits(in, 2, &month) ||
        !take_digits(in, 2, &day))
        return false;
    if (short_year)
        year += year < 50 ? 2000 : 1900;
    *days = days_since_1970(year, month, day);
    return year > 0 && month >= 1 && month <= 12 && day >= 1 &&
           day <= th_date_days_of_month(month - 1, year);
}

bool th_identity_take_time(struct th_slice *in, int64_t *when_s)
{
    uint8_t tag;
    struct th_slice text;
    int64_t days;
    int hour, minute, second;
    if (!th_der_take_any(in, &tag, &text) ||
        (tag != TH_DER_UTC_TIME && tag != TH_DER_GENERALIZED_TIME) ||
        !read_date(&text, tag == TH_DER_UTC_TIME, &days) || !take_digits(&text, 2, &hour) ||
        !take_digits(&text, 2, &minute) || !take_digits(&text, 2, &second))
        return false;
    *when_s = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return hour < 24 && minute < 60 && second < 60 && text.len_bytes == 1 && text.data[0] == 'Z';
}

/* ---- keys ------------------------------------------------------------------------------------ */

static unsigned rsa_bits(struct th_slice key)
{
    struct th_slice numbers, modulus;
    if (!th_der_take(&key, TH_DER_SEQUENCE, &numbers) ||
        !th_der_take_number(&numbers, &modulus))
        return 0;
    return th_der_number_bits(modulus);
}

/* A point is two coordinates behind a byte; those of P-521 have seven bits to spare. */
static unsigned ec_bits(struct th_slice point)
{
    unsigned bits = point.len_bytes > 1 ? (unsigned)(point.len_bytes - 1) * 4 : 0;
    return bits == 528 ? 521 : bits;
}

static bool is_ec(const char *key)
{
    return key[0] == 'E' && key[1] == 'C';
}

static unsigned bits_of_key(const char *key, struct th_slice bytes)
{
    if (is_ec(key))
        return ec_bits(bytes);
    bool is_rsa = key[0] == 'R' || key[0] == 'r';
    return is_rsa ? rsa_bits(bytes) : 8 * (unsigned)bytes.len_bytes;
}

static const char *name_or_unknown(struct th_slice oid)
{
    const char *name = th_oid_name(oid);
    return name ? name : "unknown";
}

static bool read_key(struct th_certificate *out)
{
    struct th_slice info = out->public_key, body, algorithm, oid, bytes;
    if (!th_der_take(&info, TH_DER_SEQUENCE, &body) ||
        !th_der_take(&body, TH_DER_SEQUENCE, &algorithm) ||
        !th_der_take(&algorithm, TH_DER_OID, &oid) || !th_der_take_bits(&body, &bytes))
        return false;
    out->key = name_or_unknown(oid);
    out->curve = "";
    out->key_bits = bits_of_key(out->key, bytes);
    if (is_ec(out->key))
        out->curve = th_der_take(&algorithm, TH_DER_OID, &oid) ? name_or_unknown(oid) : "unknown";
    return true;
}

/* ---- extensions (RFC 5280 section 4.2) ------------------------------------------------------- */

enum { SUBJECT_KEY_ID, KEY_USAGE, ALTERNATIVE_NAMES, BASIC, AUTHORITY_KEY_ID, PURPOSES, KEPT };

/* The last byte of 2.5.29.n */
static const uint8_t numbers[KEPT] = {
    [SUBJECT_KEY_ID] = 14, [KEY_USAGE] = 15,        [ALTERNATIVE_NAMES] = 17,
    [BASIC] = 19,          [AUTHORITY_KEY_ID] = 35, [PURPOSES] = 37,
};

static const struct th_slice *keep(struct th_slice kept[KEPT], struct th_slice oid,
                                   struct th_slice value)
{
    static const struct th_slice not_ours;
    if (oid.len_bytes != 3 || memcmp(oid.data, "\x55\x1D", 2))
        return &not_ours;
    const uint8_t *found = memchr(numbers, oid.data[2], KEPT);
    if (!found)
        return &not_ours;
    struct th_slice *place = &kept[found - numbers];
    if (place->data)
        return NULL; /* twice */
    *place = value;
    return place;
}

static bool take_extensions(struct th_slice list, struct th_slice kept[KEPT])
{
    while (list.len_bytes > 0) {
        struct th_slice extension, oid, value;
        if (!th_der_take(&list, TH_DER_SEQUENCE, &extension) ||
            !th_der_take(&extension, TH_DER_OID, &oid) ||
            !th_der_skip_optional(&extension, TH_DER_BOOLEAN) ||
            !th_der_take(&extension, TH_DER_OCTET_STRING, &value) || !keep(kept, oid, value))
            return false;
    }
    return true;
}

/* Absent: left as it is. */
static bool open_sequence(struct th_slice value, struct th_slice *content)
{
    return !value.data || th_der_take(&value, TH_DER_SEQUENCE, content);
}

static bool read_basic(struct th_certificate *out, struct th_slice value)
{
    struct th_slice content = {0}, item;
    out->path_length = -1;
    if (!open_sequence(value, &content))
        return false;
    if (th_der_take(&content, TH_DER_BOOLEAN, &item))
        out->is_authority = item.len_bytes == 1 && item.data[0] != 0;
    if (th_der_take(&content, TH_DER_INTEGER, &item) && item.len_bytes == 1)
        out->path_length = item.data[0] & 0x7F;
    return content.len_bytes == 0;
}

static bool read_key_usage(struct th_certificate *out, struct th_slice value)
{
    struct th_slice bits;
    if (!value.data)
        return true;
    if (!th_der_take(&value, TH_DER_BIT_STRING, &bits) || bits.len_bytes == 0)
        return false;
    for (unsigned bit = 0; bit < 9; bit++)
        if (bit / 8 + 1 < bits.len_bytes && bits.data[bit / 8 + 1] >> (7 - bit % 8) & 1)
            out->key_usage |= (uint16_t)(1u << bit);
    return true;
}

static bool read_key_ids(struct th_certificate *out, struct th_slice subject,
                         struct th_slice authority)
{
    struct th_slice content = {0};
    if ((subject.data && !th_der_take(&subject, TH_DER_OCTET_STRING, &out->subject_key_id)) ||
        !open_sequence(authority, &content))
        return false;
    th_der_take(&content, TH_DER_CONTEXT, &out->authority_key_id);
    return true;
}

static bool read_extensions(struct th_certificate *out, struct th_slice tbs)
{
    struct th_slice kept[KEPT] = {{0}}, value, list;
    th_der_skip_optional(&tbs, TH_DER_CONTEXT | 1); /* unique identifiers, which nobody uses */
    th_der_skip_optional(&tbs, TH_DER_CONTEXT | 2);
    if (tbs.len_bytes > 0 &&
        (!th_der_take(&tbs, TH_DER_CONSTRUCTED | 3, &value) ||
         !th_der_take(&value, TH_DER_SEQUENCE, &list) || !take_extensions(list, kept)))
        return false;
    return open_sequence(kept[ALTERNATIVE_NAMES], &out->alternative_names) &&
           open_sequence(kept[PURPOSES], &out->purposes) && read_basic(out, kept[BASIC]) &&
           read_key_usage(out, kept[KEY_USAGE]) &&
           read_key_ids(out, kept[SUBJECT_KEY_ID], kept[AUTHORITY_KEY_ID]);
}

/* ---- the certificate (RFC 5280 section 4.1) -------------------------------------------------- */

static bool take_signature(struct th_slice *body, struct th_certificate *out)
{
    struct th_slice algorithm, oid;
    if (!th_der_take(body, TH_DER_SEQUENCE, &algorithm) ||
        !th_der_take(&algorithm, TH_DER_OID, &oid))
        return false;
    out->signature = name_or_unknown(oid);
    return th_der_skip(body, TH_DER_BIT_STRING) && body->len_bytes == 0;
}

static bool take_whole(struct th_slice *in, struct th_slice *whole)
{
    const uint8_t *begin = in->data;
    if (!th_der_skip(in, TH_DER_SEQUENCE))
        return false;
    *whole = th_slice_of(begin, (size_t)(in->data - begin));
    return true;
}

static bool take_validity(struct th_slice *tbs, struct th_certificate *out)
{
    struct th_slice validity;
    return th_der_take(tbs, TH_DER_SEQUENCE, &validity) &&
           th_identity_take_time(&validity, &out->not_before_s) &&
           th_identity_take_time(&validity, &out->not_after_s);
}

static bool take_fields(struct th_slice *tbs, struct th_certificate *out)
{
    if (!th_der_skip_optional(tbs, TH_DER_CONSTRUCTED) || /* version */
        !th_der_take(tbs, TH_DER_INTEGER, &out->serial) ||
        !th_der_skip(tbs, TH_DER_SEQUENCE) || /* signature algorithm, once more */
        !th_der_take(tbs, TH_DER_SEQUENCE, &out->issuer) || !take_validity(tbs, out) ||
        !th_der_take(tbs, TH_DER_SEQUENCE, &out->subject) || !take_whole(tbs, &out->public_key))
        return false;
    while (out->serial.len_bytes > 1 && out->serial.data[0] == 0)
        out->serial = th_slice_of(out->serial.data + 1, out->serial.len_bytes - 1);
    return true;
}

int th_certificate_read(struct th_certificate *certificate, struct th_slice der)
{
    struct th_slice rest = der, body, tbs;
    memset(certificate, 0, sizeof *certificate);
    certificate->der = der;
    bool good = th_der_take(&rest, TH_DER_SEQUENCE, &body) && rest.len_bytes == 0 &&
                th_der_take(&body, TH_DER_SEQUENCE, &tbs) &&
                take_signature(&body, certificate) && take_fields(&tbs, certificate) &&
                read_key(certificate) && read_extensions(certificate, tbs);
    return good ? 0 : TH_E_CERTIFICATE;
}

bool th_digest(struct th_slice bytes, uint8_t digest[TH_DIGEST_BYTES])
{
    struct th_crypt_hash hash;
    th_crypt_hash_begin(&hash);
    th_crypt_hash_add(&hash, bytes.data, bytes.len_bytes);
    return th_crypt_hash_value(&hash, digest);
}

const char *th_key_usage_name(unsigned bit)
{
    static const char names[] =
        "digitalSignature\0nonRepudiation\0keyEncipherment\0dataEncipherment\0keyAgreement\0"
        "keyCertSign\0cRLSign\0encipherOnly\0decipherOnly";
    const char *name = names;
    if (bit > 8)
        return NULL;
    while (bit-- > 0)
        name += strlen(name) + 1;
    return name;
}
