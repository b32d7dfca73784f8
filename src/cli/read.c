#include "cli/read.h"

#include "cli/check.h"
#include "cli/configfile.h"
#include "cli/locate.h"
#include "cli/optionfile.h"
#include "cli/persona.h"
#include "cli/properties.h"

enum { SESSION_EXPIRY = 17 }; /* 5.0 section 2.2.2.2 */

/* -x, and what -c means without it. */
static void add_expiry(struct th_cli_settings *s)
{
    const struct th_property expiry = {.id = SESSION_EXPIRY,
                                       .number = (uint32_t)s->session_expiry_s};
    if (s->version == TH_MQTT_5 && s->session_expiry_s > 0 &&
        !th_cli_property_given(&s->properties, TH_CLI_CONNECT, expiry.id))
        th_cli_properties_put(&s->properties, TH_CLI_CONNECT, &expiry);
}

static bool wants_only_words(const struct th_cli_settings *s)
{
    return s->help || s->version_wanted;
}

/* On top of an options file, which the command line has named, or not. */
static bool read_again(struct th_cli_settings *s, int argc, char *argv[],
                       struct th_cli_problem *problem)
{
    const char *path = s->options_file;
    bool no_tls = s->no_tls;
    th_cli_settings_clear(s, s->command);
    s->no_tls = no_tls;
    return th_cli_optionfile_read(s, path, problem) &&
           th_cli_options_parse(s, argc, argv, problem);
}

bool th_cli_settings_complete(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    if (!th_cli_locate(s, problem) || (!s->agent && !th_cli_options_environment(s, problem)))
        return false;
    th_cli_persona_adopt(s);
    if (!th_cli_check(s, problem))
        return false;
    th_cli_settings_default(s);
    add_expiry(s);
    return true;
}

bool th_cli_settings_read(struct th_cli_settings *s, int command, int argc, char *argv[],
                          struct th_cli_problem *problem)
{
    th_cli_settings_clear(s, command);
    if (!th_cli_options_parse(s, argc, argv, problem))
        return false;
    if (wants_only_words(s))
        return true;
    return read_again(s, argc, argv, problem) && th_cli_configfile_read(s, problem) &&
           th_cli_settings_complete(s, problem);
}
