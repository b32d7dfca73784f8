#include "cli/options.h"

#include "base/format.h"
#include "cli/absent.h"
#include "cli/given.h"
#include "cli/names.h"
#include "cli/nearest.h"
#include "cli/number.h"
#include "cli/persona.h"
#include "cli/properties.h"
#include "cli/show.h"
#include "cli/word.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOINED_BYTES 4096

/* ---- one value ---- */

/* An option on its way: the name the user typed and the value he gave it. */
struct giving {
    const struct th_cli_option *option;
    const char *name;
    char *value;
    void *place;
    struct th_cli_problem *problem;
};

static bool refuse(const struct giving *g, const char *remedy)
{
    char shown[TH_CLI_SHOWN_BYTES] = "(hidden)";
    if (g->option->kind != TH_CLI_SECRET)
        th_cli_show(g->value, shown);
    return th_cli_problem(g->problem, "%s %s: %s", g->name, shown, remedy);
}

static bool give_flag(const struct giving *g)
{
    if (g->value)
        return refuse(g, "takes no value");
    *(bool *)g->place = true;
    return true;
}

static bool length_fits(const struct giving *g)
{
    const struct th_cli_option *option = g->option;
    size_t bytes = strlen(g->value);
    char remedy[64];
    if (bytes < (option->kind == TH_CLI_JOINED ? 1 : option->min))
        th_format(remedy, sizeof remedy, "is empty; give a %s", th_cli_value(option));
    else if (th_cli_max(option) && bytes > th_cli_max(option))
        th_format(remedy, sizeof remedy, "too long; give at most %u bytes", th_cli_max(option));
    else
        return true;
    return refuse(g, remedy);
}

static bool give_text(const struct giving *g)
{
    if (!length_fits(g))
        return false;
    *(char **)g->place = g->value;
    return true;
}

/* Again: one more. */
static bool give_joined(const struct giving *g)
{
    static char room[JOINED_BYTES];
    static size_t used;
    char **place = g->place;
    if (!*place || !length_fits(g))
        return give_text(g);
    size_t bytes = strlen(*place) + strlen(g->value) + 2;
    if (bytes > sizeof room - used)
        return refuse(g, "one too many; leave some out");
    th_format(room + used, bytes, "%s%c%s", *place, g->option->min, g->value);
    *place = room + used;
    used += bytes;
    return true;
}

static bool give_list(const struct giving *g)
{
    struct th_cli_list *list = g->place;
    if (!length_fits(g))
        return false;
    if (list->count == TH_CLI_LIST_MAX)
        return refuse(g, "one too many; give at most 64 of them");
    list->items[list->count++] = g->value;
    return true;
}

static const struct th_cli_word *word_of(const struct th_cli_option *option, const char *value)
{
    const struct th_cli_word *word = th_cli_word_list(option);
    for (; word && word->text; word++)
        if (!strcmp(word->text, value))
            return word;
    return NULL;
}

static bool give_word(const struct giving *g)
{
    const struct th_cli_word *word = word_of(g->option, g->value);
    if (word) {
        *(int64_t *)g->place = word->number;
        return true;
    }
    char remedy[96] = "give ";
    for (word = th_cli_word_list(g->option); word->text; word++) {
        size_t used = strlen(remedy);
        th_format(remedy + used, sizeof remedy - used, "%s%s", word->text,
                 !word[1].text ? "" : word[2].text ? ", " : " or ");
    }
    return refuse(g, remedy);
}

static bool give_number(const struct giving *g)
{
    const struct th_cli_option *option = g->option;
    if (word_of(option, g->value))
        return give_word(g);
    if (th_cli_number_parse(g->value, option->min, th_cli_max(option), g->place))
        return true;
    *(int64_t *)g->place = TH_CLI_UNSET;
    const struct th_cli_word *word = th_cli_word_list(option);
    char remedy[96];
    th_format(remedy, sizeof remedy, "give a whole number from %u to %u%s%s", option->min,
              th_cli_max(option), word ? ", or " : "", word ? word->text : "");
    return refuse(g, remedy);
}

static bool give_seconds(const struct giving *g)
{
    if (th_cli_number_parse_ms(g->value, g->option->min, th_cli_max(g->option), g->place))
        return true;
    return refuse(g, g->option->min ? "give seconds from 0.001 to 86400"
                                    : "give seconds from 0 to 86400");
}

