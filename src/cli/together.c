#include "cli/together.h"

#include "base/text.h"
#include "cli/configfile.h"
#include "cli/exit.h"
#include "cli/given.h"
#include "cli/lane.h"
#include "cli/read.h"
#include "cli/say.h"
#include "cli/template.h"

#include <string.h>

TH_LANE_HEADED(struct th_cli_settings, settings);

struct th_cli_settings *th_cli_its_settings(void)
{
    return settings;
}

/* ---- what two of them may not share ---------------------------------------------------------- */

#define AT(field) offsetof(struct th_cli_settings, field)
#define COUNT_OF(places) (sizeof places / sizeof *places)

static const char *text_at(const struct th_cli_settings *s, uint16_t place)
{
    return *(const char *const *)((const char *)s + place);
}

static const char *first_broker(const struct th_cli_settings *s)
{
    return s->brokers.count ? *s->brokers.items : NULL;
}

/* The broker would end one for the other, for ever. */
static bool is_same_client(const struct th_cli_settings *one, const struct th_cli_settings *other)
{
    static const uint16_t places[] = {AT(host), AT(unix_path), AT(client_id_prefix), AT(client_id)};
    bool same = one->port == other->port && th_text_same(first_broker(one), first_broker(other));
    for (size_t i = 0; i < COUNT_OF(places); i++)
        same &= th_text_same(text_at(one, places[i]), text_at(other, places[i]));
    return same && ((one->client_id && *one->client_id) || one->client_id_prefix);
}

/* Of what, by its place in the settings; 0: of the name. */
struct mistake {
    struct th_cli_problem *problem;
    uint16_t place;
};

/* Of several slashes, or those at the end, only the last one before a name counts. */
static const char *past_slashes(const char *path)
{
    while (*path == '/' && (path[1] == '/' || !path[1]))
        path++;
    return path;
}

static bool is_same_path(const char *one, const char *other)
{
    for (;; one++, other++) {
        one = past_slashes(one);
        other = past_slashes(other);
        if (*one != *other || !*one)
            return *one == *other;
    }
}

/* Its place, or 0. That of an identity has nobody who comes second. */
static uint16_t shared(const struct th_cli_settings *one, const struct th_cli_settings *other)
{
    static const uint16_t places[] = {AT(spool), AT(inbox), AT(drop), AT(prom_file),
                                      AT(session_file)};
    for (size_t i = 0; i < COUNT_OF(places) - (one->identity != NULL); i++)
        if (text_at(one, places[i]) && text_at(other, places[i]) &&
            is_same_path(text_at(one, places[i]), text_at(other, places[i])))
            return places[i];
    if (one->input && other->input)
        return AT(input);
    if (!is_same_client(one, other))
        return 0;
    return one->client_id_prefix ? AT(client_id_prefix) : AT(client_id);
}

static bool check_two(const struct th_cli_settings *one, const struct th_cli_settings *other,
                      const char *name, struct mistake *mistake)
{
    char option[TH_CLI_OPTION_NAME_BYTES] = "name";
    const char *its_name = th_cli_configfile_connection();
    if ((mistake->place = shared(one, other)))
        th_cli_name_of(mistake->place, option);
    else if (strcmp(name, its_name))
        return true;
    return th_cli_problem(mistake->problem, "%s: connection %s has the same; give each its own",
                          option, its_name);
}

/* ---- what one of several has no place for ---------------------------------------------------- */

/* Blocks for plain endpoints are those the connections leave free. */
static bool check_plain(unsigned endpoints, struct mistake *mistake)
{
    unsigned count = th_cli_lanes();
    mistake->place = AT(plain_endpoint);
    return endpoints + count <= TH_CONNECTIONS ||
           th_cli_problem(mistake->problem, "--insecure-plain: only for %u of %u connections",
                          TH_CONNECTIONS - count, count);
}

static bool check_one(const struct th_cli_settings *s, struct mistake *mistake)
{
    mistake->place = s->topics.count ? AT(topics) : AT(report);
    if (s->topics.count)
        return th_cli_problem(mistake->problem,
                              "-t: several connections print nothing; give handlers");
    return !s->report || !*s->report ||
           th_cli_problem(mistake->problem, "--mem-report: several connections have no file");
}

/* ---- with each other ------------------------------------------------------------------------- */

/* With those of the first `count`. */
static bool check_others(const struct th_cli_settings *s, unsigned count,
                         struct mistake *mistake)
{
    const char *name = th_cli_configfile_connection();
    unsigned ours = th_cli_lane(), endpoints = 1;
    bool right = true;
    for (unsigned i = 0; right && i < count; i++) {
        th_cli_lane_enter(i);
        endpoints += i != ours && settings->plain_endpoint;
        right = i == ours || check_two(s, settings, name, mistake);
    }
    th_cli_lane_enter(ours);
    return right && (!s->plain_endpoint || check_plain(endpoints, mistake));
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool fits(const struct th_cli_settings *s, unsigned count, struct th_cli_problem *problem)
{
    struct mistake mistake = {.problem = problem};
    return th_cli_lanes() == 1 ||
           (check_one(s, &mistake) && check_others(s, count, &mistake)) ||
           th_cli_configfile_locate(problem, mistake.place);
}

/* Beside those that were read before. */
static bool is_right(struct th_cli_problem *problem)
{
    return th_cli_template_fill(settings, problem) && fits(settings, th_cli_lane(), problem);
}

bool th_cli_together_still(const struct th_cli_settings *next, struct th_cli_problem *problem)
{
    return fits(next, th_cli_lanes(), problem);
}

/* The first one is read already. */
static bool read_one(struct th_cli_problem *problem)
{
    return !th_cli_lane() || (th_cli_configfile_read_another(settings, problem) &&
                              th_cli_settings_complete(settings, problem));
}

bool th_cli_together(const char *command, struct th_cli_problem *problem)
{
    unsigned count = th_cli_configfile_connections();
    bool right = true;
    th_cli_lanes_open(count ? count : 1);
    for (unsigned i = 0; right && i < th_cli_lanes(); i++) {
        th_cli_lane_enter(i);
        right = read_one(problem);
        th_cli_voice_call(command, th_cli_configfile_connection());
        right = right && is_right(problem);
    }
    return right;
}

int th_cli_begin_others(void)
{
    struct th_cli_problem problem = {.status = TH_CLI_USAGE};
    bool right = th_cli_together("agent", &problem);
    if (!right)
        th_cli_complain("%s", problem.text);
    th_cli_lane_enter(0);
    return right ? TH_CLI_OK : problem.status;
}
