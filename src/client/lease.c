#include "client/lease.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/link.h"

#include <string.h>

/* What wolfSSL's input buffer has beyond the record itself, at most. */
#define BUFFER_MORE_BYTES 64

static bool leases(const struct th_link *link)
{
    return TH_LEASES && link->config.context;
}

static struct th_leases *handshakes(const struct th_link *link)
{
    return &link->config.context->handshakes;
}

static struct th_leases *records(const struct th_link *link)
{
    return &link->config.context->records;
}

/* ---- the line ------------------------------------------------------------------------------- */

static void log_line(const struct th_link *link, const char *what, const struct th_leases *from,
                     const struct th_lease *lease)
{
    th_log(&link->config.log, TH_LOG_INFO, "%s: in line for %s; %u are before it",
           link->config.host, what, (unsigned)th_lease_ahead(from, lease));
}

static bool take(struct th_link *link, struct th_leases *from, struct th_lease *lease,
                 const char *what)
{
    bool waited = lease->waits;
    bool taken = th_lease_take(from, lease, th_clock_ms());
    if (!taken && !waited)
        log_line(link, what, from, lease);
    return taken;
}

/* Closing reads past TLS. */
bool th_link_in_line(const struct th_link *link)
{
    const struct th_link_leases *mine = &link->leases;
    return leases(link) && link->phase != TH_PHASE_CLOSING &&
           (mine->handshake.waits || mine->record.waits);
}

/* ---- the handshake heap ---------------------------------------------------------------------- */

bool th_link_has_dialed(const struct th_link *link)
{
    return leases(link) && (link->leases.handshake.waits || link->leases.handshake.memory);
}

bool th_link_lease_handshake(struct th_link *link)
{
    struct th_lease *lease = &link->leases.handshake;
    if (!leases(link))
        return true;
    link->deadline_ms = TH_NEVER;
    if (!take(link, handshakes(link), lease, "a handshake heap"))
        return false;
    th_payer_lend_annex(&link->payer, lease->memory, TH_HANDSHAKE_HEAP_BYTES);
    return true;
}

static void end_handshake(struct th_link *link)
{
    th_payer_take_annex(&link->payer);
    th_lease_give(handshakes(link), &link->leases.handshake, th_clock_ms());
}

/* ---- the record cell ------------------------------------------------------------------------- */

static uint32_t record_bytes(const struct th_link_leases *mine)
{
    return (uint32_t)mine->header[3] << 8 | mine->header[4];
}

static bool fits_the_heap(const struct th_link_leases *mine)
{
    return record_bytes(mine) + BUFFER_MORE_BYTES <= TH_RECORD_THRESHOLD_BYTES;
}

static void end_record(struct th_link *link)
{
    th_payer_take_cell(&link->payer);
    th_lease_give(records(link), &link->leases.record, th_clock_ms());
}

/* Between two records others have their turn first. */
static void yield_record(struct th_link *link)
{
    if (link->payer.cell.memory && records(link)->waiting && th_payer_cell_is_idle(&link->payer))
        end_record(link);
}

static void restart_deadline(struct th_link *link)
{
    if (link->deadline_ms != TH_NEVER)
        link->deadline_ms = th_clock_ms() + th_link_allowed_ms(link, link->phase);
}

static bool lease_record(struct th_link *link, bool again)
{
    struct th_lease *lease = &link->leases.record;
    yield_record(link);
    if (!take(link, records(link), lease, "a record cell"))
        return false;
    if (again)
        restart_deadline(link);
    if (!link->payer.cell.memory)
        th_payer_lend_cell(&link->payer, lease->memory, TH_RECORD_CELL_BYTES);
    return true;
}

/* ---- records as they come -------------------------------------------------------------------- */

static int read_header(struct th_link *link)
{
    struct th_link_leases *mine = &link->leases;
    while (mine->header_read < TH_RECORD_HEADER_BYTES) {
        int got = th_net_wire_read(&link->wire, mine->header + mine->header_read,
                                   (size_t)(TH_RECORD_HEADER_BYTES - mine->header_read));
        if (got <= 0)
            return got;
        mine->header_read += (uint8_t)got;
    }
    return 0;
}

