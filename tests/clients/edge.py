"""What the edge lets through and what it tells the upstream. Usage: edge.py UP_JSON

First against the edge of `up` with tokens of the demo pool. Then against a second edge of the same program with a key of this
file's own, for tokens that no issuer hands out: expired, not yet valid, with duplicate keys.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import socket
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from own_edge import free_ports, running, write_jwks
from system import Answer, ask, expect, expect_equal, fetch, new_password, run, until, upstream_headers

INTRUDER = "intruder-5f1c"


def check(system, _):
    tokens = system.sign_in(system.demo_user, system.demo_password)
    access, identity = tokens["AccessToken"], tokens["IdToken"]
    good_token(system, access)
    header = identity_header(system, access)
    spoofed_headers(system, access, header)
    refusals(system, access, identity)
    several_credentials(system, access)
    bare_requests(system, access)
    with own_edge(system.binary()) as edge:
        own_tokens(edge)
        own_spoofing(edge)


# Against the edge of `up`


def good_token(system, access):
    system.expect_edge(access, 200, "a good access token")
    for scheme in ("bearer", "BEARER"):
        answer = system.ask_edge(headers=[("Authorization", f"{scheme} {access}")])
        expect_equal(answer.status, 200, f"scheme {scheme}: its case does not matter (RFC 9110 11.1)")


def identity_header(system, access):
    """The header in which the edge tells the upstream who it is."""
    sub = system.verify(access, "access")["sub"]
    received = upstream_headers(system.ask_edge(access))
    names = [name for name, values in received.items() if values == [sub]]
    expect(names, f"no header upstream carries the verified sub; it received {sorted(received)}")
    return names[0], sub


def spoofed_headers(system, access, header):
    name, sub = header
    for what, headers in spoofs(name).items():
        answer = system.ask_edge(access, headers=headers)
        judge_spoof(answer, what, name, sub)
    answer = raw(system.edge, chunked_with_trailer(system.protected_path, access, name))
    judge_spoof(answer, f"{name} as a trailer", name, sub)


def spoofs(name):
    title, under = name.title(), name.replace("-", "_")
    return {
        f"{name} from outside": [(name, INTRUDER)],
        f"{title} from outside": [(title, INTRUDER)],
        f"{name} twice": [(name, INTRUDER), (name, INTRUDER)],
        f"{under} from outside": [(under, INTRUDER)],
        f"{under.upper()} from outside": [(under.upper(), INTRUDER)],
        f"Connection: {name}": [("Connection", f"close, {name}")],
        f"{name} and Connection: {name}": [("Connection", name), (name, INTRUDER)],
        f"Connection: {under}": [("Connection", f"keep-alive, {under}"), (under, INTRUDER)],
    }


def judge_spoof(answer, what, name, sub):
    """Refused as ambiguous, or passed with the verified value only."""
    if answer.status == 400:
        return
    expect_equal(answer.status, 200, what)
    expect(INTRUDER.encode() not in answer.body, f"{what}: the value from outside reached the upstream")
    expect_equal(upstream_headers(answer).get(name), [sub], f"{what}: what the upstream received")


def chunked_with_trailer(path, token, name):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n"
    head += f"Trailer: {name}\r\nConnection: close\r\n\r\n"
    return f"{head}2\r\nhi\r\n0\r\n{name}: {INTRUDER}\r\n\r\n".encode()


def refusals(system, access, identity):
    header, payload, signature = access.split(".")
    claims = decode(payload)
    key = public_pem(system, access)
    other_claims = encode({**claims, "username": "someone-else"})
    first, *rest = signature
    cases = {
        "no token": (None, None),
        "an empty token": ("", None),
        "nonsense": ("nonsense", "malformed"),
        "other claims under the signature": (f"{header}.{other_claims}.{signature}", "signature"),
        "a changed signature": (f"{header}.{payload}.{'A' if first != 'A' else 'B'}{''.join(rest)}", "signature"),
        "a signature of another key": (sign(claims, rsa_key(), kid=decode(header)["kid"]), "signature"),
        "an unknown key": (sign(claims, rsa_key(), kid="nobody"), "unknown key"),
        "no signature": (f"{header}.{payload}.", None),
        "alg none": (f"{encode({'alg': 'none', 'typ': 'JWT'})}.{payload}.", "algorithm"),
        "alg None": (f"{encode({'alg': 'None', 'kid': decode(header)['kid']})}.{payload}.", "algorithm"),
        "HS256 with the public key (PEM)": (hs256(payload, header, key), "algorithm"),
        "an ID token": (identity, "token use"),
        "another pool's access token": (other_pools_token(system), None),
    }
    for what, (token, reason) in cases.items():
        headers = [] if token is None else [("Authorization", f"Bearer {token}")]
        refused(system.ask_edge(headers=headers), what, reason, without_error=token is None)
    refused(system.ask_edge(headers=[("Authorization", "Basic YTpi")]), "Basic credentials", None)
    refused(system.ask_edge(path=f"{system.protected_path}?access_token={access}"), "a token in the query", None, True)


def refused(answer, what, reason, without_error=False):
    """401 with a challenge; `reason` is a word of its error_description."""
    expect_equal(answer.status, 401, what)
    challenge = answer.header("www-authenticate") or ""
    expect(challenge.startswith("Bearer"), f"{what}: WWW-Authenticate is {challenge!r}")
    if without_error:  # RFC 6750 3.1: nothing to complain about where there were no credentials
        expect("error=" not in challenge, f"{what}: the challenge names an error: {challenge}")
    elif reason:
        expect(reason in challenge, f"{what}: the challenge does not say {reason!r}: {challenge}")
    expect(answer.header("x-request-id"), f"{what}: no x-request-id")


def several_credentials(system, access):
    field = ("Authorization", f"Bearer {access}")
    for what, headers in {
        "the same token twice": [field, field],
        "a good and a bad token": [field, ("Authorization", "Bearer nonsense")],
        "a bad and a good token": [("authorization", "Bearer nonsense"), field],
        "two tokens in one field": [("Authorization", f"Bearer {access}, Bearer {access}")],
    }.items():
        refused(system.ask_edge(headers=headers), what, None)


def bare_requests(system, access):
    """Requests with more than one reading are refused, not forwarded (SECURITY E11-E14)."""
    path, authorization = system.protected_path, f"Authorization: Bearer {access}\r\n"
    host = "Host: localhost\r\n"
    for what, request in {
        "two Content-Length": f"POST {path} HTTP/1.1\r\n{host}{authorization}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "Content-Length and chunked": f"POST {path} HTTP/1.1\r\n{host}{authorization}Content-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "two Host": f"GET {path} HTTP/1.1\r\n{host}Host: other\r\n{authorization}\r\n",
        "no Host": f"GET {path} HTTP/1.1\r\n{authorization}\r\n",
        "a space before the colon": f"GET {path} HTTP/1.1\r\n{host}{authorization}X-A : b\r\n\r\n",
        "an encoded slash": f"GET {path}%2f..%2fadmin HTTP/1.1\r\n{host}{authorization}\r\n",
        "dot segments": f"GET /public/..{path} HTTP/1.1\r\n{host}{authorization}\r\n",
        "a NUL in the path": f"GET {path}%00 HTTP/1.1\r\n{host}{authorization}\r\n",
    }.items():
        status = raw(system.edge, request.encode()).status
        expect(400 <= status < 500, f"{what}: status {status}")


def other_pools_token(system):
    """An access token of the same issuer and another pool."""
    admin, username, password = system.admin, "neighbour", new_password()
    pool = admin.create_user_pool(PoolName="neighbours")["UserPool"]["Id"]
    client = admin.create_user_pool_client(
        UserPoolId=pool, ClientName="n", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    admin.admin_create_user(UserPoolId=pool, Username=username, MessageAction="SUPPRESS")
    admin.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)
    parameters = {"USERNAME": username, "PASSWORD": password}
    answer = system.public.initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    return answer["AuthenticationResult"]["AccessToken"]


# Against an edge with a key of our own


class OwnEdge:
    iss, client, kid = "https://issuer.test/us-east-1_OwnPool1", "own0client", "own-1"

    def __init__(self, url, key):
        self.url, self.key = url, key

    def claims(self, **changes):
        now, sub = int(time.time()), str(uuid.uuid4())
        claims = {
            "sub": sub,
            "iss": self.iss,
            "client_id": self.client,
            "origin_jti": str(uuid.uuid4()),
            "event_id": str(uuid.uuid4()),
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin",
            "auth_time": now,
            "iat": now,
            "exp": now + 3600,
            "jti": str(uuid.uuid4()),
            "username": "someone",
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes):
        return sign(self.claims(**changes), self.key, self.kid)

    def ask(self, token=None, headers=(), path="/api/hello"):
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        try:
            return ask(connection, "GET", path, token, headers)
        finally:
            connection.close()


def own_tokens(edge):
    now = int(time.time())
    expect_equal(edge.ask(edge.token()).status, 200, "a good token of our own key")
    hour = 3600
    for what, changes, reason in [
        ("expired", {"iat": now - 2 * hour, "auth_time": now - 2 * hour, "exp": now - hour}, "expired"),
        ("expired at the epoch", {"exp": 0}, "expired"),
        ("not yet valid", {"nbf": now + hour}, "not yet valid"),
        ("issued in the future", {"iat": now + hour, "exp": now + 2 * hour}, "future"),
        ("without exp", {"exp": None}, "claims"),
        ("exp as text", {"exp": str(now + hour)}, "claims"),
        ("exp beyond all numbers", {"exp": 1e300}, None),
        ("of another issuer", {"iss": "https://issuer.test/other"}, "issuer"),
        ("without iss", {"iss": None}, None),
        ("with an issuer that only begins right", {"iss": edge.iss + "/"}, "issuer"),
        ("an ID token", {"token_use": "id", "aud": edge.client, "client_id": None}, "token use"),
        ("without token_use", {"token_use": None}, None),
        ("of another client", {"client_id": "someone0else"}, "client"),
    ]:
        refused(edge.ask(edge.token(**changes)), f"own key, {what}", reason)
    duplicates(edge)
    headers(edge)


def duplicates(edge):
    """Duplicate keys have two readings (RFC 8725 2.4), so the signature does not help."""
    text = json.dumps(edge.claims())
    for what, payload in {
        "the same sub twice": text[:-1] + ', "sub": "someone-else"}',
        "exp twice": text[:-1] + ', "exp": 4102444800}',
        "an unknown claim twice": text[:-1] + ', "x": 1, "x": 2}',
        "escaped spelling": text[:-1] + ', "\\u0073ub": "someone-else"}',
        "nested": text[:-1] + ', "x": {"a": 1, "a": 2}}',
        "text behind the object": text + "{}",
        "no object": '["sub"]',
    }.items():
        refused(edge.ask(sign_text(payload, edge.key, {"alg": "RS256", "kid": edge.kid})), f"duplicate keys, {what}", None)
    header = '{"alg": "none", "alg": "RS256", "kid": "' + edge.kid + '"}'
    refused(edge.ask(sign_text(text, edge.key, header)), "duplicate alg in the header", None)


def headers(edge):
    claims = json.dumps(edge.claims())
    for what, header in {
        "a critical extension": {"alg": "RS256", "kid": edge.kid, "crit": ["exp"]},
        "b64 false": {"alg": "RS256", "kid": edge.kid, "b64": False, "crit": ["b64"]},
        "RS512 declared": {"alg": "RS512", "kid": edge.kid},
        "another key by jwk": {"alg": "RS256", "kid": "x", "jwk": {"kty": "RSA"}},
        "a key from anywhere by jku": {"alg": "RS256", "kid": "x", "jku": "http://127.0.0.1:9/"},
    }.items():
        refused(edge.ask(sign_text(claims, edge.key, header)), what, None)
    good = edge.token()
    for what, token in {"padding": good + "=", "white space": good[:40] + " " + good[40:], "four parts": good + ".x"}.items():
        refused(edge.ask(headers=[("Authorization", f"Bearer {token}")]), f"a token with {what}", None)


def own_spoofing(edge):
    """With header names that we chose, the whole table again, and values that could break out of a header."""
    sub = str(uuid.uuid4())
    token = edge.token(sub=sub)
    for what, spoof in spoofs("x-user-id").items():
        judge_spoof(edge.ask(token, headers=spoof), f"own edge, {what}", "x-user-id", sub)
    answer = raw(edge.url, chunked_with_trailer("/api/hello", token, "x-user-id"))
    judge_spoof(answer, "own edge, trailer", "x-user-id", sub)
    answer = edge.ask(edge.token(username="line\r\nx-injected: yes"))
    if answer.status == 200:
        expect("x-injected" not in upstream_headers(answer), "a claim has broken out of its header")


@contextlib.contextmanager
def own_edge(binary):
    """An edge of the given program on a free port, with a JWKS file of our own and an upstream that echoes headers."""
    key = rsa_key()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        [port] = free_ports(1)
        write_jwks(folder, key, OwnEdge.kid)
        (folder / "edge.toml").write_text(
            f"""[listen]
