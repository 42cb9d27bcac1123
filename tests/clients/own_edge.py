"""A second edge of a running one's program, with keys and an upstream of our own, for programs that attack it, and the parts that each
program with an edge of its own needs: ports, keys, certificates, the process. Not a program."""

import contextlib
import datetime
import http.server
import ipaddress
import json
import re
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from system import expect, until

ISS = "https://issuer.test/us-east-1_OwnPool1"
KID = "own-1"


class OwnEdge:
    """`/open/*` is for all, `/api/*` wants a token; both lead to the recorder."""

    def __init__(self, process, ports, key, recorder, log):
        self.process, self.key, self.recorder, self.log = process, key, recorder, log
        self.http, self.https = ports

    def token(self):
        now = int(time.time())
        claims = {"iss": ISS, "sub": "ada", "client_id": "c", "token_use": "access", "iat": now, "exp": now + 3600}
        return jwt.encode({**claims, "jti": str(uuid.uuid4())}, self.key, algorithm="RS256", headers={"kid": KID})

    def rss(self):
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def expect_alive(self, what):
        expect(self.process.poll() is None, f"the edge has ended: {what}")
        said = self.log.read_text(errors="replace")
        expect("panicked" not in said, f"a panic: {what}: {said[-500:]}")


class Recorder(http.server.ThreadingHTTPServer):
    """An upstream that remembers each request that it has received whole. `/big/N` answers N bytes."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self):
        self.seen = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the edge gives up on an upstream when its client does


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do(self):
        body = self.body()
        if body is None:
            self.close_connection = True
            return
        self.server.seen.append((self.command, self.path, self.headers.items(), body))
        big = re.search(r"/big/(\d+)", self.path)
        length = int(big.group(1)) if big else 0
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        piece = bytes(65_536)
        while length > 0:
            self.wfile.write(piece[:length])
            length -= len(piece)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do

    def body(self):
        """None when it does not come whole. Trailers are taken for headers, as a careless upstream does."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            return body if len(body) == length else None
        body = b""
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\r\n"):
                return None
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            body += self.rfile.read(size)
            if self.rfile.read(2) != b"\r\n":
                return None
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name] = value.strip()
        return body

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def own_edge(binary, listen=""):
    """`listen` are further lines of `[listen]`."""
    recorder = Recorder()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        ports = free_ports(2)
        write_jwks(folder, key, KID)
        write_certificate(folder)
        (folder / "edge.toml").write_text(
            f"""[listen]
http = "127.0.0.1:{ports[0]}"
https = "127.0.0.1:{ports[1]}"
tls = {{ cert = "cert.pem", key = "key.pem" }}
{listen}
[log]
access = "off"
[[issuer]]
name = "own"
iss = "{ISS}"
jwks = {{ file = "jwks.json" }}
profile = "cognito"
[[upstream]]
name = "recorder"
servers = ["127.0.0.1:{recorder.server_port}"]
[[route]]
match = {{ path = "/api/*" }}
upstream = "recorder"
token = {{ issuers = ["own"] }}
headers = {{ add = {{ "x-user-id" = "{{sub}}" }} }}
[[route]]
match = {{ path = "/open/*" }}
upstream = "recorder"
"""
        )
        try:
            with running(binary, folder, ports) as process:
                yield OwnEdge(process, ports, key, recorder, folder / "edge.log")
        finally:
            recorder.shutdown()
            recorder.server_close()


@contextlib.contextmanager
def running(binary, folder, ports):
    """The process of `edge.toml` in this folder from when it listens on these ports; it writes to `edge.log`."""
    log = folder / "edge.log"
    with log.open("w") as said:
        command = [binary, "edge", "--config", str(folder / "edge.toml"), "--until-eof"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)
    try:
        until(lambda: process.poll() is not None or all(map(listens, ports)), "the edge of our own listens")
        expect(process.poll() is None, f"the edge of our own has ended: {log.read_text()[-500:]}")
        yield process
    finally:
        process.kill()
        process.wait()


class Others:
    """Somebody else, who asks every few milliseconds on connections of their own, wants to be served, and looks at the edge's memory."""

    def __init__(self, edge):
        self.edge, self.served, self.failed, self.slowest, self.rss = edge, 0, [], 0.0, 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.ask, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def ask(self):
        request = b"GET /open/others HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        while not self.ending.wait(0.02):
            begun = time.monotonic()
            try:
                with socket.create_connection(("127.0.0.1", self.edge.http), timeout=20) as connection:
                    connection.sendall(request)
                    answer = connection.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200"):
                    self.failed.append(answer[:80])
            except OSError as error:
                self.failed.append(repr(error))
            self.served += 1
            self.rss = max(self.rss, self.edge.rss())
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def expect_served(self, what):
        expect(self.served > 0, f"{what}: nobody else was served")
        expect(not self.failed, f"{what}: {len(self.failed)} of {self.served} others failed, first {self.failed[:1]}")


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_jwks(folder, key, kid):
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**jwk, "kid": kid, "alg": "RS256", "use": "sig"}]}))


def write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(signed_certificate(key, "localhost").public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)


def signed_certificate(key, name, authority=None):
    """A day's certificate for this key and this machine; by an authority (`key`, `certificate`), or by the key itself as one."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, by = (authority.certificate.subject, authority.key) if authority else (subject, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    return builder.not_valid_after(now + datetime.timedelta(days=1)).add_extension(names, False).sign(by, hashes.SHA256())
