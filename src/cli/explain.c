#include "cli/command.h"

#include "cli/exit.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "cli/show.h"
#include <string.h>

static void list_all(void)
{
    for (size_t i = 0; i < th_cli_exits_count; i++)
        th_cli_out_format("%3d %-28s %s\n", th_cli_exits[i].status, th_cli_exits[i].name,
                          th_cli_exit_meaning(&th_cli_exits[i]));
}

static void explain(const struct th_cli_exit *exit)
{
    th_cli_out_format("%d %s\n", exit->status, exit->name);
    th_cli_out_format("%s\n", th_cli_exit_meaning(exit));
    if (*th_cli_exit_remedy(exit))
        th_cli_out_format("%s\n", th_cli_exit_remedy(exit));
}

static const struct th_cli_exit *find(const char *word)
{
    int64_t status;
    if (th_cli_number_parse(word, 0, 255, &status))
        return th_cli_exit_find((int)status);
    for (size_t i = 0; i < th_cli_exits_count; i++)
        if (!strcmp(th_cli_exits[i].name, word))
            return &th_cli_exits[i];
    return NULL;
}

static int refuse(const char *word)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_cli_complain("explain %s: no code of thimble's own; thimble explain lists them",
                           th_cli_show(word, shown));
}

int th_cli_explain(int argc, char *argv[])
{
    if (argc == 0)
        list_all();
    for (int i = 0; i < argc; i++)
        if (!find(argv[i]))
            return refuse(argv[i]);
    for (int i = 0; i < argc; i++)
        explain(find(argv[i]));
    return th_cli_printed();
}
