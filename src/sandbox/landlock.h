/* landlock(7): which files may be opened, and which TCP ports connected to. */
#ifndef TH_SANDBOX_LANDLOCK_H
#define TH_SANDBOX_LANDLOCK_H

#include "sandbox/sandbox.h"

/* Writes what holds into locked->holds, and the version the kernel has. */
void th_sandbox_landlock(const struct th_sandbox_wish *wish, struct th_report_sandbox *locked);

#endif
