"""What passes an edge besides plain requests. Usage: connections.py UP_JSON|TOLLGATE [MEGABYTES]

An edge of its own (of the program that serves `up`, or of the one that is named), with TLS towards clients and servers of this file
behind it: gRPC by grpcio on both sides, WebSockets by the package websockets on both sides, server-sent events, and bodies of
MEGABYTES (200) both ways with the edge's memory measured.
"""

import contextlib
import http.client
import http.server
import json
import os
import queue
import ssl
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import jwt
import websockets
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.sync.client import connect
from websockets.sync.server import serve

from own_edge import free_ports, running, write_certificate, write_jwks
from system import Mismatch, expect, expect_equal, until

ISS, KID = "https://issuer.test/connections", "connections-1"
PIECE = 64 * 1024
# What the edge may grow by while a body passes: buffers, not the body.
GROWTH_MB = 48


def check(binary, megabytes):
    with Edge(binary) as edge:
        grpc_calls(edge)
        grpc_refusals(edge)
        web_sockets(edge)
        events(edge)
        return large_bodies(edge, megabytes)


# gRPC


def grpc_calls(edge):
    with edge.channel() as channel:
        call = Calls(channel, edge.metadata())
        expect_equal(call.unary(b"one"), b"one", "a unary call")
        expect_equal(len(call.unary(b"x" * 3_000_000)), 3_000_000, "a large message")
        expect_equal(list(call.down(b"5")), [b"0", b"1", b"2", b"3", b"4"], "a stream of answers")
        expect_equal(call.up(iter([b"a", b"b", b"c"])), b"abc", "a stream of messages")
        both_ways(call)
        failing(call)


def both_ways(call):
    """The answer to each message comes before the next one is sent: nothing is held back on the way."""
    messages = queue.Queue()
    answers = call.both(iter(messages.get, None))
    for number in range(50):
        messages.put(b"%d" % number)
        expect_equal(next(answers), b"%d" % number, "a message of a stream both ways")
    messages.put(None)
    expect_equal(list(answers), [], "the end of a stream both ways")


def failing(call):
    try:
        call.unary(b"fail")
        raise Mismatch("a call that the server fails has succeeded")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.FAILED_PRECONDITION, "the server's own status")
        expect_equal(error.details(), "naïve, 100 %", "the server's own message")
        expect(("x-why", "because") in error.trailing_metadata(), "the server's trailing metadata")
    begun = time.monotonic()
    try:
        call.unary(b"sleep", timeout=1)
        raise Mismatch("a call outlived its deadline")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED, "a deadline")
    expect(time.monotonic() - begun < 30, "a deadline that ends nothing")


def grpc_refusals(edge):
    wanted = [
        ("no token", edge.channel(), [], "/shop.Orders/Unary", grpc.StatusCode.UNAUTHENTICATED),
        ("a forged token", edge.channel(), [("authorization", "Bearer x.y.z")], "/shop.Orders/Unary", grpc.StatusCode.UNAUTHENTICATED),
        ("no scope", edge.channel(), edge.metadata(), "/admin.Orders/Unary", grpc.StatusCode.PERMISSION_DENIED),
        ("no route", edge.channel(), edge.metadata(), "/other.Orders/Unary", grpc.StatusCode.UNIMPLEMENTED),
        ("no server", edge.channel(), edge.metadata(), "/dead.Orders/Unary", grpc.StatusCode.UNAVAILABLE),
    ]
    for what, channel, metadata, path, code in wanted:
        with channel:
            try:
                channel.unary_unary(path)(b"x", metadata=metadata, timeout=20)
                raise Mismatch(f"{what}: the call has succeeded")
            except grpc.RpcError as error:
                expect_equal(error.code(), code, f"gRPC, {what}")
                names = [name for name, _ in (*error.initial_metadata(), *error.trailing_metadata())]
                expect("x-request-id" in names, f"gRPC, {what}: no request id in {names}")


class Calls:
    def __init__(self, channel, metadata):
        def bound(method):
            return lambda argument, timeout=20: method(argument, metadata=metadata, timeout=timeout)

        self.unary = bound(channel.unary_unary("/shop.Orders/Unary"))
        self.down = bound(channel.unary_stream("/shop.Orders/Down"))
        self.up = bound(channel.stream_unary("/shop.Orders/Up"))
        self.both = bound(channel.stream_stream("/shop.Orders/Both"))


