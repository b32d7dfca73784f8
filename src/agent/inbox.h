/* Where the programs of this machine hand in messages: a Unix socket (--inbox), and standard input
 * (--stdin). A line of JSON each, answered by a line, in order. docs/agent.md. */
#ifndef TH_AGENT_INBOX_H
#define TH_AGENT_INBOX_H

#include "agent/part.h"

/* So many programs at once; the next one waits until one of them ends, or one that has been silent
 * for TH_AGENT_SILENT_MS makes place for it. */
#define TH_AGENT_PRODUCERS 8
#define TH_AGENT_SILENT_MS 10000

/* The longest line, without its newline. */
#define TH_AGENT_LINE_BYTES 16384

/* Of each so many messages may wait for the disk. */
#define TH_AGENT_UNANSWERED 64

extern const struct th_agent_part th_agent_inbox;

#endif
