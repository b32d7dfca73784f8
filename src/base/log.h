/* Log lines go to the configured sink; nothing is printed here. */
#ifndef TH_BASE_LOG_H
#define TH_BASE_LOG_H

#include <thimble.h>

void th_log(const struct th_log *log, enum th_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
