/* Our key log is the server's, line by line. */
#include "harness.h"

#define SERVERS_LOG "build/unit/tls.keylog"

static char lines[16][200];
static unsigned count;

static void keep(void *arg, const char *line)
{
    assert_ptr_equal(arg, lines);
    assert_true(count < 16 && strlen(line) < sizeof *lines);
    strcpy(lines[count++], line);
}

static bool was_told(const char *line)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(lines[i], line) == 0)
            return true;
    return false;
}

/* The exporter's secret opens no record, and is not told. */
static unsigned matched(void)
{
    char line[512];
    unsigned found = 0;
    FILE *log = fopen(SERVERS_LOG, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line == '#' || strncmp(line, "EXPORTER_SECRET ", 16) == 0)
            continue;
        print_message("%.40s...\n", line);
        assert_true(was_told(line));
        found++;
    }
    fclose(log);
    return found;
}

static void tells_what_the_server_tells(const char *kind, const char *options, unsigned expected)
{
    char all[256], leaf[32], folder[512];
    assert_non_null(getcwd(folder, sizeof folder));
    snprintf(all, sizeof all, "-keylogfile ../tls.keylog %s", options);
    snprintf(leaf, sizeof leaf, "%s/server", kind);
    unlink(SERVERS_LOG);
    count = 0;
    struct server server = serve(leaf, leaf, all);
    struct th_context_config config = config_for(kind);
    config.on_keylog = keep;
    config.on_keylog_arg = lines;
    struct client *client = new_client(config);
    assert_int_equal(attempt(client, server.port, "broker.test"), 0);
    free_client(client);
    stop(&server);
    assert_int_equal(count, expected);
    assert_int_equal(matched(), expected);
}

static void agrees_with_openssl(void **state)
{
    (void)state;
    tells_what_the_server_tells("ec", "-tls1_3", 4);
    tells_what_the_server_tells("ec", "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", 4);
    tells_what_the_server_tells("rsa", "-tls1_3 -groups P-384", 4);
    tells_what_the_server_tells("ec", "-tls1_2", 1);
    tells_what_the_server_tells("rsa", "-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384", 1);
}

static void is_silent_unless_asked(void **state)
{
    (void)state;
    count = 0;
    struct server server = serve("ec/server", "ec/server", "");
    struct client *client = new_client(config_for("ec"));
    assert_int_equal(attempt(client, server.port, "broker.test"), 0);
    assert_int_equal(count, 0);
    free_client(client);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_openssl),
        cmocka_unit_test(is_silent_unless_asked),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
