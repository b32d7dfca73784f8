#include "sandbox/landlock.h"

#include "base/file.h"
#include "base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES 512

/* linux/landlock.h of newer kernels than the one whose headers compile this. */
enum {
    ASK_VERSION = 1,
    RULE_PATH = 1,
    RULE_PORT = 2,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIRECTORY = 1 << 3,
    REMOVE_FILE = 1 << 5,
    MAKE_FILE = 1 << 8,
    TRUNCATE = 1 << 14,
    OF_FILES = WRITE_FILE | READ_FILE | TRUNCATE, /* the others are of directories */
    READING = READ_FILE | READ_DIRECTORY,
    WRITING = WRITE_FILE | REMOVE_FILE | MAKE_FILE | TRUNCATE,
    BIND_PORT = 1,
    CONNECT_PORT = 2,
    SCOPES = 3, /* abstract Unix sockets and signals of others */
    PORTS_SINCE = 4,
    SCOPES_SINCE = 6,
};

struct handled {
    uint64_t files, ports, scopes;
};

struct path_rule {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

struct port_rule {
    uint64_t rights;
    uint64_t port;
};

struct ruleset {
    int fd;
    bool lacks; /* a rule that was wanted: what it allows would be refused */
    struct handled handled;
};

/* ---- files ----------------------------------------------------------------------------------- */

static void add(struct ruleset *set, int kind, const void *rule)
{
    set->lacks |= syscall(SYS_landlock_add_rule, set->fd, kind, rule, 0) < 0;
}

/* Where nothing is, nothing needs to be allowed; a rule without rights is none. */
static void allow_descriptor(struct ruleset *set, int fd, uint64_t rights)
{
    struct path_rule rule = {rights & set->handled.files, fd};
    if (fd >= 0 && rule.rights)
        add(set, RULE_PATH, &rule);
}

/* What cannot be looked for now, though it may be there, cannot be allowed. */
static int look(struct ruleset *set, const char *path, int flags)
{
    int fd = th_file_open(path, O_PATH | flags, 0);
    set->lacks |= fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES;
    return fd;
}

/* `path` becomes that of its directory. */
static void cut(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else
        slash[slash == path] = '\0';
}

static void allow_directory_of(struct ruleset *set, char *path, uint64_t rights)
{
    cut(path);
    int fd = look(set, path, O_DIRECTORY);
    allow_descriptor(set, fd, rights);
    close(fd);
}

/* The file behind all links. */
static bool find_target(int fd, char target[PATH_BYTES])
{
    char link[32];
    th_format(link, sizeof link, "/proc/self/fd/%d", fd);
    long bytes = syscall(SYS_readlinkat, AT_FDCWD, link, target, PATH_BYTES - 1);
    target[bytes > 0 ? bytes : 0] = '\0';
    return *target == '/';
}

/* Where there is no /proc to ask, only the file itself. */
static void allow_target(struct ruleset *set, int fd, uint64_t rights)
{
    char target[PATH_BYTES];
    if (find_target(fd, target))
        allow_directory_of(set, target, rights);
    else
        allow_descriptor(set, fd, rights & OF_FILES);
}

static bool is_directory(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_replaceable(int fd)
{
    struct stat about;
    return fd < 0 || fstat(fd, &about) < 0 || S_ISREG(about.st_mode) || S_ISSOCK(about.st_mode);
}

/* Whoever replaces a file makes a new one: a rule for the old one would not hold for it. Devices
 * and pipes stay, and their directory is not ours to write to. */
static void allow_path(struct ruleset *set, const char *path, uint64_t rights)
{
    char text[PATH_BYTES];
    int fd = look(set, path, 0);
    uint64_t within = rights & ~(uint64_t)READ_DIRECTORY;
    if (!is_replaceable(fd))
        allow_descriptor(set, fd, is_directory(fd) ? rights : rights & OF_FILES);
    else if (strlen(path) < sizeof text)
        allow_directory_of(set, strcpy(text, path), within);
    if (is_replaceable(fd))
        allow_target(set, fd, within);
    close(fd);
}

static void allow_paths(struct ruleset *set, const char *const paths[], uint64_t rights)
{
    for (size_t i = 0; i < TH_SANDBOX_PATHS_MAX && paths[i]; i++)
        allow_path(set, paths[i], rights);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static void allow_port(struct ruleset *set, uint16_t port, uint64_t right)
{
    struct port_rule rule = {right, port};
    if (right & set->handled.ports)
        add(set, RULE_PORT, &rule);
}

/* An address of our own is bound with port 0: any that is free. */
static void allow_ports(struct ruleset *set, const struct th_sandbox_wish *wish)
{
    for (const uint16_t *port = wish->ports; *port; port++)
        allow_port(set, *port, CONNECT_PORT);
    if (wish->needs & TH_SANDBOX_BIND)
        allow_port(set, 0, BIND_PORT);
}

/* ---- all ------------------------------------------------------------------------------------- */

static struct handled handled_by(int version, bool any_port)
{
    static const uint16_t files[] = {0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
    int last = (int)(sizeof files / sizeof *files);
    return (struct handled){
        .files = files[(version < last ? version : last) - 1],
        .ports = version < PORTS_SINCE ? 0 : BIND_PORT | (any_port ? 0 : CONNECT_PORT),
        .scopes = version < SCOPES_SINCE ? 0 : SCOPES,
    };
}

static uint8_t parts_of(const struct handled *handled)
{
    return (uint8_t)(TH_REPORT_LOCK_FILES |
                     (handled->ports & CONNECT_PORT ? TH_REPORT_LOCK_PORTS : 0) |
                     (handled->scopes ? TH_REPORT_LOCK_SCOPES : 0));
}

static void restrict_to(struct ruleset *set, const struct th_sandbox_wish *wish,
                        struct th_report_sandbox *locked)
{
    allow_paths(set, wish->reads, READING);
    allow_paths(set, wish->writes, WRITING);
    allow_paths(set, wish->removes, REMOVE_FILE);
    allow_ports(set, wish);
    if (!set->lacks && syscall(SYS_landlock_restrict_self, set->fd, 0) == 0)
        locked->holds |= parts_of(&set->handled);
}

void th_sandbox_landlock(const struct th_sandbox_wish *wish, struct th_report_sandbox *locked)
{
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    if (version < 1)
        return;
    struct ruleset set = {.handled = handled_by(version, wish->any_port)};
    set.fd = (int)syscall(SYS_landlock_create_ruleset, &set.handled, sizeof set.handled, 0);
    locked->landlock_abi = (uint8_t)version;
    if (set.fd < 0)
        return;
    restrict_to(&set, wish, locked);
    close(set.fd);
}
