/* Of wolfSSL's single precision arithmetic in assembler only P-256; asm256.c calls it. */
#include "user_settings.h"

#undef WOLFSSL_SP_384
#undef WOLFSSL_SP_4096
#define WOLFSSL_SP_NO_2048
#define WOLFSSL_SP_NO_3072
#define WOLFSSL_SP_X86_64_ASM

#include "sp_x86_64_asm.S"
