/* What wolfSSL's arithmetic says, a line for each line, all numbers in hexadecimal digits:
 *
 *     base BITS scalar                 the multiple of the base point: x y
 *     ecdh BITS scalar x y             the secret shared with that point
 *     verify BITS x y hash r s         whether this is a signature: 1 or 0
 *     x25519 0 scalar u                the secret shared with u, both little endian
 *
 * "failed" where it refuses to compute. */
#include "crypt/random.h"
#include "mem/payer.h"

#include <stdio.h>
#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sp.h>

#define BYTES_MAX 48
#define WORDS_MAX 5

struct task {
    char name[8], words[WORDS_MAX][2 * BYTES_MAX + 1];
    int bits;
    mp_int numbers[WORDS_MAX];
};

struct curve {
    int (*base)(const mp_int *, ecc_point *, int, void *);
    int (*secret)(const mp_int *, const ecc_point *, byte *, word32 *, void *);
    int (*verify)(const byte *, word32, const mp_int *, const mp_int *, const mp_int *,
                  const mp_int *, const mp_int *, int *, void *);
};

static const struct curve p256 = {sp_ecc_mulmod_base_256, sp_ecc_secret_gen_256, sp_ecc_verify_256};
static const struct curve p384 = {sp_ecc_mulmod_base_384, sp_ecc_secret_gen_384, sp_ecc_verify_384};

static const struct curve *curve_of(const struct task *task)
{
    return task->bits == 256 ? &p256 : &p384;
}

static void print(const byte *bytes, word32 count)
{
    for (word32 i = 0; i < count; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void unhex(const char *digits, byte *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned value = 0;
        sscanf(digits + 2 * i, "%2x", &value);
        bytes[i] = (byte)value;
    }
}

static int point_of(mp_int *x, mp_int *y, ecc_point **point)
{
    *point = wc_ecc_new_point();
    mp_copy(x, (*point)->x);
    mp_copy(y, (*point)->y);
    return mp_set((*point)->z, 1);
}

static int base(struct task *task)
{
    ecc_point *point = wc_ecc_new_point();
    byte both[2 * BYTES_MAX];
    int half = task->bits / 8;
    int code = curve_of(task)->base(&task->numbers[0], point, 1, NULL);
    if (code == 0)
        code = mp_to_unsigned_bin_len(point->x, both, half);
    if (code == 0)
        code = mp_to_unsigned_bin_len(point->y, both + half, half);
    if (code == 0)
        print(both, (word32)(2 * half));
    wc_ecc_del_point(point);
    return code;
}

static int ecdh(struct task *task)
{
    ecc_point *point;
    byte secret[BYTES_MAX];
    word32 bytes = sizeof secret;
    int code = point_of(&task->numbers[1], &task->numbers[2], &point);
    if (code == 0)
        code = curve_of(task)->secret(&task->numbers[0], point, secret, &bytes, NULL);
    if (code == 0)
        print(secret, bytes);
    wc_ecc_del_point(point);
    return code;
}

static int verify(struct task *task)
{
    byte hash[BYTES_MAX];
    word32 bytes = (word32)task->bits / 8;
    mp_int one[1], *n = task->numbers;
    int is_right = 0;
    unhex(task->words[2], hash, bytes);
    mp_init(one);
    mp_set(one, 1);
    int code = curve_of(task)->verify(hash, bytes, &n[0], &n[1], one, &n[3], &n[4], &is_right,
                                      NULL);
    if (code == 0)
        printf("%d\n", is_right);
    return code;
}

static int x25519(struct task *task)
{
    byte secret[CURVE25519_KEYSIZE], scalar[CURVE25519_KEYSIZE], u[CURVE25519_KEYSIZE];
    unhex(task->words[0], scalar, sizeof scalar);
    unhex(task->words[1], u, sizeof u);
    scalar[0] &= 248; /* RFC 7748 section 5; it takes no other */
    scalar[31] = (byte)((scalar[31] & 127) | 64);
    int code = wc_curve25519_generic(sizeof secret, secret, sizeof scalar, scalar, sizeof u, u);
    if (code == 0)
        print(secret, sizeof secret);
    return code;
}

static int compute(struct task *task)
{
    static const struct { const char *name; int (*does)(struct task *task); } tasks[] = {
        {"base", base}, {"ecdh", ecdh}, {"verify", verify}, {"x25519", x25519},
    };
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (!strcmp(task->name, tasks[i].name))
            return tasks[i].does(task);
    return -1;
}

static bool read_task(const char *line, struct task *task)
{
    memset(task, 0, sizeof *task);
    int words = sscanf(line, "%7s %d %96s %96s %96s %96s %96s", task->name, &task->bits,
                       task->words[0], task->words[1], task->words[2], task->words[3],
                       task->words[4]);
    for (int i = 0; i < words - 2; i++) {
        mp_init(&task->numbers[i]);
        if (mp_read_radix(&task->numbers[i], task->words[i], MP_RADIX_HEX) != 0)
            return false;
    }
    return words > 2;
}

int main(void)
{
    static _Alignas(16) uint8_t heap[64 * 1024];
    static struct th_payer payer;
    static struct task task;
    char line[640];
    th_payer_open(&payer, &(struct th_payer_config){.name = "curves", .heap = heap,
                                                    .heap_bytes = sizeof heap});
    th_payer_enter(&payer);
    wc_SetSeed_Cb(th_crypt_seed);
    while (fgets(line, sizeof line, stdin))
        if (!read_task(line, &task) || compute(&task) != 0)
            printf("failed\n");
    th_payer_leave(NULL);
    return th_payer_close(&payer) ? 1 : 0;
}
