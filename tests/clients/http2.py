"""HTTP/2 frames that no client should send, against an edge. Usage: http2.py UP_JSON [STREAMS]

An edge of the running one's program, by TLS and ALPN and, for what is malformed, by prior knowledge, before an upstream that remembers what reached it. Header blocks and frames are made by hand
(frames.py). What is wrong must be refused and never reach the upstream; while it floods, everybody else is served, and memory stays.
STREAMS: how many streams the reset floods open (20,000).
"""

import struct
import sys

import frames
from frames import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITISED
from frames import PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, Connection, block, data, frame, literal
from own_edge import Others, own_edge
from system import expect, expect_equal, run

MEBI = 1 << 20
EVIL = "GET /api/evil HTTP/1.1\r\nHost: localhost\r\n\r\n"


def check(system, arguments):
    streams = int(arguments[0]) if arguments else 20_000
    with own_edge(system.binary(), listen="h2c = true\nmax_connections_per_client = 2000") as edge:
        return "; ".join(attack(edge, streams))


def attack(edge, streams):
    controls(edge)
    said = [f"{requests(edge)} malformed requests and {protocol(edge)} wrong frames refused"]
    lengths(edge)
    trailers(edge)
    identity(edge)
    for flood in (resets, made_resets, continuations, bomb, settings, pings, windows, too_many_streams):
        said.append(calmly(edge, flood, streams))
    strangers = [path for _, path, _, _ in edge.recorder.seen if not path.startswith(("/open/", "/api/good"))]
    expect_equal(strangers, [], "what nobody may ask has reached the upstream")
    return said


# Requests


def good(path="/open/x", method="GET", *more):
    return [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), *more]


def ask(edge, fields, body=None, end=True, plain=False):
    connection = Connection(edge.http if plain else edge.https, plain=plain)
    connection.send(frames.headers(1, fields, end and body is None) + (b"" if body is None else data(1, body)))
    answer = connection.answer(1)
    connection.close()
    return answer


def controls(edge):
    """What a test refuses must be served without its one mistake."""
    token = edge.token()
    cases = {
        "a GET": (good(), None),
        "a POST": (good("/open/x", "POST", ("content-length", "5")), b"hello"),
        "a POST without a length": (good("/open/x", "POST"), b"hello"),
        "te: trailers": (good("/open/x", "GET", ("te", "trailers")), None),
        "Host beside :authority": (good("/open/x", "GET", ("host", "localhost")), None),
        "Host instead of :authority": ([*good()[:2], good()[3], ("host", "localhost")], None),
        "a token": (good("/api/good", "GET", ("authorization", f"Bearer {token}")), None),
        "cookies in crumbs": (good("/open/x", "GET", ("cookie", "a=b"), ("cookie", "c=d")), None),
        "a header block over several frames": (good("/open/x", "GET", ("x-long", "y" * 20_000)), None),
    }
    for what, (fields, body) in cases.items():
        for plain in (False, True):
            expect_equal(ask(edge, fields, body, plain=plain).status, 200, f"{what}, plain: {plain}")
    expect_equal(ask(edge, good("/api/x")).status, 401, "no token")
    expect_equal(ask(edge, good("/open/fragment#/../api/x")).status, 200, "a fragment, which is dropped before anybody reads it")
    expect_equal(edge.recorder.seen[-1][1], "/open/fragment", "a path without its fragment")
    connection = Connection(edge.https)
    connection.send(
        frame(0x16, 0, b"unknown") + frame(SETTINGS, 0, struct.pack(">HI", 0x99, 1)) + frame(PRIORITY, 1, bytes(5))
        + frame(HEADERS, 1, bytes([3]) + bytes(5) + block(good()) + bytes(3), PADDED | PRIORITISED | END_HEADERS | END_STREAM)
    )  # fmt: skip
    expect_equal(connection.answer(1).status, 200, "unknown frames and settings, padding, priorities")
    connection.close()


