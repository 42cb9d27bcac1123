"""Datagrams that no edge should send, at the feed port of an issuer. Usage: quic.py UP_JSON [DATAGRAMS [SEED]]

Random ones, and Initial packets that are protected as RFC 9001 5.2 says, with and without the token of a Retry, so that what is wrong in them is read
(T39): frames that lie about their length, that belong elsewhere, handshakes that are garbage. Each source gets at most three times the bytes that it sent (RFC 9000 8.1), and the feed
goes on: a sign-out is enforced at the edge afterwards. DATAGRAMS: how many random ones (3,000).
"""

import os
import random
import select
import socket
import struct
import time
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from system import expect, run

SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
SMALLEST = 1_200
# The connection id that our transport parameters name.
SOURCE = bytes(8)
AMPLIFICATION = 3


def check(system, arguments):
    count = int(arguments[0]) if arguments else 3_000
    seed = int(arguments[1]) if len(arguments) > 1 else int.from_bytes(os.urandom(4), "big")
    chance = random.Random(seed)
    address = urlsplit(system.issuer)
    feed = (address.hostname, address.port + 1)
    email, password, _ = system.sign_up()
    access = system.sign_in(email, password)["AccessToken"]
    system.expect_edge(access, 200, "before the datagrams")

    sources = Sources(feed)
    named = {**headers(chance), **{what: initial(chance, payload) for what, payload in frame_lies(chance).items()}}
    for datagram in named.values():
        sources.send(datagram)
    for _ in range(count):
        sources.send(noise(chance))
    worst, answered = sources.settle()
    # What is in a packet is read when its address has proven itself.
    read = [*frame_lies(chance).values(), *(frames(chance) for _ in range(count // 10))]
    told_by = sum(proven(feed, chance, payload) for payload in read)
    expect(worst <= AMPLIFICATION, f"a source got {worst:.2f} times what it had sent (seed {seed})")
    told = handshakes(feed)

    system.expect_edge(access, 200, f"after the datagrams (seed {seed})")
    system.public.global_sign_out(AccessToken=access)
    system.expect_refusal(access, f"a sign-out after the datagrams (seed {seed})")
    sent = len(named) + count
    return (
        f"{sent} datagrams, {answered} answered, at most {worst:.2f} times their size; "
        f"{len(read)} payloads from proven addresses, {told_by} answered; {told}"
    )


class Sources:
    """A source for each datagram, which never answers: what it gets, the feed has sent to somebody whom it does not know."""

    def __init__(self, feed):
        self.feed, self.waiting, self.worst, self.answered = feed, {}, 0.0, 0

    def send(self, datagram):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        source.setblocking(False)
        source.sendto(datagram, self.feed)
        self.waiting[source] = [len(datagram), 0]
        if len(self.waiting) >= 200:
            self.collect(0.02)
            for source in list(self.waiting)[:100]:
                self.close(source)

    def settle(self):
        """(largest factor, sources that got an answer)."""
        limit = time.monotonic() + 3  # retransmissions come within a second or two
        while time.monotonic() < limit:
            self.collect(0.1)
        for source in list(self.waiting):
            self.close(source)
        return self.worst, self.answered

    def collect(self, seconds):
        ready, _, _ = select.select(list(self.waiting), [], [], seconds)
        for source in ready:
            while True:
                try:
                    self.waiting[source][1] += len(source.recv(65_536))
                except (BlockingIOError, ConnectionError):
                    break

    def close(self, source):
        sent, received = self.waiting.pop(source)
        if received:
            self.answered += 1
            self.worst = max(self.worst, received / max(sent, 1))
        source.close()


def proven(feed, chance, payload):
    """Sends the payload with the token of the Retry that a first packet gets (RFC 9000 8.1.2); whether it was answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.settimeout(5)
        source.sendto(initial(chance, b"\x01", scid=SOURCE), feed)
        retry = source.recv(65_536)
        expect(retry[0] & 0xF0 == 0xF0, f"a first packet was answered by {retry[:1].hex()}, not by a Retry")
        start = 6 + retry[5]
        end = start + 1 + retry[start]
        token, dcid = retry[end:-16], retry[start + 1 : end]
        source.sendto(initial(chance, payload, token=token, dcid=dcid, scid=SOURCE, number=1), feed)
        source.settimeout(0.02)
        try:
            return bool(source.recv(65_536))
        except OSError:
            return False


def handshakes(feed):
    """Good first flights, from sources that then fall silent: what comes stays within three times, retransmissions included."""
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
    for number, source in enumerate(sources):
        source.setblocking(False)
        chance = random.Random(number)
        source.sendto(initial(chance, crypto(0, client_hello(b"tg-join/1")), scid=SOURCE), feed)
    received = dict.fromkeys(sources, 0)
    limit = time.monotonic() + 4
    while time.monotonic() < limit:
        for source in select.select(sources, [], [], 0.1)[0]:
            try:
                received[source] += len(source.recv(65_536))
            except (BlockingIOError, ConnectionError):
                pass
    for source in sources:
        source.close()
    most = max(received.values())
    expect(most > 0, "no handshake was answered: the packets of this test are not understood")
    expect(most <= AMPLIFICATION * SMALLEST, f"{most} bytes to a silent source that had sent {SMALLEST}")
    return f"handshakes of silent sources got at most {most / SMALLEST:.2f} times"


# Packets


def varint(value, size=None):
    for bits, length in ((6, 1), (14, 2), (30, 4), (62, 8)):
        if value < 1 << bits and (size is None or size == length):
            return (value | ({1: 0, 2: 1, 4: 2, 8: 3}[length] << (8 * length - 2))).to_bytes(length, "big")
    raise ValueError(value)


def expand(secret, label, length):
    name = b"tls13 " + label
    info = struct.pack(">H", length) + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def keys(dcid):
    """(key, iv, header protection) of a client's Initial packets."""
    extract = hmac.HMAC(SALT, hashes.SHA256())
    extract.update(dcid)
    client = expand(extract.finalize(), b"client in", 32)
    return expand(client, b"quic key", 16), expand(client, b"quic iv", 12), expand(client, b"quic hp", 16)


def initial(chance, payload, token=b"", first=0xC0, version=1, number=0, number_length=1, pad=True, dcid=None, scid=None, length=None):
    """A protected Initial packet, padded to the smallest datagram; `first` and `length` may lie."""
    dcid = chance.randbytes(8) if dcid is None else dcid
    scid = chance.randbytes(8) if scid is None else scid
    key, iv, protection = keys(dcid)
    if pad:
        overhead = 1 + 4 + 1 + len(dcid) + 1 + len(scid) + len(varint(len(token))) + len(token) + 2 + number_length + 16
        payload += bytes(max(0, SMALLEST - overhead - len(payload)))
    payload += bytes(max(0, 4 - len(payload)))
    size = number_length + len(payload) + 16
    head = bytes([first & 0xFC | number_length - 1]) + struct.pack(">I", version) + bytes([len(dcid) & 255]) + dcid
    head += bytes([len(scid) & 255]) + scid + varint(len(token)) + token
    head += varint(size if length is None else length, 2) + number.to_bytes(number_length, "big")
    nonce = bytes(a ^ b for a, b in zip(iv, number.to_bytes(12, "big"), strict=True))
    sealed = AESGCM(key).encrypt(nonce, payload, head)
    sample = sealed[4 - number_length :][:16]
    mask = Cipher(algorithms.AES(protection), modes.ECB()).encryptor().update(sample)
    number_at = len(head) - number_length
    masked = bytes(a ^ b for a, b in zip(head[number_at:], mask[1:], strict=False))
    return bytes([head[0] ^ mask[0] & 0x0F]) + head[1:number_at] + masked + sealed


def crypto(offset, data):
    return b"\x06" + varint(offset) + varint(len(data)) + data


def client_hello(alpn):
    share = X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def extension(kind, body):
        return struct.pack(">HH", kind, len(body)) + body

    def of16(body):
        return struct.pack(">H", len(body)) + body

    parameters = b"".join(varint(kind) + varint(len(varint(value))) + varint(value) for kind, value in ((0x04, 65_536), (0x05, 65_536), (0x08, 4)))
    parameters += varint(0x0F) + varint(len(SOURCE)) + SOURCE
    extensions = (
        extension(0x00, of16(b"\0" + of16(b"localhost")))
        + extension(0x2B, b"\x02\x03\x04")
        + extension(0x0A, of16(b"\x00\x1d"))
        + extension(0x0D, of16(bytes.fromhex("040308040805080607080503")))
        + extension(0x33, of16(b"\x00\x1d" + of16(share)))
        + extension(0x10, of16(bytes([len(alpn)]) + alpn))
        + extension(0x39, parameters)
    )
    body = b"\x03\x03" + os.urandom(32) + b"\0" + of16(b"\x13\x01\x13\x02\x13\x03") + b"\x01\0" + of16(extensions)
    return b"\x01" + len(body).to_bytes(3, "big") + body


def headers(chance):
    """Long and short headers that lie."""
    hello = crypto(0, client_hello(b"tg-feed/1"))
    good = initial(chance, hello)
    packets = {
        "cut short": good[:600],
        "one byte": b"\xc0",
        "empty": b"",
        "without padding": initial(chance, hello, pad=False),
        "zeros": bytes(SMALLEST),
        "ones": b"\xff" * SMALLEST,
        "twice in one datagram": good + good,
        "with text behind it": good + b"GET / HTTP/1.1\r\n\r\n",
        "a token": initial(chance, hello, token=chance.randbytes(32)),
        "a token of 1,000 bytes": initial(chance, hello, token=chance.randbytes(1_000)),
        "a token longer than the packet": good[:23] + b"\xbf\xff\xff\xff" + good[27:],
        "an empty destination": initial(chance, hello, dcid=b""),
        "a destination of 20 bytes": initial(chance, hello, dcid=chance.randbytes(20)),
        "a destination of 21 bytes": initial(chance, hello, dcid=chance.randbytes(21)),
        "a destination of 255 bytes": initial(chance, hello, dcid=chance.randbytes(255)),
        "a source of 255 bytes": initial(chance, hello, scid=chance.randbytes(255)),
        "reserved bits": initial(chance, hello, first=0xCC),
        "no fixed bit": initial(chance, hello, first=0x80),
        "a length of 0": initial(chance, hello, length=0),
        "a length of 1": initial(chance, hello, length=1),
        "a length beyond the datagram": initial(chance, hello, length=16_383),
        "a long packet number": initial(chance, hello, number=0xFFFFFFFF, number_length=4),
    }
    for version in (0, 2, 0x0A0A0A0A, 0xFF00001D, 0x6B3343CF, 0xFFFFFFFF):
        packets[f"version {version:x}"] = initial(chance, hello, version=version)
        packets[f"version {version:x}, short"] = initial(chance, b"", version=version, pad=False)
    for first, what in ((0xD0, "0-RTT"), (0xE0, "Handshake"), (0xF0, "Retry"), (0x40, "a short header"), (0x7F, "a short header, all bits")):
        packets[what] = initial(chance, hello, first=first)
        packets[f"{what}, short"] = bytes([first]) + chance.randbytes(40)
    return packets


def frame_lies(chance):
    """Frames that lie, or belong elsewhere."""
    hello = client_hello(b"tg-feed/1")
    return {
        "no frame": b"",
        "only padding": bytes(100),
        "only a ping": b"\x01",
        "an unknown frame": b"\x40\xff" + b"x" * 50,
        "CRYPTO at 2^62": crypto((1 << 62) - 1, b"x"),
        "CRYPTO far ahead": crypto(1 << 20, b"x" * 100),
        "CRYPTO longer than the packet": b"\x06\x00" + varint(16_000) + b"x",
        "CRYPTO without end": b"\x06",
        "CRYPTO of nothing": crypto(0, b""),
        "CRYPTO that overlaps itself": crypto(0, hello) + crypto(1, b"\xff" * 100),
        "a handshake of garbage": crypto(0, chance.randbytes(900)),
        "a ServerHello": crypto(0, b"\x02" + hello[1:]),
        "a hello that says 16 MB": crypto(0, b"\x01\xff\xff\xff" + b"x" * 800),
        "a hello that is cut": crypto(0, hello[:60]),
        "a hello with another ALPN": crypto(0, client_hello(b"h3")),
        "a hello for the feed without a certificate": crypto(0, hello),
        "ACK of what was not sent": b"\x02" + varint(1_000) + b"\x00\x00" + varint(1_000),
        "ACK below zero": b"\x02\x00\x00\x00" + varint(60),
        "ACK with too many ranges": b"\x02" + varint(10) + b"\x00" + varint((1 << 62) - 1) + b"\x00",
        "ACK with a range below zero": b"\x02\x05\x00\x01\x00" + varint(60) + b"\x01",
        "a stream in an Initial packet": b"\x0a\x00\x05hello",
        "CONNECTION_CLOSE": b"\x1c\x00\x00\x03bye",
        "CONNECTION_CLOSE longer than the packet": b"\x1c\x00\x00" + varint(16_000),
        "CONNECTION_CLOSE by an application": b"\x1d\x00\x03bye",
        "NEW_CONNECTION_ID": b"\x18\x01\x00\x14" + bytes(36),
        "NEW_CONNECTION_ID without length": b"\x18\x01\x00\x00",
        "RETIRE_CONNECTION_ID": b"\x19\x00",
        "PATH_CHALLENGE": b"\x1a" + bytes(8),
        "MAX_DATA": b"\x10" + varint((1 << 62) - 1),
        "HANDSHAKE_DONE": b"\x1e",
        "NEW_TOKEN": b"\x07\x00",
        "a datagram frame": b"\x31\x05hello",
        "frames of one byte": bytes(range(1, 0x20)),
    }


def noise(chance):
    """Random bytes, sometimes behind a header that makes them worth reading."""
    size = chance.choice((0, 1, 5, 20, 21, 40, 100, 600, 1_199, 1_200, 1_252, 1_452))
    body = chance.randbytes(size)
    if chance.random() < 0.5 or size < 20:
        return body
    return bytes([0xC0 | chance.randrange(64)]) + struct.pack(">I", chance.choice((0, 1, 1, 1, 2))) + bytes([8]) + body[:-6]


def frames(chance):
    """Frames of random kinds with random insides."""
    kinds = [0x00, 0x01, 0x02, 0x03, 0x06, 0x06, 0x06, 0x1C, *range(0x20)]
    out = b""
    for _ in range(chance.randrange(1, 8)):
        out += bytes([chance.choice(kinds)]) + chance.randbytes(chance.randrange(40))
    return out[:1_000]


run(check)
