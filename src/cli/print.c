#include "cli/print.h"

#include "base/slice.h"
#include "cli/exit.h"
#include "cli/float.h"
#include "cli/json.h"
#include "cli/moment.h"
#include "cli/out.h"
#include "cli/parameter.h"
#include "cli/piece.h"
#include "cli/say.h"
#include "cli/show.h"
#include "cli/watch.h"

static struct {
    const char *format;
    bool given;    /* with -F */
    bool whole;    /* it needs the payload twice, or parsed */
    bool pretty;
    bool jsonl;
    bool watch;
    bool nothing_for_nothing; /* an empty message prints nothing, though there is no -F */
    bool is_first; /* piece of the message being printed */
    bool is_last;
    const char *line_end;
    int status;
} own;

/* ---- before the first message --------------------------------------------------------------- */

static void study_format(void)
{
    struct th_cli_item item;
    int payloads = 0;
    for (const char *at = own.format; th_cli_format_next(&at, &item);) {
        payloads += th_cli_format_is_payload(&item);
        own.whole |= payloads > 1 || (item.sigil == '%' && item.kind == 'J');
    }
}

void th_cli_print_open(const struct th_cli_settings *settings)
{
    memset(&own, 0, sizeof own);
    own.given = settings->format;
    own.format = own.given ? settings->format : settings->verbose ? "%t %p" : "%p";
    own.pretty = settings->pretty;
    own.jsonl = settings->jsonl;
    own.watch = settings->watch;
    own.nothing_for_nothing = !settings->verbose || settings->no_newline;
    own.line_end = settings->no_newline || own.watch ? "" : "\n";
    study_format();
    th_cli_moment_open();
    if (own.watch)
        th_cli_watch_open();
}

/* ---- the payload ---------------------------------------------------------------------------- */

/* The field is filled up before its first piece, and behind its last. */
static void pad_before(const struct th_cli_item *item, size_t whole_bytes)
{
    if (own.is_first && !item->left)
        th_cli_parameter_fill(item, whole_bytes);
}

static void pad_behind(const struct th_cli_item *item, size_t whole_bytes)
{
    if (own.is_last && item->left)
        th_cli_parameter_fill(item, whole_bytes);
}

static void put_bytes(const struct th_cli_item *item, const struct th_delivery *piece)
{
    pad_before(item, piece->total_bytes);
    th_cli_out_foreign(piece->payload.data, piece->payload.len_bytes);
    if (own.is_last)
        th_cli_out_foreign_end();
    pad_behind(item, piece->total_bytes);
}

/* Every `precision` digits of the whole payload make a field of their own. */
static void put_nibble(const struct th_cli_item *item, size_t place, uint8_t nibble)
{
    const char *digits = item->kind == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    if (item->precision > 0 && place > 0 && place % (size_t)item->precision == 0)
        th_cli_out(&item->separator, 1);
    th_cli_out(&digits[nibble], 1);
}

static size_t hexadecimal_bytes(const struct th_cli_item *item, size_t bytes)
{
    size_t nibbles = 2 * bytes;
    return nibbles + (item->precision > 0 && nibbles ? (nibbles - 1) / (size_t)item->precision : 0);
}

static void put_hexadecimal(const struct th_cli_item *item, const struct th_delivery *piece)
{
    size_t whole_bytes = hexadecimal_bytes(item, piece->total_bytes);
    pad_before(item, whole_bytes);
    for (size_t i = 0; i < piece->payload.len_bytes; i++) {
        size_t place = 2 * (piece->offset_bytes + i);
        put_nibble(item, place, piece->payload.data[i] >> 4);
        put_nibble(item, place + 1, piece->payload.data[i] & 15);
    }
    pad_behind(item, whole_bytes);
}

static void say_unfit(const struct th_delivery *message, const char *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_warn("the message on topic %s %s", th_cli_show_slice(message->topic, shown), problem);
}

/* printf's: zeros stand behind the sign. */
static void put_float_text(const struct th_cli_item *item, struct th_slice text)
{
    struct th_cli_item field = *item;
    field.zeros = item->zeros && item->width && !item->left && text.data[text.len_bytes - 1] < 'a';
    if (field.zeros && text.data[0] == '-') {
        th_cli_out_text("-");
        text = th_slice_of(text.data + 1, text.len_bytes - 1);
        field.width--;
    }
    th_cli_parameter_field(&field, text);
}

