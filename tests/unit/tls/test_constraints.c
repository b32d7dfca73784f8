#include "harness.h"

#include "base/der.h"
#include "base/der_write.h"
#include "base/slice.h"
#include "tls/constraints.h"

enum { MAILBOX = 0x81, DNS = 0x82, DIRECTORY = 0xA4, URI = 0x86, ADDRESS = 0x87, OTHER = 0x88 };

struct room {
    struct th_der_out out;
    uint8_t bytes[512];
};

static struct th_slice text(const char *content)
{
    return th_slice_of(content, strlen(content));
}

/* Name: one attribute, the common name. */
static struct th_slice directory(struct room *room, const char *common, uint8_t tag)
{
    struct th_der_out *out = &room->out;
    th_der_out_open(out, room->bytes, sizeof room->bytes);
    th_der_put(out, tag, text(common));
    th_der_put(out, 0x06, text("\x55\x04\x03"));
    th_der_wrap(out, 0x30, out->end);
    th_der_wrap(out, 0x31, out->end);
    return th_der_written(out);
}

/* One subtree in the list of this number. */
static struct th_slice constraints(struct room *room, int list, uint8_t tag, struct th_slice base)
{
    struct th_der_out *out = &room->out;
    th_der_out_open(out, room->bytes, sizeof room->bytes);
    th_der_put(out, tag, base);
    th_der_wrap(out, 0x30, out->end);
    th_der_wrap(out, (uint8_t)(0xA0 | list), out->end);
    th_der_wrap(out, 0x30, out->end);
    return th_der_written(out);
}

static struct th_slice alternative(struct room *room, uint8_t tag, struct th_slice name)
{
    struct th_der_out *out = &room->out;
    th_der_out_open(out, room->bytes, sizeof room->bytes);
    th_der_put(out, tag, name);
    th_der_wrap(out, 0x30, out->end);
    return th_der_written(out);
}

static bool allows(int list, uint8_t kind, struct th_slice base, uint8_t tag, struct th_slice name)
{
    struct room limits, names;
    return th_constraints_allow(constraints(&limits, list, kind, base), text(""),
                                alternative(&names, tag, name));
}

static const struct {
    uint8_t tag;
    const char *base, *name;
    bool permitted, excluded; /* by a subtree of the base: what becomes of the name */
} names[] = {
    {DNS, "a.test", "a.test", true, true},
    {DNS, "a.test", "A.TEST.", true, true},
    {DNS, "a.test.", "a.test", true, true},
    {DNS, "a.test", "b.a.test", true, true},
    {DNS, "a.test", "c.b.a.test", true, true},
    {DNS, ".a.test", "b.a.test", true, true},
    {DNS, ".a.test", "a.test", false, false},
    {DNS, "a.test", "ba.test", false, false},
    {DNS, "a.test", "test", false, false},
    {DNS, "", "a.test", true, true},
    {DNS, "a.test", "", false, false},
    {DNS, "a.test", "*.a.test", true, true},
    {DNS, "a.test", "*.b.a.test", true, true},
    {DNS, "b.a.test", "*.a.test", false, true},
    {DNS, "c.b.a.test", "*.a.test", false, false},
    {DNS, "b.c.test", "*.a.test", false, false},
    {MAILBOX, "a@b.test", "a@b.test", true, true},
    {MAILBOX, "a@b.test", "c@b.test", false, false},
    {MAILBOX, "b.test", "c@b.test", true, true},
    {MAILBOX, "b.test", "c@d.b.test", false, false},
    {MAILBOX, ".b.test", "c@d.b.test", true, true},
    {MAILBOX, ".b.test", "c@b.test", false, false},
    {MAILBOX, "b.test", "b.test", false, true},
    {URI, "b.test", "spiffe://b.test/a", true, true},
    {URI, "b.test", "https://B.test:8883/a", true, true},
    {URI, "b.test", "https://a.b.test", false, false},
    {URI, ".b.test", "https://a.b.test?x", true, true},
    {URI, "b.test", "https://c.test#b.test", false, false},
    {URI, "b.test", "https://b.test@c.test", false, true},
    {URI, "b.test", "urn:b.test", false, true},
    {URI, "b.test", "no scheme", false, true},
    {URI, "b.test", "https://[::1]", false, true},
    {OTHER, "\x2A\x03", "\x2A\x03", false, true},
};

static void holds_names_against_subtrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct th_slice base = text(names[i].base), name = text(names[i].name);
        if (allows(0, names[i].tag, base, names[i].tag, name) != names[i].permitted ||
            allows(1, names[i].tag, base, names[i].tag, name) == names[i].excluded)
            fail_msg("%s and %s", names[i].base, names[i].name);
    }
}

