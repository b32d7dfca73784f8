# The distribution's libwolfssl was built without key logs, with sessions that can be taken up
# without a fresh key exchange, and tells nobody whether a pre-shared key was used: these are left
# out. So is what is said about a static binary: its sections, its plan, its sandbox.
lacks := sntp revocation ocsp session-file psk keylog resumption hwrng mem plan sandbox \
         memory-trace own-libc own-wolfssl

hwrng.options := --hwrng

plan.sources := src/tls/plan.c src/client/plan.c
plan.program_sources := src/cli/plan.c

own-libc.program_sources := mem/libc.c mem/alone.c mem/text.c
own-libc.program_instead := src/system/libc.c

own-wolfssl.sources := mem/wolf.c
own-wolfssl.instead := src/system/wolfssl.c