def malformed():
    """Field lists that have no reading (RFC 9113 8.2, 8.3), by name."""
    cases = {}
    for name, text in {"CR LF": "\r\n", "LF": "\n", "CR": "\r", "NUL": "\0"}.items():
        cases[f"{name} in a value"] = good("/open/evil", "GET", ("x-a", f"b{text}x-user-id: root"))
        cases[f"{name} in a name"] = good("/open/evil", "GET", (f"x-a{text}x-user-id", "root"))
        cases[f"{name} at a value's end"] = good("/open/evil", "GET", ("x-a", f"b{text}"))
        cases[f"{name} at a value's start"] = good("/open/evil", "GET", ("x-a", f"{text}b"))
        cases[f"{name} in :path"] = good(f"/open/evil{text}x")
        cases[f"{name} in :authority"] = [*good("/open/evil")[:2], (":authority", f"a{text}b"), (":path", "/open/evil")]
        cases[f"{name} in :method"] = good("/open/evil", f"GET{text}X")
        cases[f"{name} in :scheme"] = [(":method", "GET"), (":scheme", f"https{text}"), *good("/open/evil")[2:]]
    cases["a whole request in a value"] = good("/open/evil", "GET", ("x-a", f"b\r\n\r\n{EVIL}"))
    cases["a whole request in :path"] = good(f"/open/evil HTTP/1.1\r\nHost: a\r\n\r\n{EVIL}")
    cases["a whole request in :method"] = good("/open/evil", f"GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n{EVIL}GET")
    cases["a request line in :method"] = good("/open/evil", "GET /api/evil HTTP/1.1")
    for what, name in {
        "an empty name": "", "upper case": "X-Upper", "one capital": "x-uppeR", "a space in a name": "x a", "a colon in a name": "x:a",
        "a colon at a name's end": "x-a:", "a tab in a name": "x\ta", "brackets in a name": "x[a]", "a name beyond ASCII": "x-ä", "DEL in a name": "x\x7f",
        "an unknown pseudo field": ":evil", "a response's pseudo field": ":status", "a pseudo field without a name": ":",
    }.items():  # fmt: skip
        cases[what] = good("/open/evil", "GET", (name, "200"))
    for name, value in {
        "connection": "close", "keep-alive": "timeout=5", "proxy-connection": "keep-alive", "transfer-encoding": "chunked", "upgrade": "h2c",
    }.items():  # fmt: skip
        cases[f"{name}: {value}"] = good("/open/evil", "POST", (name, value))
    cases["connection: x-user-id"] = good("/open/evil", "GET", ("connection", "x-user-id"))
    cases["transfer-encoding: identity"] = good("/open/evil", "POST", ("transfer-encoding", "identity"))
    cases["transfer_encoding"] = good("/open/evil", "POST", ("transfer_encoding", "chunked"))
    for value in ("gzip", "chunked", "trailers, gzip", "trailers;q=0.5", ""):
        cases[f"te: {value!r}"] = good("/open/evil", "GET", ("te", value))
    for value in ("a", "-1", "+5", "0x5", "5, 6", "5,5", "1 0", "", "18446744073709551616"):
        cases[f"content-length {value!r}"] = good("/open/evil", "POST", ("content-length", value))
    cases["two lengths"] = good("/open/evil", "POST", ("content-length", "0"), ("content-length", "5"))
    cases["two equal lengths"] = good("/open/evil", "POST", ("content-length", "0"), ("content-length", "0"))
    cases["space around a value"] = good("/open/evil", "GET", ("x-a", " b"))
    cases["space after a value"] = good("/open/evil", "GET", ("x-a", "b "))
    method, scheme, authority, path = good("/open/evil")
    cases |= {
        "no :method": [scheme, authority, path],
        "no :scheme": [method, authority, path],
        "no :path": [method, scheme, authority],
        "no host at all": [method, scheme, path],
        "nothing at all": [],
        "two :method": [method, method, scheme, authority, path],
        "two :scheme": [method, scheme, scheme, authority, path],
        "two :authority": [method, scheme, authority, authority, path],
        "two :path": [method, scheme, authority, path, (":path", "/api/evil")],
        "two other :path": [method, scheme, authority, (":path", "/api/evil"), path],
        "a pseudo field after a field": [method, scheme, authority, ("x-a", "b"), path],
        ":authority after a field": [method, scheme, ("x-a", "b"), path, authority],
        "two host": [method, scheme, path, ("host", "localhost"), ("host", "localhost")],
        "another host": [method, scheme, authority, path, ("host", "elsewhere")],
        "another port": [method, scheme, authority, path, ("host", "localhost:1")],
        "user information": [method, scheme, (":authority", "u:p@localhost"), path],
        "a path in :authority": [method, scheme, (":authority", "localhost/api"), path],
        "a space in :authority": [method, scheme, (":authority", "local host"), path],
        "a list in :authority": [method, scheme, (":authority", "localhost,elsewhere"), path],
        "CONNECT": [(":method", "CONNECT"), (":authority", "localhost:80")],
        "CONNECT with a path": [(":method", "CONNECT"), scheme, authority, path],
        "extended CONNECT, not offered": [(":method", "CONNECT"), (":protocol", "websocket"), scheme, authority, path],
        ":protocol with GET": [method, (":protocol", "websocket"), scheme, authority, path],
        "TRACE": good("/open/evil", "TRACE"),
        "lower-case method": good("/open/evil", "get"),
        "an empty method": good("/open/evil", ""),
        "a method with a space": good("/open/evil", "GE T"),
    }
    for target in (
        "", "*", "open/evil", "https://localhost/open/evil", "http://elsewhere/open/evil", "//elsewhere/open/evil", "/open/evil x",
        "/open/../api/evil", "/open/%2e%2e/api/evil", "/open//evil", "/open/;/evil", "/open/evil\\x", "/open/evil%00", "/open/evil%2fx", "/open/evil\x7f",
        "/open/evil\x01", "/open/evilä", "/open/%zz", "/open/%252e",
    ):  # fmt: skip
        cases[f":path {target!r}"] = good(target)
    cases["a header list of 100 KB"] = good("/open/evil", "GET", *[("x-a", "y" * 1_000)] * 100)
    cases["1,000 fields"] = good("/open/evil", "GET", *[("x-a", "y")] * 1_000)
    return cases