class Orders(grpc.GenericRpcHandler):
    """A service whose messages are plain bytes. It checks that the edge says who calls."""

    def service(self, details):
        kinds = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Down": grpc.unary_stream_rpc_method_handler(lambda count, _: (b"%d" % i for i in range(int(count)))),
            "Up": grpc.stream_unary_rpc_method_handler(lambda messages, _: b"".join(messages)),
            "Both": grpc.stream_stream_rpc_method_handler(lambda messages, _: (message for message in messages)),
        }
        if ("x-user-id", "ada") not in details.invocation_metadata:
            return None
        return kinds.get(details.method.rsplit("/", 1)[-1])

    def unary(self, message, context):
        if message == b"fail":
            context.set_trailing_metadata([("x-why", "because")])
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "naïve, 100 %")
        if message == b"sleep":
            time.sleep(5)
        return message


# WebSockets


def web_sockets(edge):
    url = f"ws://127.0.0.1:{edge.http}/ws/echo"
    token = {"Authorization": f"Bearer {edge.token()}"}
    with connect(url, additional_headers=token, subprotocols=["chat"], max_size=None) as client:
        expect_equal(client.subprotocol, "chat", "the subprotocol")
        for size in (0, 1, 125, 126, 65_535, 65_536, 1 << 20):
            client.send("x" * size)
            expect_equal(len(client.recv(timeout=20)), size, f"a text message of {size}")
        client.send(os.urandom(1000))
        expect_equal(len(client.recv(timeout=20)), 1000, "a binary message")
        expect(client.ping().wait(20), "no pong")
        client.send("close 4321")
        try:
            client.recv(timeout=20)
        except websockets.ConnectionClosed as closed:
            expect_equal(closed.rcvd.code, 4321, "the server's code of closing")
    with connect(f"wss://localhost:{edge.https}/ws/echo", additional_headers=token, ssl=edge.trust(), subprotocols=["chat"]) as client:
        client.send("over TLS")
        expect_equal(client.recv(timeout=20), "over TLS", "a message over TLS")
    for what, headers in {"no token": {}, "a forged token": {"Authorization": "Bearer x.y.z"}}.items():
        try:
            connect(url, additional_headers=headers).close()
            raise Mismatch(f"a WebSocket with {what} was opened")
        except websockets.InvalidStatus as refused:
            expect_equal(refused.response.status_code, 401, f"a WebSocket with {what}")


def echo(connection):
    while True:
        try:
            message = connection.recv()
        except websockets.ConnectionClosed:
            return
        if message == "close 4321":
            connection.close(4321, "as you wish")
        else:
            connection.send(message)


# Plain HTTP that takes its time


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    events = queue.Queue()

    def do_GET(self):
        self.send_response(200)
        if self.path == "/plain/events":
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in iter(self.events.get, None):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")
            return
        left = int(self.path.rsplit("/", 1)[1])
        self.send_header("Content-Length", str(left))
        self.end_headers()
        piece = bytes(PIECE)
        while left > 0:
            self.wfile.write(piece[: min(left, PIECE)])
            left -= PIECE

    def do_PUT(self):
        received = sum(len(piece) for piece in self.pieces())
        body = str(received).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def pieces(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            left = int(self.headers["Content-Length"])
            while left > 0:
                piece = self.rfile.read(min(left, PIECE))
                left -= len(piece)
                yield piece
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            while size > 0:
                piece = self.rfile.read(min(size, PIECE))
                size -= len(piece)
                yield piece
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *_):
        pass


def events(edge):
    connection = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=20)
    connection.request("GET", "/plain/events")
    answer = connection.getresponse()
    expect_equal((answer.status, answer.getheader("content-type")), (200, "text/event-stream"), "server-sent events")
    for number in range(20):
        Origin.events.put(b"data: %d\n\n" % number)
        line = answer.readline()
        expect_equal(line, b"data: %d\n" % number, "an event, before the next one is sent")
        answer.readline()
    Origin.events.put(None)
    expect_equal(answer.read(), b"", "the end of the events")


def large_bodies(edge, megabytes):
    size = megabytes << 20
    said = []
    for what, exchange in {
        "down": lambda: download(edge, size),
        "up": lambda: upload(edge, size, {"Content-Length": str(size)}),
        "up, chunked": lambda: upload(edge, size, {"Transfer-Encoding": "chunked"}),
    }.items():
        exchange_small(edge)
        before = edge.memory()
        with Peak(edge) as peak:
            exchange()
        grown = peak.most - before
        said.append(f"{what} {peak.most / 1024:.0f} MB resident ({grown / 1024:+.0f})")
        expect(grown < GROWTH_MB * 1024, f"a body of {megabytes} MB {what} made the edge grow by {grown} kB")
    return f"{megabytes} MB: " + "; ".join(said)


def exchange_small(edge):
    download(edge, PIECE)
    upload(edge, PIECE, {"Content-Length": str(PIECE)})


