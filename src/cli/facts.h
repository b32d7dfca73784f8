/* Facts, each with a name: for people a line each, or as members of JSON objects. */
#ifndef TH_CLI_FACTS_H
#define TH_CLI_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <thimble.h>

/* From now on as JSON, or not: one object. */
void th_cli_facts_begin(bool as_json);
void th_cli_facts_end(void);

/* An object or an array in it (`name`: NULL in an array), and its end. */
void th_cli_facts_open(const char *name, char bracket);
void th_cli_facts_shut(char bracket);

void th_cli_fact(const char *name, const char *text); /* NULL: within an array */
void th_cli_fact_number(const char *name, int64_t number);
void th_cli_fact_flag(const char *name, bool flag);
void th_cli_fact_hex(const char *name, struct th_slice bytes);
void th_cli_fact_time(const char *name, int64_t when_s); /* "2027-01-31T12:00:00Z" */

/* All of it, from begin to end: {"file":"...","state":"..."}; `state` may be NULL. */
void th_cli_facts_file(const char *path, const char *state);

/* For people only. */
void th_cli_facts_blank(void);

#define TH_CLI_TIME_TEXT_BYTES 24
const char *th_cli_time_text(int64_t when_s, char text[TH_CLI_TIME_TEXT_BYTES]);

#endif
