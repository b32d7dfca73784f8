/* Debian's mosquitto behind good and bad certificates. */
#ifndef TEST_CLIENT_MOSQUITTO_H
#define TEST_CLIENT_MOSQUITTO_H

#include "broker.h"

enum listener { GOOD_EC, GOOD_RSA, WRONG_NAME, WRONG_AUTHORITY, LISTENERS };

struct mosquitto {
    pid_t pid;
    uint16_t ports[LISTENERS];
    char path[64]; /* of the configuration */
};

static inline void write_listener(FILE *file, uint16_t port, const char *roots, const char *leaf,
                                  const char *key)
{
    fprintf(file, "listener %u 127.0.0.1\ncafile %s/%s/root.pem\ncertfile %s/%s.pem\n"
            "keyfile %s/%s.key\nrequire_certificate true\ntls_version tlsv1.2\n",
            port, PKI, roots, PKI, leaf, PKI, key);
}

static inline void configure(struct mosquitto *mosquitto)
{
    strcpy(mosquitto->path, "/tmp/th_mosquitto_XXXXXX");
    FILE *file = fdopen(mkstemp(mosquitto->path), "w");
    for (size_t i = 0; i < LISTENERS; i++)
        mosquitto->ports[i] = free_port();
    fprintf(file, "user root\nallow_anonymous true\npersistence false\nlog_dest none\n"
            "set_tcp_nodelay true\n");
    write_listener(file, mosquitto->ports[GOOD_EC], "ec", "ec/server", "ec/server");
    write_listener(file, mosquitto->ports[GOOD_RSA], "rsa", "rsa/server", "rsa/server");
    write_listener(file, mosquitto->ports[WRONG_NAME], "ec", "ec/wrongname", "ec/server");
    write_listener(file, mosquitto->ports[WRONG_AUTHORITY], "ec", "other/server", "other/server");
    fclose(file);
}

/* It drops privileges it has not: as another user than root the line "user" is ignored. */
static inline void mosquitto_start(struct mosquitto *mosquitto)
{
    configure(mosquitto);
    mosquitto->pid = fork();
    if (mosquitto->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no broker */
        execl("/bin/sh", "sh", "-c", "PATH=$PATH:/usr/sbin; exec mosquitto -c \"$0\" >&2",
              mosquitto->path, (char *)NULL);
        _exit(127);
    }
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    while (!answers(mosquitto->ports[LISTENERS - 1]) && clock_ms() < until_ms)
        usleep(5000);
    if (!answers(mosquitto->ports[LISTENERS - 1]))
        fail_msg("mosquitto does not start; is it installed? make lab-tools");
}

static inline void mosquitto_stop(struct mosquitto *mosquitto)
{
    kill(mosquitto->pid, SIGKILL);
    waitpid(mosquitto->pid, NULL, 0);
    unlink(mosquitto->path);
}

#endif
