#include "report/fields.h"

#include <stddef.h>
#include <string.h>

/* Only where there are some. */
#define LEASES_0(LIST, NUMBER)
#define LEASES_1(LIST, NUMBER)                                                                     \
    LIST("leases", TH_FIELD_LEASES)                                                                \
    NUMBER("size_bytes", struct th_report_lease, size_bytes)                                       \
    NUMBER("peak_bytes", struct th_report_lease, peak_bytes)                                       \
    NUMBER("count_leases", struct th_report_lease, count)                                          \
    NUMBER("held_leases", struct th_report_lease, held)                                            \
    NUMBER("held_peak_leases", struct th_report_lease, held_peak)                                  \
    NUMBER("waiting_connections", struct th_report_lease, waiting)                                 \
    NUMBER("waiting_peak_connections", struct th_report_lease, waiting_peak)                       \
    NUMBER("waited_leases", struct th_report_lease, waits)

#if TH_LEASES
#define LEASES LEASES_1
#else
#define LEASES LEASES_0
#endif

#define FIELDS(LEAF, LIST, NUMBER, LONG, FLAG, TEXT, NAME, ODD, BIT)                               \
    LEAF("memory")                                                                                 \
    NUMBER("static_bytes", struct th_report, static_bytes)                                         \
    NUMBER("pool_peak_bytes", struct th_report, pool_bytes)                                        \
    NUMBER("stack_peak_bytes", struct th_report, stack_bytes)                                      \
    NUMBER("kernel_bytes", struct th_report, kernel_bytes)                                         \
    LEAF("connection")                                                                             \
    NUMBER("attempts", struct th_report, attempts)                                                 \
    TEXT("tls_version", struct th_report, tls.version)                                             \
    TEXT("cipher_suite", struct th_report, tls.cipher_suite)                                       \
    TEXT("group", struct th_report, tls.group)                                                     \
    TEXT("alpn", struct th_report, tls.alpn)                                                       \
    FLAG("resumed", struct th_report, tls.resumed)                                                 \
    LEAF("times")                                                                                  \
    NUMBER("lookup_us", struct th_report, times.lookup_us)                                         \
    NUMBER("tcp_us", struct th_report, times.tcp_us)                                               \
    NUMBER("tls_us", struct th_report, times.tls_us)                                               \
    NUMBER("connack_us", struct th_report, times.connack_us)                                       \
    NUMBER("first_puback_us", struct th_report, times.first_puback_us)                             \
    NUMBER("longest_step_us", struct th_report, times.longest_step_us)                             \
    LIST("pools", 0)                                                                               \
    NUMBER("size_bytes", struct th_report_pool, size_bytes)                                        \
    NUMBER("budget_bytes", struct th_report_pool, budget_bytes)                                    \
    NUMBER("peak_bytes", struct th_report_pool, peak_bytes)                                        \
    NUMBER("live_bytes", struct th_report_pool, live_bytes)                                        \
    LEASES(LIST, NUMBER)                                                                           \
    LIST("phases", 1)                                                                              \
    LONG("duration_us", struct th_report_phase, duration_us)                                       \
    NUMBER("peak_bytes", struct th_report_phase, peak_bytes)                                       \
    NUMBER("stack_peak_bytes", struct th_report_phase, stack_peak_bytes)                           \
    NUMBER("taken_allocations", struct th_report_phase, taken)                                     \
    NUMBER("refused_allocations", struct th_report_phase, refused)                                 \
    LIST("purposes", TH_FIELD_PURPOSES)                                                            \
    NUMBER("live_bytes", struct th_report_purpose, live_bytes)                                     \
    NUMBER("peak_bytes", struct th_report_purpose, peak_bytes)                                     \
    NUMBER("at_peak_bytes", struct th_report_purpose, at_peak_bytes)                               \
    LEAF("allocations")                                                                            \
    NUMBER("taken_allocations", struct th_report, taken)                                           \
    NUMBER("returned_allocations", struct th_report, returned)                                     \
    NUMBER("refused_allocations", struct th_report, refused)                                       \
    LEAF("last_refusal")                                                                           \
    NAME("pool", struct th_report, last_refusal.pool)                                              \
    NAME("purpose", struct th_report, last_refusal.purpose)                                        \
    ODD("phase", last_refusal.phase, PHASE)                                                        \
    NUMBER("needed_bytes", struct th_report, last_refusal.needed_bytes)                            \
    NUMBER("live_bytes", struct th_report, last_refusal.live_bytes)                                \
    NUMBER("budget_bytes", struct th_report, last_refusal.budget_bytes)                            \
    LEAF("identity")                                                                               \
    NUMBER("transient_bytes", struct th_report, identity_transient_bytes)                          \
    NUMBER("resident_bytes", struct th_report, identity_resident_bytes)                            \
    LEAF("socket")                                                                                 \
    LONG("read_bytes", struct th_report, socket.read_bytes)                                        \
    LONG("written_bytes", struct th_report, socket.written_bytes)                                  \
    NUMBER("read_calls", struct th_report, socket.read_calls)                                      \
    NUMBER("write_calls", struct th_report, socket.write_calls)                                    \
    NUMBER("receive_buffer_bytes", struct th_report, socket.receive_buffer_bytes)                  \
    NUMBER("send_buffer_bytes", struct th_report, socket.send_buffer_bytes)                        \
    LEAF("process")                                                                                \
    NUMBER("live_bytes", struct th_report, process.live_bytes)                                     \
    NUMBER("peak_bytes", struct th_report, process.peak_bytes)                                     \
    NUMBER("static_bytes", struct th_report, process.static_bytes)                                 \
    NUMBER("private_dirty_bytes", struct th_report, process.private_dirty_bytes)                   \
    NUMBER("rss_bytes", struct th_report, process.rss_bytes)                                       \
    LEAF("sandbox")                                                                                \
    ODD("mode", sandbox.mode, MODE)                                                                \
    BIT("no_new_privs", 0)                                                                         \
    BIT("limits", 1)                                                                               \
    BIT("seccomp", 2)                                                                              \
    BIT("files", 3)                                                                                \
    BIT("ports", 4)                                                                                \
    BIT("scopes", 5)                                                                               \
    ODD("landlock_abi", sandbox.landlock_abi, BYTE)                                                \
    FLAG("any_port", struct th_report, sandbox.any_port)                                           \
    ODD("complete", sandbox.lacks, WHOLE)                                                          \
    NAME("why_not", struct th_report, sandbox.why_not)

