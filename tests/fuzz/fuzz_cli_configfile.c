/* A configuration with any content, for any command, and for each of two connections: what is taken
 * has its end within the file, and what is refused is told in one line. */
#include "cli/configfile.h"
#include "cli/handlers.h"
#include "cli/lane.h"

#include <stdlib.h>
#include <string.h>

static char contents[2][TH_CLI_CONFIGFILE_BYTES + 1];
static char *content;

static void within(const char *text)
{
    if (text && (text < content || text + strlen(text) >= content + sizeof *contents))
        abort();
}

static void list_within(const struct th_cli_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        within(list->items[i]);
}

static void handlers_within(void)
{
    const struct th_cli_handlers *all = th_cli_handlers();
    for (const struct th_cli_handler *each = all->list; each < all->list + all->count; each++) {
        for (size_t i = 0; i < each->words; i++)
            within(each->run[i]);
        for (size_t i = 0; i < each->variables; i++)
            within(each->names[i]);
        within(each->topic);
        within(each->reply);
    }
}

static void parse(const uint8_t *data, size_t size)
{
    static const int commands[] = {TH_CLI_AGENT, TH_CLI_PUB, TH_CLI_SUB, TH_CLI_RR};
    static struct th_cli_settings settings;
    struct th_cli_problem problem = {.status = 0};
    th_cli_settings_clear(&settings, commands[data[0] & 3]);
    memset(content, 0, sizeof *contents);
    memcpy(content, data + 1, size - 1);
    if (!th_cli_configfile_parse(&settings, content, size - 1, "FILE", &problem) &&
        (!problem.status || !*problem.text || strchr(problem.text, '\n')))
        abort();
    within(settings.host);
    within(settings.will_payload);
    within(settings.password_argument);
    list_within(&settings.topics);
    list_within(&settings.addresses);
    handlers_within();
    if (th_cli_configfile_connections() > TH_LANES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size - 1 > TH_CLI_CONFIGFILE_BYTES)
        return 0;
    for (unsigned i = 0; i < 2; i++) {
        th_cli_lane_enter(i);
        content = contents[i];
        parse(data, size);
    }
    return 0;
}