static bool give_maybe_seconds(const struct giving *g)
{
    *(int64_t *)g->place = 0;
    return !g->value || give_seconds(g);
}

static bool give_range(const struct giving *g)
{
    if (th_cli_number_parse_range_ms(g->value, g->option->min, th_cli_max(g->option), g->place))
        return true;
    return refuse(g, "give FIRST..MAX in seconds, such as 1s..60s, from 0.001 to 86400");
}

static bool give_percent(const struct giving *g)
{
    int64_t *hundredths = g->place;
    if (!th_cli_number_parse_ms(g->value, g->option->min, th_cli_max(g->option), hundredths))
        return refuse(g, "give a percentage from 0.1 to 100");
    *hundredths /= 10;
    return true;
}

static bool give_bytes(const struct giving *g)
{
    const struct th_cli_option *option = g->option;
    if (th_cli_number_parse_bytes(g->value, option->min, th_cli_max(option), g->place))
        return true;
    char remedy[96];
    th_format(remedy, sizeof remedy, "give a number of bytes from %u to %u", option->min,
              th_cli_max(option));
    return refuse(g, remedy);
}

static bool give_maybe_text(const struct giving *g)
{
    *(const char **)g->place = "";
    return !g->value || give_text(g);
}

static bool give_report(const struct giving *g)
{
    if (g->value && (strncmp(g->value, "json:", 5) || !g->value[5]))
        return refuse(g, "give json:FILE, or no value");
    return give_maybe_text(g);
}

static bool give(const struct giving *g)
{
    static bool (*const kinds[TH_CLI_KINDS])(const struct giving *) = {
        [TH_CLI_FLAG] = give_flag,
        [TH_CLI_REPORT] = give_report,
        [TH_CLI_MAYBE_TEXT] = give_maybe_text,
        [TH_CLI_MAYBE_SECONDS] = give_maybe_seconds,
        [TH_CLI_NUMBER] = give_number,
        [TH_CLI_WORD] = give_word,
        [TH_CLI_SECONDS] = give_seconds,
        [TH_CLI_RANGE] = give_range,
        [TH_CLI_BYTES] = give_bytes,
        [TH_CLI_PERCENT] = give_percent,
        [TH_CLI_TEXT] = give_text,
        [TH_CLI_SECRET] = give_text,
        [TH_CLI_JOINED] = give_joined,
        [TH_CLI_LIST] = give_list,
    };
    return kinds[g->option->kind](g);
}

bool th_cli_option_give(struct th_cli_settings *settings, const struct th_cli_option *option,
                        const char *name, char *value, struct th_cli_problem *problem)
{
    return give(&(struct giving){option, name, value, (char *)settings + option->offset, problem});
}

/* ---- the words of a command line ---- */

static const char *name_of(size_t i)
{
    return th_cli_long(&th_cli_options[i]);
}

static bool refuse_unknown(const struct th_cli_settings *settings, const char *word,
                           struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_show(word, shown);
    const char *command = th_cli_commands_named(settings->command);
    if (word[0] != '-')
        return th_cli_problem(problem, "%s: a word without an option; quote values with blanks",
                              shown);
    const char *nearest =
        word[1] == '-' ? th_cli_nearest(word + 2, name_of, th_cli_options_count) : NULL;
    if (nearest)
        return th_cli_problem(problem, "%s: no such option; did you mean --%s?", shown, nearest);
    return th_cli_problem(problem, "%s: no such option; see %s%s --help", shown,
                          th_cli_persona_prefix(), command);
}

static bool refuse_elsewhere(const struct giving *g, int command)
{
    return th_cli_problem(g->problem, "%s: an option of %s, not of %s; leave it out", g->name,
                          th_cli_commands_named(g->option->commands),
                          th_cli_commands_named(command));
}

static int refuse_missing(const struct giving *g)
{
    return th_cli_problem(g->problem, "%s: the value is missing; give a %s", g->name,
                          th_cli_value(g->option));
}

/* -D COMMAND NAME VALUE, or -D COMMAND user-property KEY VALUE. */
static int take_property(const struct giving *g, int command, char *words[])
{
    int count = 0;
    while (count < 4 && words[count])
        count++;
    int wanted = count > 1 && th_cli_property_is_pair(words[1]) ? 4 : 3;
    if (count < wanted)
        return refuse_missing(g);
    return th_cli_property_add(g->place, command, words[0], words[1], words[2],
                               wanted == 4 ? words[3] : NULL, g->problem) ? 1 + wanted : 0;
}

