/* Messages as they come, with -v behind their topics. */
#include "cli/print.h"

#include "cli/exit.h"
#include "cli/format.h"
#include "cli/out.h"
#include "cli/piece.h"

static struct {
    bool verbose;
    bool nothing_for_nothing; /* an empty message prints nothing */
    const char *line_end;
} own;

void th_cli_print_open(const struct th_cli_settings *settings)
{
    own.verbose = settings->verbose;
    own.nothing_for_nothing = !settings->verbose || settings->no_newline;
    own.line_end = settings->no_newline ? "" : "\n";
}

static void put(struct th_slice text)
{
    th_cli_out_foreign(text.data, text.len_bytes);
}

static void put_topic(const struct th_delivery *message)
{
    put(message->topic);
    th_cli_out_foreign_end();
    th_cli_out_text(" ");
}

static void put_piece(const struct th_delivery *piece)
{
    if (own.verbose && th_cli_piece_is_first(piece))
        put_topic(piece);
    put(piece->payload);
    if (th_cli_piece_is_last(piece))
        th_cli_print_cut();
}

/* As mosquitto_sub prints it. */
static void put_empty(const struct th_delivery *message)
{
    if (own.nothing_for_nothing)
        return;
    put_topic(message);
    th_cli_out_text("(null)");
    th_cli_out_text(own.line_end);
}

void th_cli_print(const struct th_delivery *piece)
{
    if (piece->total_bytes)
        put_piece(piece);
    else
        put_empty(piece);
}

void th_cli_print_cut(void)
{
    th_cli_out_foreign_end();
    th_cli_out_text(own.line_end);
}

int th_cli_print_status(void)
{
    return TH_CLI_OK;
}

void th_cli_print_close(void)
{
    th_cli_out_flush();
}

/* No option has a format. */
bool th_cli_format_check(const char *format, struct th_cli_problem *problem)
{
    (void)format, (void)problem;
    return false;
}
