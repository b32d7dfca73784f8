/* The report as a table, from which it is written as JSON and read again. */
#ifndef TH_REPORT_FIELDS_H
#define TH_REPORT_FIELDS_H

#include <thimble/report.h>

enum th_field_kind {
    TH_FIELD_LEAF,   /* an object: what follows lies in struct th_report */
    TH_FIELD_LIST,   /* an object of objects: in each element of a list */
    TH_FIELD_NUMBER, /* uint32_t */
    TH_FIELD_LONG,   /* uint64_t */
    TH_FIELD_FLAG,   /* bool */
    TH_FIELD_TEXT,   /* char[bytes] */
    TH_FIELD_NAME,   /* const char *, NULL is written as "" */
    TH_FIELD_PHASE,  /* enum th_phase; "" if nothing was refused */
    TH_FIELD_MODE,   /* uint8_t, enum th_report_sandbox_mode */
    TH_FIELD_BIT,    /* of a uint8_t; `bytes` is its number */
    TH_FIELD_BYTE,   /* uint8_t */
    TH_FIELD_WHOLE,  /* whether there is nothing that the sandbox lacks */
};

struct th_field {
    uint16_t offset; /* of TH_FIELD_LIST: number of the list */
    uint8_t kind;
    uint8_t bytes;
};

/* A place in the table. */
struct th_field_at {
    const struct th_field *field; /* NULL: behind the end */
    const char *name;
};

struct th_field_at th_field_first(void);
struct th_field_at th_field_next(struct th_field_at at);

/* True for what is in the same object as the one before. */
bool th_field_is_member(struct th_field_at at);

/* "auto" for TH_REPORT_SANDBOX_AUTO. */
const char *th_field_mode_name(int mode);

/* Where element `i` of a list lies in struct th_report; 0: there are no more. And its name; NULL:
 * likewise, or a purpose that has none yet. */
size_t th_field_element(unsigned list, unsigned i);
const char *th_field_element_name(const struct th_report *report, unsigned list, unsigned i);

#define TH_FIELD_PURPOSES 2 /* the list whose names are in the report */
#define TH_FIELD_LEASES 3

#endif
