/* thimble mem: views of memory that need no connection. `words` are those behind the view's name,
 * without --json, and end with NULL. */
#ifndef TH_CLI_MEM_H
#define TH_CLI_MEM_H

#include <stdbool.h>

/* What the linked image reserves. */
int th_cli_mem_static(char *words[], bool as_json);

/* What a process uses now, asked through its status socket: of a path or a process number. */
int th_cli_mem_report(char *words[], bool as_json);

/* What a command line would need of every pool. */
int th_cli_mem_plan(char *words[], bool as_json);

#endif
