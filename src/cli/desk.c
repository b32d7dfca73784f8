/* What cert, key and csr begin with. */
#include "cli/cert.h"

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lock.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "cli/server.h"
#include "cli/word.h"
#include <string.h>

bool th_cli_word_take(struct th_cli_settings *settings, const char *word)
{
    struct th_cli_list *words = &settings->words;
    bool is_word = settings->command & TH_CLI_FILES && (word[0] != '-' || !word[1]);
    if (!is_word || words->count == TH_CLI_LIST_MAX)
        return false;
    words->items[words->count++] = word;
    return true;
}

/* Not inlined, as what follows: what is wrong would lie below all that is done. */
__attribute__((noinline)) static bool read_settings(struct th_cli_settings *settings, int command,
                                                    int argc, char *argv[])
{
    struct th_cli_problem problem;
    th_cli_voice_call(th_cli_commands_named(command), NULL);
    th_cli_settings_clear(settings, command);
    if (th_cli_options_parse(settings, argc, argv, &problem))
        return true;
    th_cli_complain("%s", problem.text);
    return false;
}

/* The verb is the first word, unless it has no name. */
static bool is_verb(const struct th_cli_verb *verb, const struct th_cli_list *words)
{
    uint32_t named = verb->name != NULL;
    if (named && (words->count == 0 || strcmp(words->items[0], verb->name)))
        return false;
    return words->count >= named + verb->least && words->count <= named + verb->most;
}

static const struct th_cli_verb *find(const struct th_cli_verb *verbs, size_t count,
                                      const struct th_cli_list *words)
{
    for (size_t i = 0; i < count; i++)
        if (is_verb(&verbs[i], words))
            return &verbs[i];
    return NULL;
}

static void drop_first(struct th_cli_list *words)
{
    if (words->count == 0)
        return;
    words->count--;
    memmove(words->items, words->items + 1, words->count * sizeof *words->items);
}

__attribute__((noinline)) static bool take_server(struct th_cli_settings *settings)
{
    struct th_cli_problem problem;
    if (th_cli_server_take(settings, &problem))
        return true;
    th_cli_complain("%s", problem.text);
    return false;
}

/* What others have made, and says it. A key may need a terminal. */
static bool only_reads(const struct th_cli_settings *settings)
{
    return settings->command == TH_CLI_CERT && !th_cli_server_is_taken() && !settings->out &&
           !settings->key;
}

int th_cli_desk(int command, const struct th_cli_verb *verbs, size_t count, int argc, char *argv[])
{
    static struct th_cli_settings settings;
    if (!read_settings(&settings, command, argc, argv))
        return TH_CLI_USAGE;
    if (settings.help) {
        th_cli_help_command(command);
        return th_cli_printed();
    }
    const struct th_cli_verb *verb = find(verbs, count, &settings.words);
    if (!verb)
        return th_cli_complain("these words do not fit; see thimble %s --help",
                               th_cli_commands_named(command));
    drop_first(&settings.words);
    if (!take_server(&settings))
        return TH_CLI_USAGE;
    const char *host = settings.host; /* none is given by itself */
    th_cli_settings_default(&settings);
    settings.host = host;
    if (only_reads(&settings))
        th_cli_lock_wish(&settings, false);
    int status = only_reads(&settings) ? th_cli_lock(&settings) : TH_CLI_OK;
    return status ? status : verb->run(&settings);
}

int th_cli_cert_read(const char *path, th_certificate_taker take, void *arg)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    struct th_fault fault = {0};
    struct th_source source = {.path = strcmp(path, "-") ? path : "/dev/stdin"};
    int result = th_certificates_read(block, bytes, &source, take, arg, &fault);
    return result < 0 ? th_cli_say_fault(&fault) : TH_CLI_OK;
}
