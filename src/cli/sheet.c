#include "cli/sheet.h"

#include <string.h>

static struct {
    char *begin, *at, *end;
    bool is_short;
} sheet;

void th_cli_sheet_open(void *room, size_t room_bytes)
{
    sheet.begin = sheet.at = room;
    sheet.end = sheet.at + room_bytes;
    sheet.is_short = false;
}

void th_cli_sheet_put(const void *data, size_t bytes)
{
    size_t room_bytes = (size_t)(sheet.end - sheet.at);
    sheet.is_short |= bytes > room_bytes;
    bytes = bytes < room_bytes ? bytes : room_bytes;
    memcpy(sheet.at, data, bytes);
    sheet.at += bytes;
}

size_t th_cli_sheet_bytes(void)
{
    return (size_t)(sheet.at - sheet.begin);
}

bool th_cli_sheet_is_short(void)
{
    return sheet.is_short;
}
