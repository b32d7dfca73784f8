/* The format of -F, taken apart: text as it stands, and sequences that begin with '%', '@' or '\'.
 * The sequences are mosquitto's. */
#ifndef TH_CLI_FORMAT_H
#define TH_CLI_FORMAT_H

#include "cli/options.h"

/* No field is wider, no precision greater. */
#define TH_CLI_FORMAT_WIDEST 65535

struct th_cli_item {
    struct th_slice text; /* the item as it was written */
    char sigil;           /* '%', '@', '\\'; 0: text as it stands */
    char kind;            /* what follows the sigil, flags and numbers left out */
    bool left;            /* '-' */
    bool zeros;           /* '0' */
    int width;            /* 0: none */
    int precision;        /* -1: none */
    char separator;       /* of the fields of %x and %X */
};

/* Takes the next item off *format. False at the end, or if it is none: then *format has not moved,
 * and the item holds what there is of it, kind 0 if its end is missing. */
bool th_cli_format_next(const char **format, struct th_cli_item *item);

/* Is every item known? False: see `problem`. */
bool th_cli_format_check(const char *format, struct th_cli_problem *problem);

/* The item prints the payload, or part of it. */
bool th_cli_format_is_payload(const struct th_cli_item *item);

#endif
