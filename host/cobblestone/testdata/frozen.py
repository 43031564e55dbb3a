#!/usr/bin/env python3
"""Writes frozen.json: vectors made by a second implementation (Python, package
"cryptography" 48) of https://c2sp.org/chunked-encryption, in the format of
Wycheproof's file. Run: python3 frozen.py > frozen.json"""
import hashlib, hmac, json, zlib
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = hashlib.sha256(b"frozen key").digest()
CHUNK = 16 * 1024


def expand(prk, info, n):
    out, block, i = b"", b"", 1
    while len(out) < n:
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha512).digest()
        out, i = out + block, i + 1
    return out[:n]


def parts(key, context, salt, message):
    okm = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76)
    base = int.from_bytes(okm[32:44], "big")
    out = [salt + okm[44:]]
    for k in range(len(message) // CHUNK + 1):
        nonce = (base ^ k).to_bytes(12, "big")
        out.append(AESGCM(okm[:32]).encrypt(nonce, message[k * CHUNK:(k + 1) * CHUNK], b""))
    return out


tests = []


def case(comment, context, stream, released, flags=None):
    tests.append({
        "tcId": len(tests) + 1, "comment": comment, "key": KEY.hex(), "ctx": context.hex(),
        "ct": zlib.compress(stream).hex(), "msgLength": len(released),
        "msgSha512": hashlib.sha512(released).hexdigest(),
        "result": "valid" if flags is None else "invalid", "flags": flags or [],
    })


def salt():
    return hashlib.sha256(b"salt %d" % len(tests)).digest()[:24]


def flip(b, i):
    return b[:i] + bytes([b[i] ^ 1]) + b[i + 1:]


full = bytes(range(256)) * 64
ctx = b"frozen context"
case("empty message", b"", b"".join(parts(KEY, b"", salt(), b"")), b"")
case("short message with context", ctx, b"".join(parts(KEY, ctx, salt(), b"message")), b"message")
case("full chunk and a short one", ctx, b"".join(parts(KEY, ctx, salt(), full + b"!")), full + b"!")
case("full chunk without the empty last one", ctx, b"".join(parts(KEY, ctx, salt(), full)[:2]), full,
     ["Truncation", "PartialPlaintext"])
one = b"".join(parts(KEY, ctx, salt(), b"message"))
case("flipped bit in the salt", ctx, flip(one, 0), b"", ["ModifiedCiphertext", "HeaderFailure"])
case("flipped bit in the commitment", ctx, flip(one, 55), b"", ["ModifiedCiphertext", "HeaderFailure"])
case("flipped bit in the chunk", ctx, flip(one, 56), b"", ["ModifiedCiphertext"])
case("flipped bit in the tag", ctx, flip(one, len(one) - 1), b"", ["ModifiedCiphertext"])
case("other context", b"frozen contexT", one, b"", ["WrongContext", "HeaderFailure"])
case("header alone", ctx, one[:56], b"", ["Truncation"])
case("part of the header", ctx, one[:55], b"", ["Truncation", "HeaderFailure"])
case("part of the tag", ctx, one[:-1], b"", ["Truncation"])
case("byte appended", ctx, one + b"\0", b"", ["TrailingData"])
print(json.dumps({"algorithm": "Cobblestone-256", "numberOfTests": len(tests), "testGroups": [{"tests": tests}]}, indent=1))
