/* An options file with any content, for any command and under both names: what is taken has its
 * end within the file, and what is refused is told in one line. */
#include "cli/optionfile.h"
#include "cli/persona.h"

#include <stdlib.h>
#include <string.h>

static char content[TH_CLI_OPTIONFILE_BYTES + 1];

static void within(const char *text)
{
    if (text && (text < content || text + strlen(text) >= content + sizeof content))
        abort();
}

static void list_within(const struct th_cli_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        within(list->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct th_cli_settings settings;
    struct th_cli_problem problem = {.text = ""};
    if (size < 2 || size - 1 > TH_CLI_OPTIONFILE_BYTES)
        return 0;
    th_cli_persona_take(data[0] & 4 ? "mosquitto_pub" : "thimble");
    th_cli_settings_clear(&settings, 1 << (data[0] & 3) % 3);
    memset(content, 0, sizeof content);
    memcpy(content, data + 1, size - 1);
    if (!th_cli_optionfile_parse(&settings, content, size - 1, "FILE", &problem) &&
        (!*problem.text || strchr(problem.text, '\n')))
        abort();
    within(settings.host);
    within(settings.message);
    within(settings.password_argument);
    list_within(&settings.topics);
    list_within(&settings.addresses);
    return 0;
}