http = "127.0.0.1:{port}"

[[issuer]]
name = "own"
iss = "{OwnEdge.iss}"
jwks = {{ file = "jwks.json" }}
profile = "cognito"

[[upstream]]
name = "echo"
servers = ["127.0.0.1:{upstream.server_port}"]

[[route]]
match = {{ path = "/api/*" }}
upstream = "echo"
token = {{ issuers = ["own"], use = "access", clients = ["{OwnEdge.client}"] }}
headers = {{ add = {{ "x-user-id" = "{{sub}}", "x-user-name" = "{{username}}" }} }}
"""
        )
        try:
            with running(binary, folder, [port]):
                yield OwnEdge(f"http://127.0.0.1:{port}", key)
        finally:
            upstream.shutdown()


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"headers": self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        """Reads the body as well, and reports trailers as headers: a careless upstream."""
        trailers = []
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            while line := self.rfile.readline().strip():
                trailers.append(tuple(part.strip() for part in line.decode().split(":", 1)))
        else:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"headers": self.headers.items() + trailers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# Sockets and tokens


def raw(url, request):
    """Sends bytes as they are, and reads one answer."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
            return Answer(response.status, response.getheaders(), response.read())
        except (http.client.HTTPException, ConnectionError):
            return Answer(400, [], b"")  # closed without an answer: refused as well


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(claims, key, kid):
    return sign_text(json.dumps(claims), key, {"alg": "RS256", "kid": kid})


def sign_text(payload, key, header):
    """RS256 over exactly this text, whatever the header says."""
    header = header if isinstance(header, str) else json.dumps(header)
    signed = f"{base64url(header.encode())}.{base64url(payload.encode())}"
    return f"{signed}.{base64url(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def hs256(payload, header, key):
    signed = f"{encode({**decode(header), 'alg': 'HS256'})}.{payload}"
    return f"{signed}.{base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def public_pem(system, token):
    """The pool's public key as an attacker would feed it to HMAC."""
    keys = json.loads(fetch(f"{system.issuer}/{system.pool_id}/.well-known/jwks.json"))["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == kid)).key
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode(value):
    return base64url(json.dumps(value).encode())


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


run(check)
