/* Where in its message a piece stands. One that comes whole is both first and last. */
#ifndef TH_CLI_PIECE_H
#define TH_CLI_PIECE_H

#include <thimble.h>

static inline bool th_cli_piece_is_first(const struct th_delivery *piece)
{
    return piece->offset_bytes == 0;
}

static inline bool th_cli_piece_is_last(const struct th_delivery *piece)
{
    return piece->offset_bytes + piece->payload.len_bytes == piece->total_bytes;
}

#endif
