"""HTTP/2 by hand: frames of any kind, and header blocks whose bytes nobody has checked. Not a program.

hyperframe makes the frames and reads the answers', hpack decodes them; header blocks are written here, since every library refuses to encode what
a test wants to send.
"""

import socket
import ssl
import struct
import time

import hpack
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Types and flags of RFC 9113 6.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x1, 0x4, 0x8, 0x20


def frame(kind, stream, payload=b"", flags=0, length=None):
    """Any frame; `length` lies about the payload's."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, bits, first=0):
    """RFC 7541 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes([*out, value])


def octets(text):
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    return integer(len(data), 7) + data


def literal(name, value, indexed=False):
    """A field as it is: no table, no Huffman, no opinion (RFC 7541 6.2)."""
    return bytes([0x40 if indexed else 0x00]) + octets(name) + octets(value)


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


def headers(stream, fields, end=True):
    data = fields if isinstance(fields, bytes) else block(fields)
    pieces = [data[at : at + 16_384] for at in range(0, len(data), 16_384)] or [b""]
    last = len(pieces) - 1
    flags = END_STREAM if end else 0
    frames = frame(HEADERS, stream, pieces[0], flags | (END_HEADERS if last == 0 else 0))
    for number, piece in enumerate(pieces[1:], 1):
        frames += frame(CONTINUATION, stream, piece, END_HEADERS if number == last else 0)
    return frames


def data(stream, body=b"", end=True):
    return frame(DATA, stream, body, END_STREAM if end else 0)


class Answer:
    """How one stream ended: a response, a reset, or with its connection."""

    def __init__(self):
        self.status, self.fields, self.body = None, [], b""
        self.ended = self.reset = self.goaway = self.closed = None

    def __repr__(self):
        shown = {name: value for name, value in vars(self).items() if value not in (None, [], b"")}
        return f"<{shown}>"

    @property
    def refused(self):
        """Not served: a reset, a client error, or the end of the connection."""
        if self.status is not None:
            return 400 <= self.status < 500
        return self.reset is not None or self.connection_ended

    @property
    def connection_ended(self):
        return self.closed is not None or (self.goaway is not None and self.goaway != 0)


class Connection:
    """One connection: by TLS and ALPN, or plain, with prior knowledge. `window` is the initial window that we grant to responses."""

    def __init__(self, port, window=None, preface=PREFACE, settings=True, plain=False):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        if not plain:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket)
            assert self.socket.selected_alpn_protocol() == "h2"
        self.buffer, self.decoder, self.answers = b"", hpack.Decoder(), {}
        self.goaway = self.closed = None
        self.socket.settimeout(10)
        own = b"" if window is None else struct.pack(">HI", 4, window)
        self.send(preface + (frame(SETTINGS, 0, own) if settings else b""))

    def send(self, data):
        """False when the peer has gone, or reads no more."""
        try:
            self.socket.sendall(data)
            return True
        except OSError as error:
            self.closed = self.closed or type(error).__name__
            return False

    def answer(self, stream, seconds=5.0):
        """How the stream ended, within the time."""
        limit = time.monotonic() + seconds
        answer = self.answers.setdefault(stream, Answer())
        while not (answer.ended or answer.reset is not None or self.closed):
            if not self.receive(limit):
                break
        answer.goaway, answer.closed = self.goaway, self.closed
        return answer

    def wait_for_end(self, seconds=5.0):
        """Whether the peer ended the connection, by GOAWAY or without a word, within the time."""
        limit = time.monotonic() + seconds
        while not (self.closed or self.goaway):
            if not self.receive(limit):
                return False
        return True

    def receive_all(self):
        """Takes what has come, without waiting."""
        while self.receive(time.monotonic() + 0.0005):
            if self.closed:
                return

    def receive(self, limit):
        """Takes what comes; False when the time is over."""
        left = limit - time.monotonic()
        if left <= 0:
            return False
        try:
            self.socket.settimeout(left)
            received = self.socket.recv(65_536)
        except TimeoutError:
            return False
        except OSError as error:
            self.closed = type(error).__name__
            return True
        if not received:
            self.closed = "closed"
            return True
        self.buffer += received
        while len(self.buffer) >= 9:
            try:
                found, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
            except HyperframeError:
                length, found = int.from_bytes(self.buffer[:3], "big"), None
            if len(self.buffer) < 9 + length:
                break
            if found is not None:
                found.parse_body(memoryview(self.buffer[9 : 9 + length]))
                self.take(found)
            self.buffer = self.buffer[9 + length :]
        return True

    def take(self, found):
        answer = self.answers.setdefault(found.stream_id, Answer())
        if isinstance(found, GoAwayFrame):
            self.goaway = found.error_code if self.goaway in (None, 0) else self.goaway
        elif isinstance(found, RstStreamFrame):
            answer.reset = found.error_code
        elif isinstance(found, SettingsFrame):
            if "ACK" not in found.flags:
                self.send(frame(SETTINGS, 0, flags=ACK))
        elif isinstance(found, HeadersFrame):
            for name, value in self.decoder.decode(bytes(found.data)):
                if name == ":status":
                    answer.status = int(value)
                else:
                    answer.fields.append((name, value))
        elif found.type == DATA:
            answer.body += bytes(found.data)
        if "END_STREAM" in found.flags:
            answer.ended = True

    def close(self):
        self.socket.close()
