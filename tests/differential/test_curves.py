"""P-256, P-384 and X25519 as they are built here, beside OpenSSL's arithmetic and that of RFC 7748:
scalars and signatures of every shape that carries are lost with."""
import _ssl
import ctypes
import random
import subprocess

import pytest

from program import TOP

CURVES = TOP / "build" / "curves"
CASES = 250
P256, P384 = 415, 715  # OpenSSL's numbers for them
ORDER = {256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
         384: int("f" * 48 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)}

openssl = ctypes.CDLL(_ssl.__file__)  # its libcrypto
for name, result, arguments in (
        ("EC_GROUP_new_by_curve_name", "P", "i"), ("EC_POINT_new", "P", "P"), ("BN_new", "P", ""),
        ("BN_bin2bn", "P", "siP"), ("BN_bn2binpad", "i", "PPi"),
        ("EC_POINT_mul", "i", "PPPPPP"), ("EC_POINT_get_affine_coordinates", "i", "PPPPP")):
    types = {"P": ctypes.c_void_p, "i": ctypes.c_int, "s": ctypes.c_char_p}
    getattr(openssl, name).restype = types[result]
    getattr(openssl, name).argtypes = [types[each] for each in arguments]


class Curve:
    def __init__(self, bits):
        self.bits, self.order, self.bytes = bits, ORDER[bits], bits // 8
        self.group = openssl.EC_GROUP_new_by_curve_name({256: P256, 384: P384}[bits])
        self.x, self.y, self.k, self.l = (openssl.BN_new() for _ in "xykl")
        self.room = ctypes.create_string_buffer(self.bytes)

    def _set(self, into, value):
        return openssl.BN_bin2bn(value.to_bytes(self.bytes, "big"), self.bytes, into)

    def _get(self, number):
        assert openssl.BN_bn2binpad(number, self.room, self.bytes) == self.bytes
        return int.from_bytes(self.room.raw, "big")

    def times(self, of_base, point=None, of_point=0):
        """of_base * G + of_point * point."""
        to = openssl.EC_POINT_new(self.group)
        more = (point, self._set(self.l, of_point)) if point else (None, None)
        assert openssl.EC_POINT_mul(self.group, to, self._set(self.k, of_base), *more, None) == 1
        return to

    def where(self, point):
        assert openssl.EC_POINT_get_affine_coordinates(self.group, point, self.x, self.y, None) == 1
        return self._get(self.x), self._get(self.y)

    def scalar(self, dice):
        """From 1 to the order less 1; few are ordinary."""
        ones = (1 << self.bits) - 1
        bit = dice.randrange(self.bits)
        return dice.choice([
            lambda: dice.getrandbits(self.bits), lambda: 1 + dice.getrandbits(8),
            lambda: self.order - 1 - dice.getrandbits(8), lambda: 1 << bit, lambda: (1 << bit) - 1,
            lambda: ones ^ (1 << bit), lambda: ones >> bit << bit,
            lambda: sum(dice.choice([0, 1, (1 << 26) - 1]) << at for at in range(0, self.bits, 26)),
            lambda: sum(dice.choice([0, 1, (1 << 55) - 1]) << at for at in range(0, self.bits, 55)),
            lambda: sum(dice.choice([0, 1, 1 << 31, (1 << 32) - 1]) << at
                        for at in range(0, self.bits, 32)),
        ])() % (self.order - 1) or 1


def computed(lines):
    done = subprocess.run([CURVES], input="".join(f"{line}\n" for line in lines), text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.split("\n")[:-1]


def assert_agree(cases):
    """(line, what is right) of each."""
    said = computed(line for line, _ in cases)
    wrong = [(line, right, got) for (line, right), got in zip(cases, said, strict=True) if right != got]
    assert not wrong, f"{len(wrong)} of {len(cases)}, first: {wrong[0]}"


@pytest.fixture(params=[256, 384], ids=["P-256", "P-384"])
def curve(request):
    return Curve(request.param)


def hexed(curve, *numbers):
    return " ".join(f"{number:0{2 * curve.bytes}x}" for number in numbers)


def test_multiples_of_the_base_point(curve):
    dice, cases = random.Random(1), []
    for _ in range(CASES):
        k = curve.scalar(dice)
        x_y = hexed(curve, *curve.where(curve.times(k))).replace(" ", "")
        cases.append((f"base {curve.bits} {hexed(curve, k)}", x_y))
    assert_agree(cases)


def test_shared_secrets(curve):
    dice, cases = random.Random(2), []
    for _ in range(CASES):
        k, point = curve.scalar(dice), curve.times(curve.scalar(dice))
        secret, _ = curve.where(curve.times(0, point, k))
        cases.append((f"ecdh {curve.bits} {hexed(curve, k, *curve.where(point))}",
                      hexed(curve, secret)))
    assert_agree(cases)


def signature(curve, dice):
    """Of nobody's, made from the two scalars a verification multiplies with: key, hash, r, s."""
    while True:
        key, first, second = curve.times(curve.scalar(dice)), curve.scalar(dice), curve.scalar(dice)
        try:
            r = curve.where(curve.times(first, key, second))[0] % curve.order
        except AssertionError:
            continue  # they meet in no point
        s = r * pow(second, -1, curve.order) % curve.order
        return curve.where(key), first * s % curve.order, r, s


def test_signatures(curve):
    """Right ones, and each with one bit that is wrong."""
    dice, cases = random.Random(3), []
    for _ in range(CASES):
        (x, y), e, r, s = signature(curve, dice)
        cases.append((f"verify {curve.bits} {hexed(curve, x, y, e, r, s)}", "1"))
        other = e ^ 1 << dice.randrange(curve.bits)
        if other != e and (other - e) % curve.order:
            cases.append((f"verify {curve.bits} {hexed(curve, x, y, other, r, s)}", "0"))
    assert_agree(cases)


# ---- X25519, as RFC 7748 has it -----------------------------------------------------------------

P = 2**255 - 19


def ladder(k, u):
    k = (k & ~7 & ~(1 << 255)) | 1 << 254
    x1, x2, z2, x3, z3 = u % P, 1, 0, u % P, 1
    for at in reversed(range(255)):
        if k >> at & 1:
            x2, z2, x3, z3 = *step(x1, x3, z3, x2, z2)[2:], *step(x1, x3, z3, x2, z2)[:2]
        else:
            x2, z2, x3, z3 = step(x1, x2, z2, x3, z3)
    return x2 * pow(z2, P - 2, P) % P


def step(x1, x2, z2, x3, z3):
    """(doubled, sum)"""
    a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
    aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
    e = aa - bb
    return aa * bb % P, e * (aa + 121665 * e) % P, (da + cb)**2 % P, x1 * (da - cb)**2 % P


def little(number):
    return number.to_bytes(32, "little").hex()


def test_x25519():
    """A point whose coordinate is not below the prime counts as the one it is congruent to."""
    dice, cases = random.Random(4), []
    assert ladder(9, 9) != ladder(17, 9)
    for _ in range(CASES):
        k = dice.getrandbits(256) if dice.random() < 0.5 else (1 << dice.randrange(256)) - 1
        u = dice.choice([dice.getrandbits(255), P + dice.randrange(2, 19), P - 2 - dice.getrandbits(8),
                         2 + dice.getrandbits(8), 9, (1 << dice.randrange(2, 255)) - 1])
        secret = ladder(k, u)
        cases.append((f"x25519 0 {little(k)} {little(u)}", little(secret) if secret else "failed"))
    assert_agree(cases)