def requests(edge):
    cases, asked = malformed(), set()
    for what, fields in [*cases.items(), *cases.items()]:
        plain = what in asked
        asked.add(what)
        answer = ask(edge, fields, plain=plain)
        expect(answer.refused, f"{what}, plain: {plain}: {answer}")
        expect("evil" not in str(edge.recorder.seen[-3:]), f"{what} has reached the upstream: {edge.recorder.seen[-1:]}")
    expect_equal(ask(edge, good()).status, 200, "a GET after all that")
    edge.expect_alive("malformed requests")
    return 2 * len(cases)


def lengths(edge):
    """content-length against what DATA frames bring (RFC 9113 8.1.1)."""
    for what, length, pieces in [
        ("less", 5, [b"hel"]), ("more", 7, [b"hello, world"]), ("more, later", 6, [b"hello!", b"!"]), ("nothing", 5, [b""]), ("something", 0, [b"x"]),
    ]:  # fmt: skip
        connection = Connection(edge.https)
        fields = good(f"/open/evil-{length}", "POST", ("content-length", str(length)))
        last = len(pieces) - 1
        bodies = b"".join(data(1, piece, number == last) for number, piece in enumerate(pieces))
        connection.send(frames.headers(1, fields, end=False) + bodies)
        answer = connection.answer(1)
        expect(answer.refused or (answer.status or 0) >= 500, f"{what} than the length {length}: {answer}")
        connection.close()
    answer = ask(edge, good("/open/evil-end", "POST", ("content-length", "5")))
    expect(answer.refused or (answer.status or 0) >= 500, f"END_STREAM instead of 5 bytes: {answer}")
    # A head goes on before its body has come; what arrives whole must have the length that it says.
    whole = [(path, body) for _, path, _, body in edge.recorder.seen if path.startswith("/open/evil-")]
    wrong = [(path, body) for path, body in whole if path != f"/open/evil-{len(body)}"]
    expect_equal(wrong, [], "bodies of another length than was said, whole at the upstream")
    edge.recorder.seen[:] = [seen for seen in edge.recorder.seen if not seen[1].startswith("/open/evil-")]