static void put_float(const struct th_cli_item *item, const struct th_delivery *piece)
{
    size_t bytes = item->kind == 'f' ? 4 : 8;
    uint64_t bits = 0;
    if (!own.is_first)
        return;
    if (piece->total_bytes != bytes) {
        say_unfit(piece, bytes == 4 ? "is not a float of 4 bytes, as %f needs it"
                                    : "is not a double of 8 bytes, as %d needs it");
        return;
    }
    for (size_t i = bytes; i-- > 0;)
        bits = bits << 8 | piece->payload.data[i];
    if (bytes == 4)
        bits = th_cli_float_widen((uint32_t)bits);
    unsigned digits = item->precision < 0 ? 6 : (unsigned)item->precision;
    put_float_text(item, th_cli_float_text(bits, digits));
}

static void put_json(const struct th_cli_item *item, const struct th_delivery *piece)
{
    if (!th_cli_json_message(piece, own.pretty, item->kind == 'J'))
        say_unfit(piece, "is not JSON, as %J needs it");
    if (own.is_last)
        th_cli_out_foreign_end();
}

static void put_payload(const struct th_cli_item *item, const struct th_delivery *piece)
{
    switch (item->kind) {
    case 'p': put_bytes(item, piece); break;
    case 'x':
    case 'X': put_hexadecimal(item, piece); break;
    case 'j':
    case 'J': put_json(item, piece); break;
    default:  put_float(item, piece); break;
    }
}

/* ---- the rest of the format ----------------------------------------------------------------- */

static void put_escape(char kind)
{
    static const char escapes[] = "\\\\" "0\0" "a\a" "e\033" "n\n" "r\r" "t\t" "v\v";
    const char *at = escapes;
    while (*at != kind)
        at += 2;
    th_cli_out(at + 1, 1);
}

static void put_time(char kind)
{
    char text[TH_CLI_MOMENT_BYTES];
    th_cli_out(text, th_cli_moment_text((char[]){'@', kind, '\0'}, text));
}

static void put_item(const struct th_cli_item *item, const struct th_delivery *message)
{
    if (item->sigil == '%')
        th_cli_parameter_print(item, message);
    else if (item->sigil == '@')
        put_time(item->kind);
    else if (item->sigil)
        put_escape(item->kind);
    else
        th_cli_out(item->text.data, item->text.len_bytes);
}

static void end_line(void)
{
    th_cli_out(own.line_end, strlen(own.line_end));
}

/* What stands before the payload goes with the first piece, what stands behind it with the last. */
static void put_format(const struct th_delivery *piece)
{
    struct th_cli_item item;
    bool wanted = own.is_first;
    for (const char *at = own.format; th_cli_format_next(&at, &item);) {
        if (th_cli_format_is_payload(&item)) {
            put_payload(&item, piece);
            wanted = own.is_last;
        } else if (wanted) {
            put_item(&item, piece);
        }
    }
    if (own.is_last)
        end_line();
}

/* ---- messages ------------------------------------------------------------------------------- */

static void refuse_pieces(const struct th_delivery *piece)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!own.is_first)
        return;
    own.status = TH_CLI_TOO_LARGE;
    th_cli_say_status(own.status, "the message on topic %s is left out: -F %s needs its %zu bytes "
                      "at once, the packet window has no room for them; give %%p, %%x or %%j, one "
                      "of them, once", th_cli_show_slice(piece->topic, shown), own.format,
                      piece->total_bytes);
}

/* An empty message: nothing at all, or with -v "TOPIC (null)", as mosquitto_sub prints it. */
static void put_empty(const struct th_delivery *message)
{
    if (own.nothing_for_nothing)
        return;
    th_cli_out_foreign(message->topic.data, message->topic.len_bytes);
    th_cli_out_text(" (null)");
    end_line();
}

static void put_line(const struct th_delivery *piece)
{
    th_cli_json_line(piece);
    th_cli_out_foreign_end();
    th_cli_out("\n", 1);
}

void th_cli_print(const struct th_delivery *piece)
{
    own.is_first = th_cli_piece_is_first(piece);
    own.is_last = th_cli_piece_is_last(piece);
    if (own.given && own.is_first)
        th_cli_moment_take();
    if (own.watch && own.is_first)
        th_cli_watch_begin(piece->topic);
    if (own.jsonl)
        put_line(piece);
    else if (own.whole && !(own.is_first && own.is_last))
        refuse_pieces(piece);
    else if (!own.given && !piece->total_bytes)
        put_empty(piece);
    else
        put_format(piece);
}

void th_cli_print_cut(void)
{
    th_cli_out_foreign_end();
    if (!own.jsonl && !own.whole)
        end_line();
}

int th_cli_print_status(void)
{
    return own.status;
}

void th_cli_print_close(void)
{
    if (own.watch)
        th_cli_watch_close();
    th_cli_out_flush();
}
