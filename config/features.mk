# What a profile may leave out, by name; config/profile/NAME.mk says which it does (lacks).
#
# NAME.sources   are not compiled
# NAME.instead   stand in for what the library calls, program_instead for what only the program does
# NAME.options   are options of no command (config/without.awk), NAME.commands no commands: who
#                gives one is told that this build lacks it
# NAME.phrases   are no part of help texts; "|" behind each
#
# What wolfSSL leaves out stands in config/profile/NAME_settings.h.

websocket.sources := src/ws/frame.c src/ws/stream.c src/ws/upgrade.c src/crypt/sha1.c
websocket.instead := src/absent/ws.c
websocket.options := --ws --ws-path
websocket.phrases := ; WebSocket 443, 80|, wss, ws|

socks.sources := src/net/socks.c
socks.instead := src/absent/socks.c
socks.options := --proxy

srv.sources := src/net/services.c
srv.instead := src/absent/services.c
srv.options := -S

scram.sources := src/auth/scram.c
scram.instead := src/absent/scram.c
scram.options := --auth

psk.sources := src/tls/psk.c
psk.instead := src/absent/psk.c
psk.options := --psk --psk-identity

keylog.sources := src/tls/keylog.c src/cli/keylog.c
keylog.instead := src/absent/keylog.c
keylog.program_instead := src/absent/keylog_file.c
keylog.options := --tls-keylog

rr.sources := src/cli/rr.c
rr.options := -e --latency
rr.commands := rr
rr.phrases := ; rr: mqttv5|

tls12.sources := src/tls/version.c
tls12.instead := src/absent/tls12.c

rsa.sources := src/tls/rsa.c
rsa.instead := src/absent/rsa.c
