"""Makes known.yaml anew: envelopes with given randomness, written from the format's description with PyPI's `cryptography`.

    python3 make.py >known.yaml
"""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEGMENT = 1 << 20
KEY = bytes([7]) * 32
# What a random generator would give, in the order it is asked.
COUNTING = bytes(range(256))
DATA_KEY, REST = COUNTING[:32], COUNTING[32:]
WRAP_NONCE = bytes(range(0xF0, 0xFC))


def hkdf(key, salt, info, length=32):
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def header(kind, proto, context):
    key_id = b"aes256-gcm:" + hkdf(KEY, None, b"narae-secrets envelope v1 key id", 16).hex().encode()
    named = b"NARAEENV" + bytes([1, kind]) + len(key_id).to_bytes(2, "big") + key_id
    tag_key = hkdf(DATA_KEY, None, b"narae-secrets envelope v1 header")
    tag = hmac.digest(tag_key, named + context, "sha256")
    wrapped = WRAP_NONCE + AESGCM(KEY).encrypt(WRAP_NONCE, proto + DATA_KEY, None)
    return named + tag + len(wrapped).to_bytes(4, "big") + wrapped


def message(plaintext, context):
    sealed = AESGCM(DATA_KEY).encrypt(REST[:12], plaintext, context)
    return header(1, bytes([0x1A, 0x20]), context) + REST[:12] + sealed


def stream(plaintext, context):
    salt, prefix = REST[:32], REST[32:39]
    cipher = AESGCM(hkdf(DATA_KEY, salt, context))
    proto = bytes.fromhex("12080880804010201803" + "1a20")
    out, at, number = header(2, proto, context) + bytes([40]) + salt + prefix, 0, 0
    while True:
        size = SEGMENT - 16 - (40 if number == 0 else 0)
        last = len(plaintext) - at <= size
        nonce = prefix + number.to_bytes(4, "big") + bytes([last])
        out += cipher.encrypt(nonce, plaintext[at : at + size], None)
        at, number = at + size, number + 1
        if last:
            return out


def context(*texts):
    texts = [text.encode() for text in texts]
    return b"narae-secrets context v1" + b"".join(len(text).to_bytes(4, "big") + text for text in texts)


def plaintext(length):
    return (COUNTING[:251] * (length // 251 + 1))[:length]


shop = context("backup", "shop/db", "été")
print(f"context: {shop.hex()}")
for name, make, lengths in [
    ("message", message, [0, 1, 300]),
    ("stream", stream, [0, 1, 300, SEGMENT - 56, 2 * SEGMENT - 71]),
]:
    print(f"{name}:")
    for length in lengths:
        made = make(plaintext(length), shop)
        # All of it where that is short.
        if length <= 300:
            print(f"- {{plaintext: {length}, envelope: {made.hex()}}}")
        else:
            print(f"- {{plaintext: {length}, sha256: {hashlib.sha256(made).hexdigest()}}}")