static void holds_addresses_against_networks(void **state)
{
    static const uint8_t ten[8] = {10, 0, 0, 0, 255, 0, 0, 0};
    static const uint8_t inside[4] = {10, 1, 2, 3}, outside[4] = {11, 1, 2, 3}, six[16] = {10};
    struct th_slice network = th_slice_of(ten, sizeof ten);
    (void)state;
    assert_true(allows(0, ADDRESS, network, ADDRESS, th_slice_of(inside, 4)));
    assert_false(allows(1, ADDRESS, network, ADDRESS, th_slice_of(inside, 4)));
    assert_false(allows(0, ADDRESS, network, ADDRESS, th_slice_of(outside, 4)));
    assert_true(allows(1, ADDRESS, network, ADDRESS, th_slice_of(outside, 4)));
    assert_false(allows(0, ADDRESS, network, ADDRESS, th_slice_of(six, 16)));
    assert_true(allows(1, ADDRESS, network, ADDRESS, th_slice_of(six, 16)));
    assert_false(allows(1, ADDRESS, th_slice_of(ten, 7), ADDRESS, th_slice_of(inside, 4)));
}

/* Kinds that are not constrained are free; kinds of text and letters do not matter. */
static void leaves_other_kinds_alone(void **state)
{
    struct room limits, base, subject, names_room;
    (void)state;
    assert_true(allows(0, MAILBOX, text("b.test"), DNS, text("a.test")));
    assert_true(allows(1, DNS, text("b.test"), URI, text("https://b.test")));
    struct th_slice names_ = alternative(&names_room, DNS, text("a.test"));
    struct th_slice excluded = constraints(&limits, 1, DIRECTORY,
                                           directory(&base, "Device", TH_DER_UTF8_STRING));
    assert_false(th_constraints_allow(excluded, directory(&subject, "DEVICE", 0x13), names_));
    assert_true(th_constraints_allow(excluded, directory(&subject, "Devices", 0x13), names_));
    assert_true(th_constraints_allow(excluded, text(""), names_));
}

/* As certificates have them that are older than alternative names: in the subject. */
static void holds_mailboxes_of_subjects(void **state)
{
    struct room limits, subject;
    struct th_der_out *out = &subject.out;
    (void)state;
    th_der_out_open(out, subject.bytes, sizeof subject.bytes);
    th_der_put(out, TH_DER_IA5_STRING, text("me@b.test"));
    th_der_put(out, TH_DER_OID, text("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x01"));
    th_der_wrap(out, TH_DER_SEQUENCE, out->end);
    th_der_wrap(out, TH_DER_SET, out->end);
    struct th_slice names_ = th_der_written(out);
    for (int list = 0; list < 2; list++) {
        bool permits = list == 0;
        assert_int_equal(permits, th_constraints_allow(constraints(&limits, list, MAILBOX,
                                                                   text("b.test")),
                                                       names_, text("")));
        assert_int_equal(!permits, th_constraints_allow(constraints(&limits, list, MAILBOX,
                                                                    text("c.test")),
                                                        names_, text("")));
    }
    assert_true(th_constraints_allow(constraints(&limits, 1, DNS, text("b.test")), names_, text("")));
}

static void allows_nothing_by_what_is_damaged(void **state)
{
    struct room names_room;
    struct th_slice names_ = alternative(&names_room, DNS, text("a.test"));
    static const struct {
        const char *bytes;
        size_t count;
    } damaged[] = {
        {"", 0}, {"\x30", 1}, {"\x31\x00", 2}, {"\x30\x02\x04\x00", 4},
        {"\x30\x04\xA0\x02\x30\x00", 6}, {"\x30\x04\xA1\x02\x30\x00", 6},
        {"\x30\x0A\xA1\x08\x30\x06\x82\x01x\x80\x01\x01", 12},  /* a minimum */
        {"\x30\x04\xA1\x00\xA0\x00", 6},                         /* in the wrong order */
    };
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
        assert_false(th_constraints_allow(th_slice_of(damaged[i].bytes, damaged[i].count),
                                          text(""), names_));
    assert_true(th_constraints_allow(th_slice_of("\x30\x00", 2), text(""), names_));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_names_against_subtrees),
        cmocka_unit_test(holds_addresses_against_networks),
        cmocka_unit_test(leaves_other_kinds_alone),
        cmocka_unit_test(holds_mailboxes_of_subjects),
        cmocka_unit_test(allows_nothing_by_what_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
