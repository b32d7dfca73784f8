/* Where a text is put together that is told when it is whole. One at a time. */
#ifndef TH_CLI_SHEET_H
#define TH_CLI_SHEET_H

#include <stdbool.h>
#include <stddef.h>

/* An empty one, in memory of the caller's. */
void th_cli_sheet_open(void *room, size_t room_bytes);

/* For flows and views (json/flow.h). What finds no room is left out. */
void th_cli_sheet_put(const void *data, size_t bytes);

/* What was put. */
size_t th_cli_sheet_bytes(void);

/* Something found no room. */
bool th_cli_sheet_is_short(void);

#endif
