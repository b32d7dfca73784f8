/* --log-format: what is said on standard error, as lines of JSON, as logfmt, or with the priorities
 * of systemd (sd-daemon(3)). */
#ifndef TH_AGENT_LOG_H
#define TH_AGENT_LOG_H

#include "agent/part.h"

/* The sentences become the event "log". */
extern const struct th_agent_part th_agent_log;

/* An event of another name, which is listed in thimble-agent(1). False: the format has sentences
 * only. */
bool th_agent_log_begin(enum th_log_level level, const char *event);
void th_agent_log_text(const char *name, const char *text);
void th_agent_log_end(void);

#endif