#define NAME_ONLY(name) name "\0"
#define NAME_OF(name, ...) name "\0"

static const char names[] = FIELDS(NAME_ONLY, NAME_OF, NAME_OF, NAME_OF, NAME_OF, NAME_OF, NAME_OF,
                                   NAME_OF, NAME_OF);

#define PLACE(type, member, what) \
    {offsetof(type, member), TH_FIELD_##what, sizeof((type){0}.member)}
#define LEAF(name) {0, TH_FIELD_LEAF, 0},
#define LIST(name, number) {number, TH_FIELD_LIST, 0},
#define NUMBER(name, type, member) PLACE(type, member, NUMBER),
#define LONG(name, type, member) PLACE(type, member, LONG),
#define FLAG(name, type, member) PLACE(type, member, FLAG),
#define TEXT(name, type, member) PLACE(type, member, TEXT),
#define NAME(name, type, member) PLACE(type, member, NAME),
#define ODD(name, member, what) PLACE(struct th_report, member, what),
#define BIT(name, number) {offsetof(struct th_report, sandbox.holds), TH_FIELD_BIT, number},

static const struct th_field fields[] = {FIELDS(LEAF, LIST, NUMBER, LONG, FLAG, TEXT, NAME, ODD,
                                                BIT)};

struct th_field_at th_field_first(void)
{
    return (struct th_field_at){fields, names};
}

struct th_field_at th_field_next(struct th_field_at at)
{
    bool is_last = at.field + 1 == fields + sizeof fields / sizeof *fields;
    return (struct th_field_at){is_last ? NULL : at.field + 1, at.name + strlen(at.name) + 1};
}

bool th_field_is_member(struct th_field_at at)
{
    return at.field && at.field->kind > TH_FIELD_LIST;
}

const char *th_field_mode_name(int mode)
{
    static const char modes[][8] = {"none", "off", "auto", "require"};
    return modes[mode];
}

static const struct list {
    uint16_t offset, stride, count;
} lists[] = {
    {offsetof(struct th_report, pools), sizeof(struct th_report_pool), TH_REPORT_POOLS},
    {offsetof(struct th_report, phases), sizeof(struct th_report_phase), TH_PHASES},
    {offsetof(struct th_report, purposes), sizeof(struct th_report_purpose),
     TH_REPORT_PURPOSES_MAX},
    {offsetof(struct th_report, leases), sizeof(struct th_report_lease), TH_REPORT_LEASES},
};

size_t th_field_element(unsigned list, unsigned i)
{
    return i < lists[list].count ? lists[list].offset + (size_t)i * lists[list].stride : 0;
}

const char *th_field_element_name(const struct th_report *report, unsigned list, unsigned i)
{
    if (!th_field_element(list, i))
        return NULL;
    if (list == TH_FIELD_PURPOSES)
        return report->purposes[i].name;
    if (TH_LEASES && list == TH_FIELD_LEASES)
        return th_report_lease_name((int)i);
    return list ? th_phase_name((int)i) : th_report_pool_name((int)i);
}
