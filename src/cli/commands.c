#include "cli/command.h"

/* help is not run from here: it lists what stands here. */
const struct th_cli_command th_cli_commands[] = {
    {"pub", th_cli_pub, TH_EXPLAINED("publish a message, a file, or lines"), TH_CLI_PUB,
     "pub [-h HOST] -t TOPIC {-m TEXT | -f FILE | -l | -s | -n} [options]\n"
     TH_EXPLAINED("Publishes on a topic over TLS and waits until the broker has it.\n\n")},
    {"sub", th_cli_sub, TH_EXPLAINED("subscribe to topics and print what comes"), TH_CLI_SUB,
     "sub [-h HOST] -t FILTER ... [options]\n"
     TH_EXPLAINED("Subscribes to topics over TLS and prints the messages that come.\n\n")},
    {"rr", th_cli_rr, TH_EXPLAINED("publish a request and print the response"), TH_CLI_RR,
     "rr [-h HOST] -t TOPIC -e TOPIC {-m TEXT | -f FILE | -s | -n} [options]\n"
     TH_EXPLAINED("Publishes a request over TLS and prints the response.\n\n")},
    {"tunnel", th_cli_tunnel, TH_EXPLAINED("carry plain MQTT of this machine over TLS"),
     TH_CLI_TUNNEL,
     "tunnel [-h HOST] {--listen PATH | --listen-port PORT} [options]\n"
     TH_EXPLAINED("Gives each program that connects here its own TLS connection.\n\n")},
    {"bench", th_cli_bench, TH_EXPLAINED("what connections cost that have nothing to do"),
     TH_CLI_BENCH,
     "bench [-h HOST] [--connections COUNT] [--hold SECONDS] [--json] [options]\n"
     TH_EXPLAINED("Opens 1, 10, 100 ... connections, up to COUNT, and measures them at rest.\n\n")},
    {"agent", th_cli_agent, TH_EXPLAINED("stay connected, as a configuration says"), TH_CLI_AGENT,
     "agent -c FILE [options]\n"
     TH_EXPLAINED("Keeps a connection for ever and prints what its subscriptions bring.\n\n")},
    {"config", th_cli_config, TH_EXPLAINED("check a configuration, or show what it amounts to"), 0,
     NULL},
    {"cert", th_cli_cert, TH_EXPLAINED("what certificates say, and until when they hold"),
     TH_CLI_CERT,
     "cert show FILE | check FILE ... | verify FILE | pin FILE | bundle [FILE|DIR ...] [options]\n"
     TH_EXPLAINED("FILE is PEM or DER, or - for standard input; or a server, HOST:PORT.\n\n")},
    {"key", th_cli_key, TH_EXPLAINED("make a private key, or look at one"), TH_CLI_KEY,
     "key gen --out FILE | status FILE [options]\n"
     TH_EXPLAINED("FILE is PEM or DER, or -. RSA keys are made by openssl genrsa.\n\n")},
    {"csr", th_cli_csr, TH_EXPLAINED("request a certificate for a key"), TH_CLI_CSR,
     "csr --key FILE --subject NAME [options]\n"
     TH_EXPLAINED("Writes a certificate request to standard output, or --out.\n\n")},
    {"identity", th_cli_identity, TH_EXPLAINED("who we are: certificates and keys, kept safely"),
     TH_CLI_IDENTITY,
     "identity import NAME --cert FILE --key FILE | export NAME | ls | show NAME | "
     "use NAME GENERATION | rollback NAME\n"
     TH_EXPLAINED("Keeps two generations of each identity, through power cuts.\n\n")},
    {"spool", th_cli_spool, TH_EXPLAINED("what lies in a queue on disk"), 0, NULL},
    {"status", th_cli_status, TH_EXPLAINED("how an agent is"), 0, NULL},
    {"mem", th_cli_mem,
     TH_EXPLAINED("where memory goes: what is reserved, and what a process uses"), 0, NULL},
    {"explain", th_cli_explain, TH_EXPLAINED("what an exit code means and what to do about it"),
     0, NULL},
    {"version", th_cli_version, TH_EXPLAINED("what this program was built from"), 0, NULL},
    {"help", NULL, TH_EXPLAINED("this list, or the options of a command"), 0, NULL},
};

const size_t th_cli_commands_count = sizeof th_cli_commands / sizeof *th_cli_commands;
