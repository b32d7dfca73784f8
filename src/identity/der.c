#include "identity/der.h"

#include "base/slice.h"
#include "crypt/wipe.h"
#include "mem/payer.h"

#include <string.h>

#define FIRST_ROOM_BYTES 1024 /* most certificates and keys fit */

static void release(struct th_der *der)
{
    if (!der->data)
        return;
    th_crypt_wipe(der->data, der->room_bytes);
    th_payer_give(th_payer_current(), der->data);
}

static size_t room_for(const struct th_der *der, size_t bytes)
{
    size_t room = der->room_bytes ? der->room_bytes : FIRST_ROOM_BYTES;
    while (room < bytes)
        room *= 2;
    return room;
}

static int grow(struct th_der *der, size_t bytes)
{
    size_t room = room_for(der, bytes);
    uint8_t *data = th_payer_take(th_payer_current(), TH_PURPOSE_FILE, room);
    if (!data)
        return TH_E_MEMORY;
    if (der->used_bytes)
        memcpy(data, der->data, der->used_bytes);
    release(der);
    der->data = data;
    der->room_bytes = room;
    return 0;
}

int th_der_append(struct th_der *der, const uint8_t *data, size_t bytes)
{
    if (bytes > TH_DER_MAX_BYTES - der->used_bytes)
        return TH_E_TOO_LARGE;
    size_t wanted = der->used_bytes + bytes;
    int result = wanted > der->room_bytes ? grow(der, wanted) : 0;
    if (result < 0 || bytes == 0)
        return result;
    memcpy(der->data + der->used_bytes, data, bytes);
    der->used_bytes = wanted;
    return 0;
}

struct th_slice th_der_from(const struct th_der *der, size_t at_bytes)
{
    if (der->used_bytes == at_bytes)
        return th_slice_of("", 0);
    return th_slice_of(der->data + at_bytes, der->used_bytes - at_bytes);
}

void th_der_cut(struct th_der *der, size_t bytes)
{
    if (bytes < der->used_bytes)
        th_crypt_wipe(der->data + bytes, der->used_bytes - bytes);
    der->used_bytes = bytes;
}

void th_der_close(struct th_der *der)
{
    release(der);
    memset(der, 0, sizeof *der);
}
