# What a profile may leave out, by name; config/profile/NAME.mk says which it does (lacks).
#
# NAME.sources   are not compiled, NAME.instead stand in for what others call of them;
# NAME.program_sources, NAME.program_instead   only in the program, the library has them
# NAME.options   are options of no command (config/without.awk), NAME.commands no commands: who
#                gives one is told that this build lacks it
# NAME.exits     exits that no longer happen
# NAME.sections, NAME.reasons   are compiled as config/brief.awk shortens them
# NAME.phrases   are no part of help texts; "|" behind each
#
# What wolfSSL leaves out stands in config/profile/NAME_settings.h.

# Of these nobody notices that they are not there: `thimble version` does not name them.
unseen := drbg vdso cjson settings-list nearest expiry

# ---- roads and secrets ----

websocket.sources = $(wildcard src/ws/*.c) $(if $(filter ocsp,$(lacks)),src/crypt/sha1.c)
websocket.instead := src/absent/ws.c
websocket.options := --ws --ws-path
websocket.phrases := ; WebSocket 443, 80|

socks.sources := src/net/socks.c
socks.instead := src/absent/socks.c
socks.options := --proxy

url.program_sources := src/cli/locate.c src/cli/url.c
url.program_instead := src/absent/locate.c
url.options := --url

scram.sources := src/auth/scram.c
scram.instead := src/absent/scram.c
scram.options := --auth

psk.sources := src/tls/psk.c
psk.instead := src/absent/psk.c
psk.options := --psk --psk-identity

keylog.sources := src/tls/keylog.c
keylog.instead := src/absent/keylog.c
keylog.program_sources := src/cli/keylog.c
keylog.program_instead := src/absent/keylog_file.c
keylog.options := --tls-keylog

alpn.sources := src/tls/alpn.c
alpn.instead := src/absent/alpn.c
alpn.options := --tls-alpn

srv.sources := src/net/services.c
srv.instead := src/absent/services.c
srv.options := -S

tls12.sources := src/tls/version.c
tls12.instead := src/absent/tls12.c

# A date below the floor is believed, and nobody waits for a better one.
clock.sources := src/base/calendar.c src/tls/dates.c
clock.instead := src/absent/calendar.c src/absent/dates.c
clock.program_sources := src/cli/clock.c
clock.program_instead := src/absent/clock.c
clock.options := --clock --clock-timeout --clock-file

sntp.sources := src/net/sntp.c
sntp.instead := src/absent/sntp.c
sntp.options := --sntp

rsa.sources := src/tls/rsa.c
rsa.instead := src/absent/rsa.c

# Directories of CA certificates, and files with more than fit.
bundle.sources := src/tls/bundle.c src/identity/directory.c
bundle.instead := src/absent/bundle.c
bundle.program_sources := src/cli/roots.c
bundle.program_instead := src/absent/roots.c
bundle.options := --capath --tls-use-os-certs

pins.sources := src/tls/pins.c
pins.instead := src/absent/pins.c
pins.options := --pin --pin-ca
pins.exits := pin-mismatch

# Lists of revoked certificates.
revocation.sources = src/tls/revoked.c $(if $(filter ocsp,$(lacks)),src/crypt/signed.c)
revocation.instead := src/absent/revoked.c
revocation.options := --crlfile
revocation.exits := certificate-revoked

# What a server's issuer says of it, sent by the server. In part shared with the two above.
ocsp.sources = src/tls/staple.c src/tls/ocsp.c \
               $(if $(filter websocket,$(lacks)),src/crypt/sha1.c) \
               $(if $(filter revocation,$(lacks)),src/crypt/signed.c)
ocsp.instead := src/absent/staple.c
ocsp.options := --ocsp

ciphers.sources := src/tls/suites.c
ciphers.instead := src/absent/suites.c
ciphers.options := --ciphers --ciphersuites

hwrng.sources := src/crypt/hardware.c src/crypt/health.c
hwrng.instead := src/absent/hardware.c
hwrng.options := --hwrng

drbg.sources := src/crypt/seed.c
drbg.instead := src/absent/drbg.c

# ---- the program ----

mosquitto.program_sources := src/cli/persona.c
mosquitto.program_instead := src/absent/persona.c
mosquitto.options := --exit-codes

properties.program_sources := src/cli/properties.c
properties.program_instead := src/absent/properties.c
properties.options := --property

rr.program_sources := src/cli/rr.c
rr.options := -e --latency
rr.commands := rr
rr.phrases := ; rr: mqttv5|

formats.program_sources := $(addprefix src/cli/,print.c format.c float.c moment.c parameter.c \
                               watch.c) src/base/zone.c src/json/copy.c
formats.program_instead := src/absent/print.c
formats.options := -F --pretty --jsonl --watch

events.program_sources := src/cli/events.c src/cli/json.c src/json/flow.c
events.program_instead := src/absent/events.c
events.options := --events

trace.program_sources := src/cli/trace.c
trace.program_instead := src/absent/trace.c

optionfile.program_sources := src/cli/optionfile.c
optionfile.program_instead := src/absent/optionfile.c
optionfile.options := -o

# Settings in JSON, and who stays connected as they say.
agent.program_sources = $(addprefix src/cli/,configfile.c config.c handlers.c lane.c post.c \
                          sheet.c template.c together.c) \
                        src/json/walk.c $(wildcard src/agent/*.c) \
                        $(if $(filter tunnel,$(lacks)),src/net/local.c) \
                        $(if $(filter mem,$(lacks)),src/cli/ask.c)
agent.program_instead := src/absent/config.c src/absent/lane.c src/absent/post.c \
                         src/absent/together.c
agent.options := --config --prom-file --log-format --inbox --inbox-mode --stdin --drop \
                 --drop-topic --agent --message-id --first-delay --brokers --failback \
                 --fallback-addr
agent.commands := agent config status

# Files larger than the outbox, read while they are sent.
large-files.program_sources := src/outbox/piece.c src/cli/payload.c src/cli/spoolfile.c
large-files.program_instead := src/absent/piece.c src/absent/payload.c

# A message goes on where a broken connection cut it off.
resume.program_sources := src/cli/resume.c
resume.program_instead := src/absent/resume.c

aliases.program_sources := src/mqtt/alias.c
aliases.program_instead := src/absent/alias.c
aliases.options := --topic-alias-maximum

expiry.program_sources := src/outbox/expire.c
expiry.program_instead := src/absent/expire.c

rule-texts.sections := $(addprefix src/mqtt/,cursor.c decode.c encode.c property.c) \
                       $(addprefix src/session/,admit.c receive.c)
reason-names.reasons := src/mqtt/mqtt.c

remove.program_sources := src/cli/remove.c
remove.program_instead := src/absent/remove.c
remove.options := --remove-retained

report-text.program_sources := src/report/print.c
report-text.program_instead := src/absent/report_text.c

cjson.program_sources := src/json/writer.c
cjson.program_instead := src/absent/cjson.c

explain.program_sources := src/cli/explain.c
explain.commands := explain

nearest.program_sources := src/cli/nearest.c
nearest.program_instead := src/absent/nearest.c

# On 64-bit machines.
vdso.program_instead := src/absent/vdso.c

# wolfSSL's settings in `thimble version`: the Makefile.
settings-list.commands :=

mem.program_sources = $(addprefix src/cli/,mem.c image.c memreport.c plan.c) \
                      $(if $(filter agent,$(lacks)),src/cli/ask.c)
mem.commands := mem

status.program_sources := src/cli/status.c
status.program_instead := src/absent/status.c
status.options := --status-socket --status-mode

plan.sources := src/tls/plan.c src/client/plan.c
plan.instead := src/absent/plan.c

encrypted-keys.sources := src/identity/encrypted.c src/crypt/cbc.c
encrypted-keys.instead := src/absent/encrypted.c
encrypted-keys.program_sources := src/cli/passphrase.c
encrypted-keys.program_instead := src/absent/passphrase.c
encrypted-keys.options := --keypass-file --keypass-credential

# Several connections: plain MQTT of other programs, over our TLS; and what connections cost.
tunnel.program_sources = $(addprefix src/cli/,tunnel.c several.c bench.c) \
                         $(wildcard src/tunnel/*.c) \
                         $(if $(filter agent,$(lacks)),src/net/local.c)
tunnel.commands := tunnel bench
tunnel.options := --connections --hold --listen --listen-mode --listen-port

certificates.program_sources := $(addprefix src/cli/,cert.c cert_check.c desk.c facts.c key.c \
                                    output.c server.c bundle.c)
certificates.program_instead := src/absent/certificates.c
certificates.sources := src/crypt/key.c src/tls/shown.c \
                        $(addprefix src/identity/,key.c request.c armor.c authorities.c)
certificates.instead := src/absent/keys.c src/absent/shown.c
certificates.commands := cert key csr
certificates.options := --json --warn --critical --ca --for --type --out --subject --san

sandbox.program_sources := src/cli/lock.c $(wildcard src/sandbox/*.c)
sandbox.program_instead := src/absent/sandbox.c
sandbox.options := --sandbox

memory-trace.program_sources := src/cli/memtrace.c
memory-trace.program_instead := src/absent/memtrace.c
memory-trace.options := --memory-trace

identity.sources := src/tls/judge.c src/tls/chain.c src/client/judge.c
identity.program_sources := $(addprefix src/cli/,identity.c identities.c rotate.c expiry.c) \
                            src/json/flat.c $(wildcard src/store/*.c)
identity.program_instead := src/absent/identity.c
identity.commands := identity
identity.options := --identity --identity-dir --endpoint --device-id --own-ca --with-key
identity.exits := invalid-content corrupted bad-permissions

# Messages on disk.
spool.program_sources := $(wildcard src/spool/*.c) src/cli/spool.c \
                         $(addprefix src/agent/,queue.c plain.c)
spool.program_instead := src/absent/queue.c
spool.commands := spool
spool.options := --spool --spool-bytes --spool-messages --spool-age --spool-daily-bytes \
                 --spool-full --spool-conflate --spool-attempts --insecure-plain --insecure-plain-topic

# ---- TLS ----

session-file.sources := src/tls/image.c
session-file.instead := src/absent/image.c
session-file.program_sources := src/cli/sessionfile.c
session-file.program_instead := src/absent/sessionfile.c
session-file.options := --session-file

resumption.sources := src/tls/session.c
resumption.instead := src/absent/resumption.c
