# P-256 and AES in assembler on x86-64, chosen at run time by what the processor has.
sp_c256      := asm256
assembled    := $(if $(is_x86_64),aes_asm.S aes_gcm_asm.S chacha_asm.S poly1305_asm.S \
                sha256_asm.S)
assembled_sp := $(if $(is_x86_64),asm256.S)
# Of SHA-512 only, which few handshakes need, the assembler is left out: 42 KB.
$(B)/musl/wolfssl/wolfcrypt/src/sha512.o: CFLAGS.musl += -DTH_PLAIN_C