def download(edge, size):
    connection = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=60)
    connection.request("GET", f"/plain/{size}")
    answer = connection.getresponse()
    received = 0
    while piece := answer.read(PIECE):
        received += len(piece)
    expect_equal(received, size, "bytes of a large answer")


def upload(edge, size, headers):
    connection = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=60)
    piece = bytes(PIECE)
    body = (piece for _ in range(size // PIECE))
    connection.request("PUT", "/plain/x", body=body, headers=headers, encode_chunked="Transfer-Encoding" in headers)
    expect_equal(connection.getresponse().read(), str(size).encode(), "bytes of a large upload")


class Peak:
    """The most memory that the edge has while a block runs; kB."""

    def __init__(self, edge):
        self.edge, self.most, self.done = edge, 0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.is_set():
            self.most = max(self.most, self.edge.memory())
            time.sleep(0.005)

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.most = max(self.most, self.edge.memory())


# The edge and its servers


class Edge:
    """An edge on free ports, with a key and a CA of its own."""

    def __init__(self, binary):
        self.binary = binary
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.http, self.https = free_ports(2)
            self.write_files(grpc_server(stack), web_socket_server(stack), origin(stack))
            self.process = stack.enter_context(running(self.binary, self.folder, [self.http, self.https]))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def write_files(self, calls, sockets, plain):
        write_jwks(self.folder, self.key, KID)
        write_certificate(self.folder)
        (self.folder / "edge.toml").write_text(f"""
[listen]
http = "127.0.0.1:{self.http}"
https = "127.0.0.1:{self.https}"
tls = {{ cert = "cert.pem", key = "key.pem" }}
[log]
access = "off"
[[issuer]]
name = "own"
iss = "{ISS}"
jwks = {{ file = "jwks.json" }}
profile = "cognito"
[[upstream]]
name = "calls"
servers = ["127.0.0.1:{calls}"]
protocol = "http2"
[[upstream]]
name = "nobody"
servers = ["127.0.0.1:1"]
protocol = "http2"
[[upstream]]
name = "sockets"
servers = ["127.0.0.1:{sockets}"]
[[upstream]]
name = "plain"
servers = ["127.0.0.1:{plain}"]
[[route]]
match = {{ path = "/shop.Orders/*" }}
upstream = "calls"
token = {{ issuers = ["own"] }}
headers = {{ add = {{ "x-user-id" = "{{sub}}" }} }}
[[route]]
match = {{ path = "/admin.Orders/*" }}
upstream = "calls"
token = {{ issuers = ["own"], scopes_all = ["admin"] }}
[[route]]
match = {{ path = "/dead.Orders/*" }}
upstream = "nobody"
[[route]]
match = {{ path = "/ws/*" }}
upstream = "sockets"
token = {{ issuers = ["own"] }}
[[route]]
match = {{ path = "/plain/*" }}
upstream = "plain"
read_timeout = "0s"
""")

    def token(self):
        now = int(time.time())
        claims = {"iss": ISS, "sub": "ada", "token_use": "access", "client_id": "web", "username": "ada", "jti": "1"}
        claims |= {"iat": now, "auth_time": now, "exp": now + 3600, "scope": "orders/read"}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KID})

    def metadata(self):
        return [("authorization", f"Bearer {self.token()}")]

    def channel(self):
        trust = grpc.ssl_channel_credentials((self.folder / "cert.pem").read_bytes())
        return grpc.secure_channel(f"localhost:{self.https}", trust, [("grpc.max_receive_message_length", -1)])

    def trust(self):
        return ssl.create_default_context(cafile=self.folder / "cert.pem")

    def memory(self):
        """Resident memory of the edge; kB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


def grpc_server(stack):
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((Orders(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stack.callback(lambda: server.stop(0).wait())
    return port


def web_socket_server(stack):
    server = serve(echo, "127.0.0.1", 0, subprotocols=["chat"], max_size=None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return server.socket.getsockname()[1]


def origin(stack):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return server.server_port


def program(argument):
    """The program itself, or the one that serves the edge of a running `up`."""
    if not argument.endswith(".json"):
        return argument
    return os.readlink(f"/proc/{json.loads(Path(argument).read_text())['pids']['edge']}/exe")


def main():
    if len(sys.argv) < 2:
        print("usage: connections.py UP_JSON|TOLLGATE [MEGABYTES]", file=sys.stderr)
        sys.exit(2)
    try:
        said = check(program(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
    except Mismatch as mismatch:
        print(f"connections.py: MISMATCH: {mismatch}", file=sys.stderr)
        sys.exit(1)
    except (OSError, http.client.HTTPException, grpc.RpcError, websockets.WebSocketException) as error:
        print(f"connections.py: MISMATCH: unexpected {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"connections.py: ok: {said}")


if __name__ == "__main__":
    main()
