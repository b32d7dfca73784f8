#include "cli/mem.h"

#include "cli/command.h"
#include "cli/misfit.h"
#include "cli/out.h"
#include "cli/printed.h"
#include <limits.h>
#include <string.h>

static const struct view {
    const char *name;
    int (*show)(char *words[], bool as_json);
    int least, most; /* words it takes */
    const char *summary;
} views[] = {
    {"static", th_cli_mem_static, 0, 0, "         what the program reserves, section by section"},
    {"report", th_cli_mem_report, 1, 1,
     "PATH|PID what a process uses, through its --status-socket"},
    {"plan", th_cli_mem_plan, 2, INT_MAX,
     "CHAIN COMMAND ...  what a command line would need, before it runs, but for CRLs and OCSP"},
};

#define VIEWS (sizeof views / sizeof *views)

static int list(void)
{
    for (size_t i = 0; i < VIEWS; i++)
        th_cli_out_format("  thimble mem %s %s\n", views[i].name, views[i].summary);
    th_cli_out_text("\nWith --json behind it, as JSON. More: man thimble-mem.\n");
    return th_cli_printed();
}

static int show(const struct view *view, int argc, char *argv[])
{
    bool as_json = argc > 0 && !strcmp(argv[argc - 1], "--json");
    if (as_json)
        argv[--argc] = NULL;
    if (argc < view->least || argc > view->most)
        return th_cli_misfit(argc ? argv[argc - 1] : view->name, "mem");
    return view->show(argv, as_json);
}

int th_cli_mem(int argc, char *argv[])
{
    if (argc == 0)
        return list();
    for (size_t i = 0; i < VIEWS; i++)
        if (!strcmp(views[i].name, argv[0]))
            return show(&views[i], argc - 1, argv + 1);
    return th_cli_misfit(argv[0], "mem");
}
