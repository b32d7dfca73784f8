#include "cli/print.h"

#include "base/slice.h"
#include "cli/exit.h"
#include "cli/float.h"
#include "cli/json.h"
#include "cli/moment.h"
#include "cli/out.h"
#include "cli/parameter.h"
#include "cli/say.h"
#include "cli/show.h"
#include "cli/watch.h"

static struct {
    const struct th_cli_settings *settings;
    const char *format;
    bool whole;  /* it needs the payload twice, or parsed */
    bool timed;  /* it needs the moment */
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
        own.timed |= item.sigil == '@' || (item.sigil == '%' && strchr("IUjJ", item.kind));
    }
}

void th_cli_print_open(const struct th_cli_settings *settings)
{
    memset(&own, 0, sizeof own);
    own.settings = settings;
    own.format = settings->format ? settings->format : settings->verbose ? "%t %p" : "%p";
    study_format();
    if (own.timed)
        th_cli_moment_open();
    th_cli_out_guard(settings->watch);
    if (settings->watch)
        th_cli_watch_open();
}

/* ---- the payload ---------------------------------------------------------------------------- */

static bool is_first(const struct th_delivery *piece)
{
    return piece->offset_bytes == 0;
}

static bool is_last(const struct th_delivery *piece)
{
    return piece->offset_bytes + piece->payload.len_bytes == piece->total_bytes;
}

/* The field is filled up before its first piece, or behind its last. */
static void pad(const struct th_cli_item *item, const struct th_delivery *piece, size_t whole_bytes)
{
    size_t width = (size_t)item->width;
    if (item->left ? is_last(piece) : is_first(piece))
        th_cli_parameter_pad(item->zeros && !item->left ? '0' : ' ',
                             width > whole_bytes ? width - whole_bytes : 0);
}

static void put_bytes(const struct th_cli_item *item, const struct th_delivery *piece)
{
    if (!item->left)
        pad(item, piece, piece->total_bytes);
    th_cli_out_foreign(piece->payload.data, piece->payload.len_bytes);
    if (is_last(piece))
        th_cli_out_foreign_end();
    if (item->left)
        pad(item, piece, piece->total_bytes);
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
    if (!item->left)
        pad(item, piece, whole_bytes);
    for (size_t i = 0; i < piece->payload.len_bytes; i++) {
        size_t place = 2 * (piece->offset_bytes + i);
        put_nibble(item, place, piece->payload.data[i] >> 4);
        put_nibble(item, place + 1, piece->payload.data[i] & 15);
    }
    if (item->left)
        pad(item, piece, whole_bytes);
}

static void say_unfit(const struct th_delivery *message, const char *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_say("the message on topic %s %s", th_cli_show_slice(message->topic, shown), problem);
}

/* printf's: zeros stand behind the sign. */
static void put_float_text(const struct th_cli_item *item, struct th_slice text)
{
    bool zeros = item->zeros && text.data[text.len_bytes - 1] < 'a';
    struct th_cli_item rest = *item;
    if (zeros && !item->left && text.data[0] == '-') {
        th_cli_out_text("-");
        text = th_slice_of(text.data + 1, text.len_bytes - 1);
        rest.width -= rest.width > 0;
    }
    th_cli_parameter_field(&rest, text, zeros);
}

static void put_float(const struct th_cli_item *item, const struct th_delivery *piece)
{
    size_t bytes = item->kind == 'f' ? 4 : 8;
    uint64_t bits = 0;
    if (!is_first(piece))
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
    put_float_text(item, th_cli_float_text(bits, item->precision < 0 ? 6 : (unsigned)item->precision));
}

static void put_json(const struct th_cli_item *item, const struct th_delivery *piece)
{
    if (!th_cli_json_message(piece, own.settings->pretty, item->kind == 'J'))
        say_unfit(piece, "is not JSON, as %J needs it");
    if (is_last(piece))
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
    if (!own.settings->no_newline && !own.settings->watch)
        th_cli_out("\n", 1);
}

/* What stands before the payload goes with the first piece, what stands behind it with the last. */
static void put_format(const struct th_delivery *piece)
{
    struct th_cli_item item;
    bool wanted = is_first(piece);
    for (const char *at = own.format; th_cli_format_next(&at, &item);) {
        if (th_cli_format_is_payload(&item)) {
            put_payload(&item, piece);
            wanted = is_last(piece);
        } else if (wanted) {
            put_item(&item, piece);
        }
    }
    if (is_last(piece))
        end_line();
}

/* ---- messages ------------------------------------------------------------------------------- */

static void refuse_pieces(const struct th_delivery *piece)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (!is_first(piece))
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
    if (!own.settings->verbose || own.settings->no_newline)
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
    if (own.timed && is_first(piece))
        th_cli_moment_take();
    if (own.settings->watch && is_first(piece))
        th_cli_watch_begin(piece->topic);
    if (own.settings->jsonl)
        put_line(piece);
    else if (own.whole && !(is_first(piece) && is_last(piece)))
        refuse_pieces(piece);
    else if (!own.settings->format && !piece->total_bytes)
        put_empty(piece);
    else
        put_format(piece);
}

void th_cli_print_cut(void)
{
    th_cli_out_foreign_end();
    if (!own.settings->jsonl && !own.whole)
        end_line();
}

int th_cli_print_status(void)
{
    return own.status;
}

void th_cli_print_close(void)
{
    if (own.settings->watch)
        th_cli_watch_close();
    th_cli_out_flush();
}
