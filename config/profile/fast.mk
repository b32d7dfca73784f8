# P-256 and AES in assembler on x86-64, chosen at run time by what the processor has.
sp_c256      := asm256
assembled    := $(if $(is_x86_64),aes_asm.S aes_gcm_asm.S chacha_asm.S poly1305_asm.S)
assembled_sp := $(if $(is_x86_64),asm256.S)
# The assembler of hashes is left out: of SHA-256 it would be 76 KB and of SHA-512 42 KB, for a few
# kilobytes to hash in each handshake and none behind it.
$(addprefix $(B)/musl/wolfssl/wolfcrypt/src/,sha256.o sha512.o): CFLAGS.musl += -DTH_PLAIN_C