def trailers(edge):
    """Trailers bring neither identity nor framing."""
    for what, fields in {
        "an identity": [("x-user-id", "root")], "an alias": [("x_user_id", "root")], "a length": [("content-length", "99")],
        "a host": [("host", "elsewhere")], "a credential": [("authorization", "Bearer x")], "plain ones": [("x-checksum", "1")],
        "a pseudo field": [(":path", "/api/evil")], "upper case": [("X-User-Id", "root")], "CR LF": [("x-a", "b\r\nx-user-id: root")],
        "an encoding": [("transfer-encoding", "chunked")],
    }.items():  # fmt: skip
        connection, path = Connection(edge.https), f"/open/trailers-{len(edge.recorder.seen)}"
        connection.send(frames.headers(1, good(path, "POST"), end=False) + data(1, b"hello", end=False) + frames.headers(1, fields))
        answer = connection.answer(1)
        expect(answer.status == 200 or answer.refused or (answer.status or 0) >= 500, f"trailers with {what}: {answer}")
        for _, seen, received, _ in edge.recorder.seen:
            # Whole values: an id that an edge makes may hold any digits.
            brought = [value for _, value in received if value in ("root", "99", "elsewhere", "Bearer x")]
            expect(seen != path or not brought, f"trailers with {what} reached the upstream: {received}")
        connection.close()
    connection = Connection(edge.https)
    connection.send(frames.headers(1, good("/open/x", "POST"), end=False) + frames.headers(1, [("x-a", "b")], end=False))
    expect(connection.answer(1).refused, "a second header block that does not end the stream (RFC 9113 8.1)")
    connection.close()


def identity(edge):
    """Names of the edge's own headers, by literals and by the table, are stripped; one value remains, ours."""
    token = edge.token()
    for name in ("x-user-id", "x_user_id", "x.user.id", "x-forwarded-for", "x_forwarded_for", "x-request-id", "x-original-url"):
        for path, more in (("/open/identity", []), ("/api/good", [("authorization", f"Bearer {token}")])):
            fields = block(good(path, "GET", *more))
            fields += literal(name, "root", indexed=True) + bytes([0xBE]) + literal(name, "root")
            connection = Connection(edge.https)
            connection.send(frames.headers(1, fields))
            expect_equal(connection.answer(1).status, 200, f"{name} by the table")
            _, _, received, _ = edge.recorder.seen[-1]
            expect("root" not in str(received), f"{name} from outside reached the upstream: {received}")
            users = [value for key, value in received if key.lower() == "x-user-id"]
            expect_equal(users, ["ada"] if more else [], f"{name}: x-user-id at the upstream")
            connection.close()


# Frames


