#include "cli/print.h"

#include "cli/exit.h"
#include "cli/out.h"

static const struct th_cli_settings *settings;

void th_cli_print_open(const struct th_cli_settings *wanted)
{
    settings = wanted;
}

static void end_line(void)
{
    if (!settings->no_newline)
        th_cli_out("\n", 1);
}

static void print_topic(const struct th_delivery *piece)
{
    th_cli_out(piece->topic.data, piece->topic.len_bytes);
    th_cli_out(" ", 1);
}

/* An empty message: nothing at all, or with -v "TOPIC (null)", as mosquitto_sub prints it. */
static void print_empty(const struct th_delivery *piece)
{
    if (!settings->verbose || settings->no_newline)
        return;
    print_topic(piece);
    th_cli_out_text("(null)\n");
}

static void print_piece(const struct th_delivery *piece)
{
    if (piece->offset_bytes == 0 && settings->verbose)
        print_topic(piece);
    th_cli_out(piece->payload.data, piece->payload.len_bytes);
    if (piece->offset_bytes + piece->payload.len_bytes == piece->total_bytes)
        end_line();
}

void th_cli_print(const struct th_delivery *piece)
{
    if (piece->total_bytes == 0)
        print_empty(piece);
    else
        print_piece(piece);
}

void th_cli_print_cut(void)
{
    end_line();
}

int th_cli_print_status(void)
{
    return TH_CLI_OK;
}

void th_cli_print_close(void)
{
}