static int hand_header(struct th_link_leases *mine, uint8_t *buffer, size_t bytes)
{
    size_t left = (size_t)(TH_RECORD_HEADER_BYTES - mine->header_given);
    size_t given = bytes < left ? bytes : left;
    memcpy(buffer, mine->header + mine->header_given, given);
    mine->header_given += (uint8_t)given;
    if (mine->header_given == TH_RECORD_HEADER_BYTES) {
        mine->left_bytes = record_bytes(mine);
        mine->header_read = mine->header_given = 0;
    }
    return (int)given;
}

static int read_body(struct th_link *link, uint8_t *buffer, size_t bytes)
{
    struct th_link_leases *mine = &link->leases;
    int got = th_net_wire_read(&link->wire, buffer,
                               bytes < mine->left_bytes ? bytes : mine->left_bytes);
    if (got > 0)
        mine->left_bytes -= (uint32_t)got;
    return got;
}

int th_link_lease_read(struct th_link *link, uint8_t *buffer, size_t bytes)
{
    struct th_link_leases *mine = &link->leases;
    if (mine->left_bytes)
        return read_body(link, buffer, bytes);
    bool again = mine->header_read == TH_RECORD_HEADER_BYTES;
    int result = read_header(link);
    if (result < 0)
        return result;
    if (!mine->header_given && !fits_the_heap(mine) && !lease_record(link, again))
        return TH_WANT_READ;
    return hand_header(mine, buffer, bytes);
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool is_served(const struct th_link *link)
{
    const struct th_link_leases *mine = &link->leases;
    bool dialed = link->phase == TH_PHASE_DIALING && mine->handshake.memory;
    return dialed || (mine->record.memory && !link->payer.cell.memory);
}

static uint64_t due_ms(const struct th_link *link)
{
    const struct th_link_leases *mine = &link->leases;
    return th_clock_earlier(th_lease_due_ms(handshakes(link), &mine->handshake, TH_LEASE_MS),
                            th_lease_due_ms(records(link), &mine->record, TH_LEASE_MS));
}

int th_link_lease_wait_ms(const struct th_link *link)
{
    if (!leases(link))
        return -1;
    return is_served(link) ? 0 : th_clock_wait_ms(due_ms(link), th_clock_ms());
}

int th_link_lease_overdue(struct th_link *link)
{
    if (!leases(link) || th_clock_ms() < due_ms(link))
        return 0;
    return th_fault_set(&link->fault, TH_E_TIMEOUT, "%s:%u: %s was not completed within %u ms, and "
                        "others wait for its memory", link->config.host, link->port,
                        link->leases.handshake.memory ? "the TLS handshake" : "a TLS record",
                        (unsigned)TH_LEASE_MS);
}

/* ---- giving back ----------------------------------------------------------------------------- */

static bool handshake_is_over(const struct th_link *link)
{
    return link->leases.handshake.memory && link->tls.shaken &&
           th_payer_annex_is_idle(&link->payer);
}

static bool record_is_over(const struct th_link *link)
{
    const struct th_link_leases *mine = &link->leases;
    bool between = !mine->left_bytes && !mine->header_read;
    return mine->record.memory && th_payer_cell_is_idle(&link->payer) &&
           (between || link->phase == TH_PHASE_CLOSING);
}

void th_link_lease_settle(struct th_link *link)
{
    if (!leases(link))
        return;
    if (handshake_is_over(link))
        end_handshake(link);
    if (record_is_over(link))
        end_record(link);
    if (link->phase == TH_PHASE_CLOSING && link->leases.record.waits)
        end_record(link);
}

void th_link_lease_end(struct th_link *link)
{
    if (!leases(link))
        return;
    end_record(link);
    end_handshake(link);
    memset(&link->leases, 0, sizeof link->leases);
}
