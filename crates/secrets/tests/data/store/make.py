"""Writes v1.store by the format's documentation alone, with Python's `cryptography`. Run here."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def number(value, size):
    return value.to_bytes(size, "big")


def data(values):
    out = number(len(values), 4)
    for key, value in sorted(values.items()):
        out += number(len(key), 2) + key + number(len(value), 4) + value
    return out


def path(name, versions):
    out = number(len(name), 2) + name + number(len(versions), 4)
    for version, state, values in versions:
        out += number(version, 8) + number(state, 1)
        if values is not None:
            out += stamp + data(values)
    return out


def hkdf(salt, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(bytes([7] * 32))


salt = bytes([9] * 32)
stamp = bytes(range(16))
paths = [
    path(b"secret/old", [(1, 1, {b"k": b"v"})]),
    path(b"secret/shop", [(1, 2, None), (2, 0, {b"password": b"pa55", b"user": b""})]),
]
plaintext = number(len(paths), 4) + b"".join(paths)
header = b"NARAESEC" + number(1, 2) + number(0, 2)
header += hkdf(b"", b"narae-secrets store v1 key id", 16) + salt
header += number(len(plaintext) + 16, 8)
key = hkdf(salt, b"narae-secrets store v1 encryption", 32)
with open("v1.store", "wb") as out:
    out.write(header + AESGCM(key).encrypt(bytes(12), plaintext, header))
