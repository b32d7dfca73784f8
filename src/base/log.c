#include "base/log.h"

#include "base/format.h"

#include <stdarg.h>

void th_log(const struct th_log *log, enum th_log_level level, const char *format, ...)
{
    if (!log || !log->line || level > log->level)
        return;
    char text[320];
    va_list args;
    va_start(args, format);
    th_format_list(text, sizeof text, format, args);
    va_end(args);
    log->line(log->arg, level, text);
}
