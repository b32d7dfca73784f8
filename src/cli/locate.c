#include "cli/locate.h"

#include "base/slice.h"
#include "cli/lane.h"
#include "cli/secret.h"
#include "cli/url.h"

/* What a URL holds needs an end of its own. */
struct lane {
    char host[254];
    char username[1024];
    char proxy_host[254];
    char proxy_username[256]; /* RFC 1929 section 2 */
    char proxy_password[256];
};
TH_LANE_ROOMY(struct lane, kept);

static const char *copy(char *to, size_t room, struct th_slice from)
{
    if (from.len_bytes >= room)
        return NULL;
    memcpy(to, from.data, from.len_bytes);
    to[from.len_bytes] = '\0';
    return to;
}

static bool refuse(struct th_cli_problem *problem, const char *option, const char *remedy)
{
    return th_cli_problem(problem, "%s (hidden): %s", option, remedy);
}

static bool twice(struct th_cli_problem *problem, const char *option, const char *what)
{
    return th_cli_problem(problem, "%s: the %s is in the -L URL too; give it once", option, what);
}

/* What a URL says may not be said by another option too. */
static bool check_once(const struct th_cli_settings *s, const struct th_cli_url *url,
                       struct th_cli_problem *problem)
{
    if (s->host)
        return twice(problem, "-h", "host");
    if (s->port != TH_CLI_UNSET && url->port)
        return twice(problem, "-p", "port");
    if (s->no_tls && !url->plaintext)
        return th_cli_problem(problem, "--no-tls: the -L URL asks for TLS; leave one of them out");
    if (s->websocket_path && url->websocket && url->path.len_bytes > 1)
        return twice(problem, "--ws-path", "path");
    if (s->username && url->username.data)
        return twice(problem, "-u", "user name");
    if (url->password.data && (s->password_argument || s->password_file))
        return twice(problem, s->password_argument ? "-P" : "--password-file", "password");
    return true;
}

static void take_scheme(struct th_cli_settings *s, const struct th_cli_url *url)
{
    s->websocket |= url->websocket;
    s->url_asks_for_tls = !url->plaintext;
    if (s->persona == TH_CLI_THIMBLE)
        s->no_tls = url->plaintext;
}

static bool take_host(struct th_cli_settings *s, const struct th_cli_url *url,
                      struct th_cli_problem *problem)
{
    const char *host = copy(kept->host, sizeof kept->host, url->host);
    if (!host)
        return refuse(problem, "-L", "the host is too long; give at most 253 bytes");
    if (!s->host)
        s->host = host;
    if (s->port == TH_CLI_UNSET && url->port)
        s->port = url->port;
    return true;
}

static bool take_credentials(struct th_cli_settings *s, const struct th_cli_url *url,
                             struct th_cli_problem *problem)
{
    if (!url->username.data)
        return true;
    const char *username = copy(kept->username, sizeof kept->username, url->username);
    if (!username)
        return refuse(problem, "-L", "the user name is too long; give it with -u");
    if (!s->username)
        s->username = username;
    if (!url->password.data)
        return true;
    if (!th_cli_secret_keep((char *)url->password.data, url->password.len_bytes))
        return refuse(problem, "-L", "the password is too long; give at most 4096 bytes");
    s->password = th_cli_secret();
    return true;
}

/* The path ends where the argument does. In MQTT it is a topic behind its '/', the first of all. */
static bool take_path(struct th_cli_settings *s, const struct th_cli_url *url,
                      struct th_cli_problem *problem)
{
    if (url->path.len_bytes < 2)
        return true;
    if (url->websocket) {
        s->websocket_path = (const char *)url->path.data;
        return true;
    }
    if (s->topics.count == TH_CLI_LIST_MAX)
        return refuse(problem, "-L", "one topic too many; give at most 64 of them");
    memmove(s->topics.items + 1, s->topics.items, s->topics.count++ * sizeof *s->topics.items);
    s->topics.items[0] = (const char *)url->path.data + 1;
    return true;
}

static bool take_url(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    struct th_cli_url url;
    if (!s->url)
        return true;
    const char *wrong = th_cli_url_parse(&url, th_slice_text(s->url));
    if (wrong)
        return refuse(problem, "-L", wrong);
    if (s->persona == TH_CLI_THIMBLE && !check_once(s, &url, problem))
        return false;
    take_scheme(s, &url);
    return take_host(s, &url, problem) && take_path(s, &url, problem) &&
           take_credentials(s, &url, problem);
}

static bool take_proxy(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    struct th_cli_url url;
    if (!s->proxy_argument)
        return true;
    struct th_slice text = th_slice_text(s->proxy_argument);
    const char *wrong = th_cli_url_parse_proxy(&url, text);
    if (wrong)
        return refuse(problem, "--proxy", wrong);
    int username = th_cli_url_decode(kept->proxy_username, sizeof kept->proxy_username,
                                     url.username);
    int password = th_cli_url_decode(kept->proxy_password, sizeof kept->proxy_password,
                                     url.password);
    s->proxy.host = copy(kept->proxy_host, sizeof kept->proxy_host, url.host);
    if (!s->proxy.host || username < 0 || password < 0)
        return refuse(problem, "--proxy", "a part is too long, or a % stands before no two digits");
    s->proxy.port = url.port;
    s->proxy.username = username > 0 ? kept->proxy_username : NULL;
    s->proxy.password = th_slice_of(kept->proxy_password, (size_t)password);
    explicit_bzero(s->proxy_argument, text.len_bytes);
    return true;
}

bool th_cli_locate(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    return take_url(s, problem) && take_proxy(s, problem);
}
