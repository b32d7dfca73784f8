#include "cli/problem.h"

#include "base/format.h"
#include <stdarg.h>

bool th_cli_problem(struct th_cli_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    th_format_list(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return false;
}