def protocol(edge):
    """Wrong frames by section of RFC 9113: name to bytes, which must end the stream or the connection."""
    opened, half = frames.headers(1, good("/open/x", "POST"), end=False), frames.headers(1, good("/open/x"))
    cases = {
        "4.2 a DATA frame of 16,385 bytes": opened + frame(DATA, 1, bytes(16_385)),
        "4.2 a SETTINGS frame of 16,386 bytes": frame(SETTINGS, 0, bytes(16_386)),
        "4.2 a length of 16 MiB": frame(HEADERS, 1, bytes(100), END_HEADERS, length=(1 << 24) - 1),
        "4.3 index 0": frames.headers(1, b"\x80"),
        "4.3 an index beyond the table": frames.headers(1, block(good()) + b"\xff\x80\x80\x01"),
        "4.3 an integer without end": frames.headers(1, b"\x7f" + b"\xff" * 200),
        "4.3 a string longer than its block": frames.headers(1, b"\x00\x01a\x7f\x80\x80\x01b"),
        "4.3 bad Huffman padding": frames.headers(1, block(good()) + b"\x00\x01a\x81\x00"),
        "4.3 Huffman with EOS": frames.headers(1, block(good()) + b"\x00\x01a\x84\xff\xff\xff\xff"),
        "4.3 a table of 4 GB": frames.headers(1, b"\x3f\xe1\xff\xff\xff\x0f" + block(good())),
        "4.3 a table size after a field": frames.headers(1, block(good()) + b"\x20" + literal("x-a", "b")),
        "5.1 DATA on an idle stream": data(1, b"x"),
        "5.1 RST_STREAM on an idle stream": frame(RST_STREAM, 1, bytes(4)),
        "5.1 WINDOW_UPDATE on an idle stream": frame(WINDOW_UPDATE, 1, struct.pack(">I", 1)),
        "5.1 CONTINUATION on an idle stream": frame(CONTINUATION, 1, block(good()), END_HEADERS),
        "5.1 DATA after END_STREAM": half + data(1, b"x"),
        "5.1 HEADERS after END_STREAM": half + frames.headers(1, good("/open/evil")),
        "5.1 DATA after RST_STREAM": opened + frame(RST_STREAM, 1, struct.pack(">I", 8)) + data(1, b"x") + data(3, b"x"),
        "5.1.1 an even stream": frames.headers(2, good("/open/evil")),
        "5.1.1 a stream that goes back": frames.headers(5, good("/open/x")) + frames.headers(3, good("/open/evil")),
        "6.1 DATA on stream 0": frame(DATA, 0, b"x", END_STREAM),
        "6.1 DATA with more padding than payload": opened + frame(DATA, 1, b"\x08abc", PADDED | END_STREAM),
        "6.2 HEADERS on stream 0": frame(HEADERS, 0, block(good()), END_HEADERS | END_STREAM),
        "6.2 HEADERS with more padding than payload": frame(HEADERS, 1, b"\xff" + block(good()), PADDED | END_HEADERS | END_STREAM),
        "6.2 HEADERS shorter than its padding length": frame(HEADERS, 1, b"", PADDED | END_HEADERS),
        "6.2 DATA within a header block": frame(HEADERS, 1, block(good())) + data(1, b"x"),
        "6.2 another stream's HEADERS within a header block": frame(HEADERS, 1, block(good())) + frames.headers(3, good("/open/evil")),
        "6.2 PING within a header block": frame(HEADERS, 1, block(good())) + frame(PING, 0, bytes(8)),
        "6.2 an unknown frame within a header block": frame(HEADERS, 1, block(good())) + frame(0x16, 1, b"x"),
        "6.3 PRIORITY on stream 0": frame(PRIORITY, 0, bytes(5)),
        "6.3 PRIORITY of four bytes": opened + frame(PRIORITY, 1, bytes(4)),
        "6.4 RST_STREAM on stream 0": frame(RST_STREAM, 0, bytes(4)),
        "6.4 RST_STREAM of three bytes": opened + frame(RST_STREAM, 1, bytes(3)),
        "6.5 SETTINGS on a stream": frame(SETTINGS, 1, b""),
        "6.5 an acknowledgement with a payload": frame(SETTINGS, 0, bytes(6), ACK),
        "6.5 SETTINGS of five bytes": frame(SETTINGS, 0, bytes(5)),
        "6.5.2 ENABLE_PUSH 2": frame(SETTINGS, 0, struct.pack(">HI", 2, 2)),
        "6.5.2 a window of 2^31": frame(SETTINGS, 0, struct.pack(">HI", 4, 1 << 31)),
        "6.5.2 frames of 16,383 bytes": frame(SETTINGS, 0, struct.pack(">HI", 5, 16_383)),
        "6.5.2 frames of 2^24 bytes": frame(SETTINGS, 0, struct.pack(">HI", 5, 1 << 24)),
        "6.6 PUSH_PROMISE by a client": opened + frame(PUSH_PROMISE, 1, struct.pack(">I", 2) + block(good()), END_HEADERS),
        "6.7 PING on a stream": frame(PING, 1, bytes(8)),
        "6.7 PING of seven bytes": frame(PING, 0, bytes(7)),
        "6.8 GOAWAY on a stream": frame(GOAWAY, 1, bytes(8)),
        "6.9 WINDOW_UPDATE of 0 on the connection": frame(WINDOW_UPDATE, 0, bytes(4)),
        "6.9 WINDOW_UPDATE of 0 on a stream": opened + frame(WINDOW_UPDATE, 1, bytes(4)),
        "6.9 WINDOW_UPDATE of three bytes": frame(WINDOW_UPDATE, 0, bytes(3)),
        "6.9.1 a window beyond 2^31": frame(WINDOW_UPDATE, 0, struct.pack(">I", (1 << 31) - 1)) * 2,
        "6.9.1 a stream's window beyond 2^31": opened + frame(WINDOW_UPDATE, 1, struct.pack(">I", (1 << 31) - 1)) * 2,
        "6.10 CONTINUATION after the block's end": opened + frame(CONTINUATION, 1, literal("x-a", "b"), END_HEADERS),
        "6.10 CONTINUATION on stream 0": frame(HEADERS, 1, block(good())) + frame(CONTINUATION, 0, b"", END_HEADERS),
        "6.10 CONTINUATION of another stream": frame(HEADERS, 1, block(good())) + frame(CONTINUATION, 3, b"", END_HEADERS),
    }  # fmt: skip
    for what, wrong in cases.items():
        connection = Connection(edge.https)
        connection.send(wrong)
        expect(punished(connection), f"RFC 9113 {what}: {connection.answers}, {connection.closed}")
        connection.close()
    for what, preface in {"another preface": PREFACE.replace(b"SM", b"XX"), "HTTP/1.1 after h2 was agreed": b"GET /open/evil HTTP/1.1\r\n\r\n" * 2}.items():
        connection = Connection(edge.https, preface=preface, settings=False)
        expect(connection.wait_for_end(), f"RFC 9113 3.4 {what}")
        connection.close()
    edge.expect_alive("wrong frames")
    return len(cases) + 2


