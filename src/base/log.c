#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void th_log(const struct th_log *log, enum th_log_level level, const char *format, ...)
{
    if (!log || !log->line || level > log->level)
        return;
    char text[320];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log->line(log->arg, level, text);
}