/* "--name=value": the name alone; what is behind the "=", or NULL. */
static char *split(char *word, char name[TH_CLI_OPTION_NAME_BYTES])
{
    char *equals = strchr(word, '=');
    size_t bytes = equals ? (size_t)(equals - word) : strlen(word);
    memcpy(name, word, bytes);
    name[bytes] = '\0';
    return equals ? equals + 1 : NULL;
}

/* With mosquitto's clients a URL, and what it stands for, take each other's place. */
static void obey_order(struct th_cli_settings *s, const struct th_cli_option *option)
{
    if (s->persona != TH_CLI_MOSQUITTO)
        return;
    if (option->kind == TH_CLI_PROPERTY)
        s->version = TH_MQTT_5;
    if (option->offset != offsetof(struct th_cli_settings, url))
        return;
    s->host = s->username = NULL;
    s->password_argument = NULL;
    s->port = TH_CLI_UNSET;
}

static int take_value(struct giving g, char *next)
{
    if (g.value || th_cli_stands_alone(g.option))
        return give(&g);
    g.value = next;
    if (!next)
        return refuse_missing(&g);
    return give(&g) ? 2 : 0;
}

/* Where -c is not what it is for mosquitto's clients. */
static const char *word_for(const struct th_cli_settings *settings, const char *word)
{
    bool names_file = settings->command & TH_CLI_AGENT && !strcmp(word, "-c");
    return names_file ? "--config" : word;
}

/* Takes one option and its value. Returns the words used, 0: see the problem. */
static int take(struct th_cli_settings *settings, char *argv[], struct th_cli_problem *problem)
{
    const struct th_cli_option *option = th_cli_option_find(word_for(settings, argv[0]));
    if (!option)
        return th_cli_word_take(settings, argv[0]) || refuse_unknown(settings, argv[0], problem);
    char name[TH_CLI_OPTION_NAME_BYTES];
    struct giving g = {option, name, split(argv[0], name), (char *)settings + option->offset,
                       problem};
    if (th_cli_option_is_absent(option))
        return th_cli_problem(problem, TH_CLI_ABSENT, name);
    if (!(option->commands & settings->command))
        return refuse_elsewhere(&g, settings->command);
    if (option->kind == TH_CLI_DECLINED)
        return th_cli_problem(problem, "%s: %s", name, th_cli_help_line(option));
    obey_order(settings, option);
    if (option->kind == TH_CLI_PROPERTY)
        return take_property(&g, settings->command, argv + 1);
    return take_value(g, argv[1]);
}

bool th_cli_options_parse(struct th_cli_settings *settings, int argc, char *argv[],
                          struct th_cli_problem *problem)
{
    for (int i = 0, used; i < argc; i += used)
        if ((used = take(settings, argv + i, problem)) == 0)
            return false;
    return true;
}

/* ---- the environment ---- */

static bool is_password(const struct th_cli_option *option)
{
    return option->offset == offsetof(struct th_cli_settings, password_argument) ||
           option->offset == offsetof(struct th_cli_settings, password_file);
}

static bool is_wanted(const struct th_cli_settings *settings, const struct th_cli_option *option)
{
    if (!th_cli_variable(option) || th_cli_option_is_given(settings, option))
        return false;
    if (th_cli_is_of_tls(option))
        return !settings->no_tls && !settings->psk_argument && !settings->unix_path;
    if (is_password(option))
        return !settings->password_argument && !settings->password_file;
    return true;
}

/* A secret that is not wanted is no secret any more if it stays there. */
static bool give_variable(const struct giving *g, bool wanted)
{
    if (wanted)
        return give(g);
    if (g->option->kind == TH_CLI_SECRET)
        explicit_bzero(g->value, strlen(g->value));
    return true;
}

bool th_cli_options_environment(struct th_cli_settings *settings, struct th_cli_problem *problem)
{
    if (settings->persona == TH_CLI_MOSQUITTO)
        return true;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        const char *variable = th_cli_variable(option);
        char *value = variable ? getenv(variable) : NULL;
        struct giving g = {option, variable, value, (char *)settings + option->offset, problem};
        if (value && *value && !give_variable(&g, is_wanted(settings, option)))
            return false;
    }
    return true;
}