def punished(connection):
    """Whether the peer reset a stream or ended the connection."""
    connection.wait_for_end(0.3)
    reset = any(answer.reset not in (None, 0) for answer in connection.answers.values())
    return reset or connection.closed is not None or connection.goaway not in (None, 0) or connection.wait_for_end(5)


# Floods


def calmly(edge, flood, streams):
    """Runs a flood. Everybody else is served meanwhile, and memory grows by no more than the flood says that it may."""
    before = edge.rss()
    with Others(edge) as others:
        told, allowed = flood(edge, streams)
    grown = max(others.rss, edge.rss()) - before
    name = flood.__doc__.partition(":")[0]
    edge.expect_alive(name)
    others.expect_served(name)
    expect(grown <= allowed, f"{name}: memory grew by {grown / MEBI:.1f} MiB, more than {allowed / MEBI:.0f}")
    return f"{name}: {told}, {others.served} others served, slowest {others.slowest * 1000:.0f} ms, memory {grown / MEBI:+.1f} MiB"


def resets(edge, streams):
    """rapid reset: streams that are opened and reset at once (CVE-2023-44487)"""
    opened = pour(edge, streams, lambda stream: frames.headers(stream, good("/open/reset")) + frame(RST_STREAM, stream, struct.pack(">I", 8)))
    return f"{opened[0]} streams on {opened[1]} connections", 32 * MEBI


