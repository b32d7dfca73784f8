#include "tls/constraints.h"

#include "base/der.h"

#include <ctype.h>

enum { /* GeneralName (RFC 5280 section 4.2.1.6) */
    MAILBOX = TH_DER_CONTEXT | 1,
    DNS_NAME = TH_DER_CONTEXT | 2,
    DIRECTORY = TH_DER_CONSTRUCTED | 4,
    URI = TH_DER_CONTEXT | 6,
    IP_ADDRESS = TH_DER_CONTEXT | 7,
};

#define EMAIL_ADDRESS "\x09\x2A\x86\x48\x86\xF7\x0D\x01\x09\x01"

struct name {
    uint8_t tag;
    struct th_slice value;
};

/* ---- texts ----------------------------------------------------------------------------------- */

static bool ends_with(struct th_slice text, struct th_slice end)
{
    if (text.len_bytes < end.len_bytes)
        return false;
    text = th_slice_after(text, text.len_bytes - end.len_bytes);
    for (size_t i = 0; i < end.len_bytes; i++)
        if (tolower(text.data[i]) != tolower(end.data[i]))
            return false;
    return true;
}

static bool is_same(struct th_slice a, struct th_slice b)
{
    return a.len_bytes == b.len_bytes && ends_with(a, b);
}

static struct th_slice without_final_dot(struct th_slice text)
{
    text.len_bytes -= text.len_bytes > 0 && text.data[text.len_bytes - 1] == '.';
    return text;
}

static struct th_slice from_first_dot(struct th_slice text)
{
    while (text.len_bytes > 0 && text.data[0] != '.')
        text = th_slice_after(text, 1);
    return text;
}

/* ---- one name, one subtree; what is unclear is in it if it is excluded, not if permitted ----- */

static bool is_domain_in(struct th_slice name, struct th_slice base)
{
    size_t above = name.len_bytes - base.len_bytes;
    return ends_with(name, base) && (above == 0 || base.len_bytes == 0 || base.data[0] == '.' ||
                                     name.data[above - 1] == '.');
}

/* "*.example.com" is permitted if all it stands for is, and excluded if anything is. */
static bool is_dns_in(struct th_slice name, struct th_slice base, bool unclear)
{
    name = without_final_dot(name);
    base = without_final_dot(base);
    bool is_wild = name.len_bytes > 1 && name.data[0] == '*';
    return is_domain_in(name, base) ||
           (unclear && is_wild && is_same(th_slice_after(name, 1), from_first_dot(base)));
}

static bool is_address_in(struct th_slice name, struct th_slice base, bool unclear)
{
    size_t bytes = name.len_bytes;
    if (base.len_bytes != 2 * bytes)
        return unclear && base.len_bytes != 8 && base.len_bytes != 32;
    for (size_t i = 0; i < bytes; i++)
        if ((name.data[i] ^ base.data[i]) & base.data[bytes + i])
            return false;
    return true;
}

/* Here a host stands for itself alone, and ".example.com" for what is below it. */
static bool is_host_in(struct th_slice host, struct th_slice base)
{
    return base.len_bytes == 0 || base.data[0] == '.' ? ends_with(host, base) : is_same(host, base);
}

static bool is_mailbox_in(struct th_slice name, struct th_slice base, bool unclear)
{
    const uint8_t *at = memchr(name.data, '@', name.len_bytes);
    if (!at)
        return unclear;
    if (memchr(base.data, '@', base.len_bytes))
        return is_same(name, base);
    return is_host_in(th_slice_after(name, (size_t)(at + 1 - name.data)), base);
}

static bool is_uri_in(struct th_slice name, struct th_slice base, bool unclear)
{
    const uint8_t *colon = memchr(name.data, ':', name.len_bytes);
    if (!colon || memchr(name.data, '@', name.len_bytes))
        return unclear;
    struct th_slice rest = th_slice_after(name, (size_t)(colon - name.data));
    if (rest.len_bytes < 4 || memcmp(rest.data, "://", 3) != 0 || rest.data[3] == '[')
        return unclear;
    struct th_slice host = th_slice_of(rest.data + 3, 0);
    while (host.len_bytes < rest.len_bytes - 3 && !strchr(":/?#", host.data[host.len_bytes]))
        host.len_bytes++;
    return is_host_in(host, base);
}

