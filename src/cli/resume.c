#include "cli/resume.h"

#include "base/slice.h"
#include "cli/exit.h"
#include "cli/piece.h"
#include "cli/print.h"
#include "cli/say.h"
#include "crypt/hash.h"

static struct {
    bool printing;              /* a message has begun, and is not whole yet */
    bool again;                 /* it comes once more, and is read over */
    bool foreign;               /* what came once more was another one, and is left out */
    bool session_present;
    int status;
    uint16_t packet_id;
    size_t total_bytes;
    size_t printed_bytes;
    struct th_crypt_hash printed; /* its topic, and what of it was printed */
    struct th_crypt_hash repeated;
} own;

void th_cli_resume_open(void)
{
    memset(&own, 0, sizeof own);
}

/* ---- the break ------------------------------------------------------------------------------ */

static void break_off(const char *why)
{
    th_cli_print_cut();
    th_cli_warn("the message before was cut off after %zu bytes: %s", own.printed_bytes, why);
    own.printing = false;
}

static void break_off_lost(void)
{
    if (own.printing)
        break_off("the connection was lost");
}

void th_cli_resume_connected(bool session_present)
{
    own.session_present = session_present;
    if (!own.packet_id)
        break_off_lost();
}

int th_cli_resume_close(void)
{
    break_off_lost();
    return own.status;
}

/* ---- the beginning -------------------------------------------------------------------------- */

static bool may_be_the_same(const struct th_delivery *piece)
{
    return own.printing && piece->packet_id == own.packet_id &&
           piece->total_bytes == own.total_bytes && (own.session_present || piece->dup);
}

static void begin(const struct th_delivery *piece)
{
    own.foreign = false;
    own.again = may_be_the_same(piece);
    th_crypt_hash_begin(&own.repeated);
    th_crypt_hash_add(&own.repeated, piece->topic.data, piece->topic.len_bytes);
    if (own.again)
        return;
    break_off_lost();
    own.packet_id = piece->packet_id;
    own.total_bytes = piece->total_bytes;
    own.printed = own.repeated;
}

/* ---- its pieces ----------------------------------------------------------------------------- */

static void drop_front(struct th_delivery *piece, size_t bytes)
{
    piece->offset_bytes += bytes;
    piece->payload = th_slice_of(piece->payload.data + bytes, piece->payload.len_bytes - bytes);
}

/* All that was printed has come again: is it the same? */
static void compare(void)
{
    own.again = false;
    if (th_crypt_hash_equal(&own.repeated, &own.printed))
        return;
    own.foreign = true;
    own.status = TH_CLI_LOST;
    break_off("what the broker sends again in its place differs, and is left out");
}

static void read_over(struct th_delivery *piece)
{
    size_t left = own.printed_bytes - piece->offset_bytes;
    size_t part = left < piece->payload.len_bytes ? left : piece->payload.len_bytes;
    th_crypt_hash_add(&own.repeated, piece->payload.data, part);
    drop_front(piece, part);
    if (part == left)
        compare();
}

/* A message that comes whole, or cannot come again, needs no hash. */
static void note(const struct th_delivery *piece)
{
    own.printed_bytes = piece->offset_bytes + piece->payload.len_bytes;
    own.printing = own.printed_bytes < own.total_bytes;
    if (own.printing && own.packet_id)
        th_crypt_hash_add(&own.printed, piece->payload.data, piece->payload.len_bytes);
}

bool th_cli_resume_take(struct th_delivery *piece)
{
    if (th_cli_piece_is_first(piece) && th_cli_piece_is_last(piece) && !own.printing)
        return true;
    if (th_cli_piece_is_first(piece))
        begin(piece);
    if (own.again)
        read_over(piece);
    if (own.again || own.foreign)
        return false;
    note(piece);
    return piece->payload.len_bytes > 0 || piece->total_bytes == 0;
}