def made_resets(edge, streams):
    """made resets: streams that the edge itself must reset (CVE-2025-8671)"""
    wrong = [
        lambda stream: frame(WINDOW_UPDATE, stream, bytes(4)),
        lambda stream: frame(WINDOW_UPDATE, stream, struct.pack(">I", (1 << 31) - 1)) * 2,
        lambda stream: data(stream) + data(stream),
    ]
    make = lambda stream: frames.headers(stream, good("/open/reset", "POST"), end=False) + wrong[stream // 2 % 3](stream)
    opened = pour(edge, streams, make)
    return f"{opened[0]} streams on {opened[1]} connections", 32 * MEBI


def pour(edge, streams, make):
    """(streams, connections) until so many streams were sent; a connection that the peer ends is followed by another."""
    sent = connections = 0
    while sent < streams:
        connection, stream = Connection(edge.https), 1
        connections += 1
        while sent < streams and not (connection.closed or connection.goaway) and stream < 100_000:
            pieces = [make(number) for number in range(stream, stream + 200, 2)]
            if not connection.send(b"".join(pieces)):
                break
            sent, stream = sent + len(pieces), stream + 200
            connection.receive_all()
        connection.close()
    return sent, connections


def continuations(edge, _):
    """CONTINUATION flood: header blocks without end (CVE-2024-27316)"""
    sizes = []
    for payload, count in ((literal("x-a", "y" * 16_000), 4_000), (b"", 200_000), (literal("x-a", "y"), 200_000)):
        connection = Connection(edge.https)
        connection.send(frame(HEADERS, 1, block(good("/open/evil"))))
        sent = 0
        while sent < count and not (connection.closed or connection.goaway):
            sent += 50
            connection.send(frame(CONTINUATION, 1, payload) * 50)
            connection.receive_all()
        expect(connection.wait_for_end(), f"{count} CONTINUATION frames of {len(payload)} bytes were taken")
        sizes.append(str(sent))
        connection.close()
    return f"cut off within {', '.join(sizes)} frames", 10 * MEBI


def bomb(edge, _):
    """HPACK bomb: a large field that is repeated by one byte a time, on 100 streams"""
    statuses = {}
    connection = Connection(edge.https)
    connection.send(frames.headers(1, block(good()) + literal("x-a", "y" * 4_000, indexed=True)))
    expect_equal(connection.answer(1).status, 200, "the field that is repeated")
    for stream in range(3, 203, 2):
        if not connection.send(frames.headers(stream, block(good("/open/evil")) + b"\xbe" * 16_000)):
            break
    for stream in range(3, 203, 2):
        answer = connection.answer(stream)
        expect(answer.refused, f"a header list of 64 MB: {answer}")
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    connection.close()
    return f"answered by {statuses}", 10 * MEBI


def settings(edge, _):
    """SETTINGS flood: 100,000 frames whose acknowledgements nobody reads"""
    return unread(edge, frame(SETTINGS, 0, struct.pack(">HI", 1, 4096)), 100_000), 10 * MEBI


def pings(edge, _):
    """PING flood: 200,000 frames whose answers nobody reads"""
    return unread(edge, frame(PING, 0, bytes(8)), 200_000), 10 * MEBI


def unread(edge, one, count):
    connection = Connection(edge.https)
    connection.socket.settimeout(2)
    sent = 0
    while sent < count and connection.send(one * 1_000):
        sent += 1_000
    connection.close()
    return f"{sent} frames taken"


def windows(edge, _):
    """zero windows: 100 answers of 50 MB each that nobody lets come"""
    connection = Connection(edge.https, window=0)
    for stream in range(1, 201, 2):
        connection.send(frames.headers(stream, good("/open/big/50000000")))
    connection.wait_for_end(2)
    answered = sum(answer.status == 200 for answer in connection.answers.values())
    connection.close()
    return f"{answered} answers begun", 100 * MEBI


def too_many_streams(edge, _):
    """streams over the limit: 1,000 at once on one connection"""
    connection = Connection(edge.https)
    for stream in range(1, 2_001, 2):
        if not connection.send(frames.headers(stream, good("/open/x", "POST"), end=False)):
            break
    connection.wait_for_end(1)
    refused = sum(answer.reset is not None for answer in connection.answers.values())
    expect(refused >= 800 or connection.closed or connection.goaway, f"of 1,000 streams {refused} were refused")
    connection.close()
    return f"{refused} refused", 32 * MEBI


if __name__ == "__main__":
    sys.setswitchinterval(0.001)
    run(check)
