/* For tests: makes allocations fail. Linked into test programs, and into a test build of the whole
 * binary, where linking it in is all that is needed: TH_FAIL_AT is read before main. */
#ifndef TH_MEM_FAILING_H
#define TH_MEM_FAILING_H

#include <stdbool.h>
#include <stddef.h>

#include "purpose.h"

/* Counting starts at 1 with the next allocation of any payer. `th_failing_at(n, false)` refuses
 * the n-th only, `th_failing_at(n, true)` the n-th and all that follow; n = 0 only counts. */
void th_failing_at(size_t n, bool from_then_on);
void th_failing_stop(void);

size_t th_failing_seen(void);     /* allocations asked for since */
size_t th_failing_injected(void); /* of which refused here: 0 means the sweep is over */

/* Called at each refusal, if set, from the depth of the code that asked. */
extern void (*th_failing_witness)(enum th_purpose purpose, size_t bytes);

/* Before main: reads TH_FAIL_AT ("17" or "17+", 0 only counts); nothing if it is not set. */
void th_failing_from_environment(void);

#endif