/* The same types and values, whatever kinds of text they are, at its beginning. */
static bool is_directory_in(struct th_slice name, struct th_slice base)
{
    uint8_t tag;
    struct th_slice of_name, of_base;
    while (th_der_take_leaf(&base, &tag, &of_base))
        if (!th_der_take_leaf(&name, &tag, &of_name) || !is_same(of_name, of_base))
            return false;
    return true;
}

static bool is_in(const struct name *name, struct th_slice base, bool unclear)
{
    switch (name->tag) {
    case MAILBOX: return is_mailbox_in(name->value, base, unclear);
    case DNS_NAME: return is_dns_in(name->value, base, unclear);
    case DIRECTORY: return is_directory_in(name->value, base);
    case URI: return is_uri_in(name->value, base, unclear);
    case IP_ADDRESS: return is_address_in(name->value, base, unclear);
    default: return unclear;
    }
}

/* ---- lists of subtrees ----------------------------------------------------------------------- */

/* GeneralSubtree: minimum and maximum must not be there. */
static bool take_base(struct th_slice *list, struct name *base)
{
    struct th_slice subtree;
    return th_der_take(list, TH_DER_SEQUENCE, &subtree) &&
           th_der_take_any(&subtree, &base->tag, &base->value) && subtree.len_bytes == 0;
}

/* *some becomes true if there is a subtree of the name's kind, or nobody knows. */
static bool is_in_any(const struct name *name, struct th_slice list, bool unclear, bool *some)
{
    struct name base;
    while (list.len_bytes > 0) {
        bool is_read = take_base(&list, &base);
        bool is_of_kind = !is_read || base.tag == name->tag;
        *some |= is_of_kind;
        if (!is_read)
            return unclear;
        if (is_of_kind && is_in(name, base.value, unclear))
            return true;
    }
    return false;
}

struct lists {
    struct th_slice permitted;
    struct th_slice excluded;
};

static bool allow(const struct lists *lists, const struct name *name)
{
    bool some = false, ignored = false;
    return !is_in_any(name, lists->excluded, true, &ignored) &&
           (is_in_any(name, lists->permitted, false, &some) || !some);
}

static bool take_list(struct th_slice *body, int number, struct th_slice *list)
{
    *list = th_slice_of("", 0);
    uint8_t tag = (uint8_t)(TH_DER_CONSTRUCTED | number);
    return !th_der_next_is(*body, tag) || th_der_take(body, tag, list);
}

/* Where mailboxes stood before there were alternative names (RFC 5280 section 4.2.1.10). */
static bool allow_mailboxes(const struct lists *lists, struct th_slice subject)
{
    uint8_t tag;
    struct name mailbox = {.tag = MAILBOX};
    bool is_next = false, allowed = true;
    while (allowed && th_der_take_leaf(&subject, &tag, &mailbox.value)) {
        allowed = !is_next || allow(lists, &mailbox);
        is_next = tag == TH_DER_OID && th_der_is_oid(mailbox.value, EMAIL_ADDRESS);
    }
    return allowed;
}

bool th_constraints_allow(struct th_slice constraints, struct th_slice subject,
                          struct th_slice alternative)
{
    struct lists lists;
    struct th_slice body, names = {0};
    struct name name = {DIRECTORY, subject};
    if (!th_der_take(&constraints, TH_DER_SEQUENCE, &body) ||
        !take_list(&body, 0, &lists.permitted) || !take_list(&body, 1, &lists.excluded) ||
        body.len_bytes > 0)
        return false;
    bool allowed = subject.len_bytes == 0 ||
                   (allow(&lists, &name) && allow_mailboxes(&lists, subject));
    th_der_take(&alternative, TH_DER_SEQUENCE, &names);
    while (allowed && th_der_take_any(&names, &name.tag, &name.value))
        allowed = allow(&lists, &name);
    return allowed && names.len_bytes == 0;
}
