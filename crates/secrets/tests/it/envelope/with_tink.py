"""Opens and makes envelopes with PyPI's `tink`; what is around Tink's part is written from the format's description.

    with_tink.py open-frame|make-frame|open-stream|make-stream KEY CONTEXT <in >out

KEY is `local:HEX`, `rsa:PRIVATE-KEY-FILE` or `transit:ADDRESS,TOKEN,MOUNT/NAME`; CONTEXT is in hexadecimal. Frames are Tink's
own; streams have their header. The first line of `make-stream`'s input is the key's name.
"""

import base64
import hmac
import io
import json
import sys
import urllib.request

import tink
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tink import aead, cleartext_keyset_handle, core, streaming_aead
from tink.proto import aes_gcm_pb2, tink_pb2

STREAM = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
MESSAGE = aead.aead_key_templates.AES256_GCM


def handle(key_data, prefix=tink_pb2.RAW):
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(key_data=key_data, status=tink_pb2.ENABLED, key_id=1, output_prefix_type=prefix)
    return cleartext_keyset_handle.from_keyset(keyset)


class Rsa(aead.Aead):
    """A remote AEAD that is an RSA key."""

    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"narae-secrets envelope v1")

    def __init__(self, path):
        self.key = serialization.load_pem_private_key(open(path, "rb").read(), None)

    def encrypt(self, plaintext, associated_data):
        assert associated_data == b""
        return self.key.public_key().encrypt(plaintext, self.oaep)

    def decrypt(self, ciphertext, associated_data):
        assert associated_data == b""
        return self.key.decrypt(ciphertext, self.oaep)


class Transit(aead.Aead):
    """A remote AEAD that is a key of a transit engine, as Tink's own client of Vault has it."""

    def __init__(self, address, token, path):
        mount, self.name = path.split("/")
        self.url, self.token = f"{address}/v1/{mount}", token

    def ask(self, operation, body):
        body = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{operation}/{self.name}", body, {"X-Vault-Token": self.token})
        return json.load(urllib.request.urlopen(request))["data"]

    def encrypt(self, plaintext, associated_data):
        assert associated_data == b""
        return self.ask("encrypt", {"plaintext": base64.b64encode(plaintext).decode()})["ciphertext"].encode()

    def decrypt(self, ciphertext, associated_data):
        assert associated_data == b""
        return base64.b64decode(self.ask("decrypt", {"ciphertext": ciphertext.decode()})["plaintext"])


def remote(text):
    kind, rest = text.split(":", 1)
    if kind == "rsa":
        return Rsa(rest)
    if kind == "transit":
        return Transit(*rest.split(","))
    key = aes_gcm_pb2.AesGcmKey(key_value=bytes.fromhex(rest))
    key_data = tink_pb2.KeyData(
        type_url=MESSAGE.type_url, value=key.SerializeToString(), key_material_type=tink_pb2.KeyData.SYMMETRIC
    )
    return handle(key_data).primitive(aead.Aead)


def tag(data_key, named, context):
    header_key = HKDF(hashes.SHA256(), 32, None, b"narae-secrets envelope v1 header").derive(data_key)
    return hmac.digest(header_key, named + context, "sha256")


def open_stream(envelope, key, context):
    assert envelope[:10] == b"NARAEENV\x01\x02"
    end = 12 + int.from_bytes(envelope[10:12], "big")
    wrapped_at = end + 32 + 4
    payload_at = wrapped_at + int.from_bytes(envelope[end + 32 : wrapped_at], "big")
    proto = key.decrypt(envelope[wrapped_at:payload_at], b"")
    assert hmac.compare_digest(envelope[end : end + 32], tag(proto[-32:], envelope[:end], context))
    key_data = tink_pb2.KeyData(
        type_url=STREAM.type_url, value=proto, key_material_type=tink_pb2.KeyData.SYMMETRIC
    )
    primitive = handle(key_data).primitive(streaming_aead.StreamingAead)
    return primitive.new_decrypting_stream(io.BytesIO(envelope[payload_at:]), context).read()


def make_stream(plaintext, key, context):
    name, plaintext = plaintext.split(b"\n", 1)
    key_data = core.Registry.new_key_data(STREAM)
    named = b"NARAEENV\x01\x02" + len(name).to_bytes(2, "big") + name
    wrapped = key.encrypt(key_data.value, b"")

    class Kept(io.BytesIO):
        def close(self):
            self.kept = self.getvalue()

    out = Kept()
    out.write(named + tag(key_data.value[-32:], named, context) + len(wrapped).to_bytes(4, "big") + wrapped)
    with handle(key_data).primitive(streaming_aead.StreamingAead).new_encrypting_stream(out, context) as stream:
        stream.write(plaintext)
    return out.kept


def main():
    operation, key, context = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
    aead.register()
    streaming_aead.register()
    key, data = remote(key), sys.stdin.buffer.read()
    envelope_aead = aead.KmsEnvelopeAead(MESSAGE, key)
    done = {
        "open-frame": lambda: envelope_aead.decrypt(data, context),
        "make-frame": lambda: envelope_aead.encrypt(data, context),
        "open-stream": lambda: open_stream(data, key, context),
        "make-stream": lambda: make_stream(data, key, context),
    }
    try:
        sys.stdout.buffer.write(done[operation]())
    except tink.TinkError as error:
        sys.exit(f"tink: {error}")


main()
