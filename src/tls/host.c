#include "tls/host.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX_BYTES 63

static int refuse(const char *text, const char *reason, struct th_fault *fault)
{
    return th_fault_set(fault, TH_E_SERVER_NAME,
                        "\"%.80s\" is not a host name or address: %s", text, reason);
}

static bool is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* NULL, or what is wrong with the dot-separated labels of `name`. */
static const char *fault_of_labels(const char *name)
{
    size_t label_bytes = 0;
    for (const char *at = name;; at++) {
        if (*at == '.' || *at == '\0') {
            if (label_bytes == 0)
                return "a label is empty";
            if (*at == '\0')
                return NULL;
            label_bytes = 0;
        } else if (!is_name_character(*at)) {
            return "only letters, digits, '-', '_' and dots are allowed";
        } else if (++label_bytes > LABEL_MAX_BYTES) {
            return "a label is longer than 63 characters";
        }
    }
}

static bool final_label_is_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *label = dot ? dot + 1 : name;
    return label[strspn(label, "0123456789")] == '\0';
}

static void strip_final_dot(char *name)
{
    size_t bytes = strlen(name);
    if (bytes > 1 && name[bytes - 1] == '.')
        name[bytes - 1] = '\0';
}

static void strip_brackets_and_zone(char *name)
{
    size_t bytes = strlen(name);
    if (name[0] == '[' && bytes > 1 && name[bytes - 1] == ']') {
        memmove(name, name + 1, bytes - 2);
        name[bytes - 2] = '\0';
    }
    if (strchr(name, ':'))
        name[strcspn(name, "%")] = '\0';
}

static bool is_address(struct th_host *host)
{
    host->kind = strchr(host->name, ':') ? TH_HOST_IPV6 : TH_HOST_IPV4;
    int family = host->kind == TH_HOST_IPV6 ? AF_INET6 : AF_INET;
    return inet_pton(family, host->name, host->address) == 1;
}

int th_host_parse(struct th_host *host, const char *text, struct th_fault *fault)
{
    memset(host, 0, sizeof *host);
    if (!text || !*text)
        return refuse("", "it is empty", fault);
    if (strlen(text) >= sizeof host->name)
        return refuse(text, "it is longer than 253 characters", fault);
    strcpy(host->name, text);
    strip_brackets_and_zone(host->name);
    if (is_address(host))
        return 0;
    host->kind = TH_HOST_NAME;
    strip_final_dot(host->name);
    const char *reason = fault_of_labels(host->name);
    if (!reason && final_label_is_number(host->name))
        reason = "it ends in a number and is no address";
    return reason ? refuse(text, reason, fault) : 0;
}

static bool same_text(struct th_slice pattern, const char *name)
{
    return pattern.len_bytes == strlen(name) &&
           strncasecmp((const char *)pattern.data, name, pattern.len_bytes) == 0;
}

static unsigned count_dots(struct th_slice text)
{
    unsigned dots = 0;
    for (size_t i = 0; i < text.len_bytes; i++)
        dots += text.data[i] == '.';
    return dots;
}

/* RFC 6125 section 6.4.3: "*.example.com" stands for exactly one label; "*.com" for nothing. */
static bool matches_wildcard(struct th_slice pattern, const char *name)
{
    const char *rest = strchr(name, '.');
    struct th_slice tail = {pattern.data + 1, pattern.len_bytes - 1};
    return rest && count_dots(tail) >= 2 && same_text(tail, rest);
}

static struct th_slice without_final_dot(struct th_slice text)
{
    if (text.len_bytes > 1 && text.data[text.len_bytes - 1] == '.')
        text.len_bytes--;
    return text;
}

bool th_host_matches_dns(const struct th_host *host, struct th_slice pattern)
{
    if (host->kind != TH_HOST_NAME || pattern.len_bytes == 0)
        return false;
    struct th_slice plain = without_final_dot(pattern);
    if (plain.len_bytes > 2 && plain.data[0] == '*' && plain.data[1] == '.')
        return matches_wildcard(plain, host->name);
    return same_text(plain, host->name);
}

bool th_host_matches_address(const struct th_host *host, struct th_slice address)
{
    size_t bytes = host->kind == TH_HOST_IPV6 ? 16 : 4;
    return host->kind != TH_HOST_NAME && address.len_bytes == bytes &&
           memcmp(host->address, address.data, bytes) == 0;
}
