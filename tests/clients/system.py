"""A running `tollgate up`, as its up.json describes it, for the client programs beside this file.

A program calls `run(check)`; `check` gets the System and raises Mismatch on the first thing that is not as it should be.
Exit status: 0 all as expected, 1 a mismatch (said in one line), 2 the program was called wrongly.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PASSWORD_SYMBOLS = "^$*.[]{}()?-!@#%&/,><':;|_~`+="
WAIT_SECONDS = 10.0


class Mismatch(Exception):
    """Something is not as Cognito, or DESIGN, says it should be."""


def expect(condition, what):
    if not condition:
        raise Mismatch(what)


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: expected {wanted!r}, found {found!r}")


def expect_error(name, call, what, **parameters):
    """Calls a boto3 operation that must fail with exception `name`; returns its message."""
    try:
        call(**parameters)
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        expect_equal((code, status), (name, 400), f"{what}: exception and status")
        expect(error.response["Error"].get("Message"), f"{what}: the exception has no message")
        return error.response["Error"]["Message"]
    raise Mismatch(f"{what}: expected {name}, but the call succeeded")


def until(condition, what, seconds=WAIT_SECONDS):
    """The first true value of `condition`."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise Mismatch(f"{what}: not within {seconds:g} s")


def new_email():
    return f"user-{secrets.token_hex(6)}@example.com"


def new_password():
    """Satisfies Cognito's default policy: upper, lower, digit, symbol, at least 8."""
    return "Aa1" + secrets.choice(PASSWORD_SYMBOLS) + secrets.token_urlsafe(12)


def secret_hash(client_id, client_secret, username):
    mac = hmac.new(client_secret.encode(), (username + client_id).encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list
    body: bytes

    def header(self, name):
        """The only field of that name, or None; several are a mismatch."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        expect(len(values) <= 1, f"several {name} headers in one answer")
        return values[0] if values else None

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Mismatch(f"not JSON: {self.body[:200]!r}") from None


class System:
    def __init__(self, up_file):
        for key, value in json.loads(Path(up_file).read_text()).items():
            setattr(self, key, value)
        self.iss = json.loads(fetch(f"{self.issuer}/{self.pool_id}/.well-known/openid-configuration"))["issuer"]
        self.public = self._cognito(Config(signature_version=UNSIGNED, retries={"max_attempts": 0}))
        self.admin = self._cognito(Config(retries={"max_attempts": 0}))

    def _cognito(self, config):
        return boto3.client(
            "cognito-idp",
            endpoint_url=self.issuer,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=config,
        )

    # Messages

    def messages_to(self, address):
        """Messages of the outbox to an address, oldest first."""
        found = []
        for path in Path(self.outbox).glob("*.json"):
            try:
                message = json.loads(path.read_text())
            except (ValueError, FileNotFoundError):
                continue  # still being written
            if message["to"] == address:
                found.append(message)
        return sorted(found, key=lambda message: message["at"])

    def codes_to(self, address, count=1):
        """The codes sent to an address, once there are `count` of them."""

        def enough():
            codes = [message["code"] for message in self.messages_to(address) if message.get("code")]
            return codes if len(codes) >= count else None

        return until(enough, f"{count} code(s) for {address} in the outbox")

    # People

    def sign_up(self, email=None, password=None):
        """A confirmed user of the demo pool, by the public operations; (email, password, sub)."""
        email, password = email or new_email(), password or new_password()
        attributes = [{"Name": "email", "Value": email}]
        answer = self.public.sign_up(
            ClientId=self.client_id, Username=email, Password=password, UserAttributes=attributes
        )
        code = self.codes_to(email)[-1]
        self.public.confirm_sign_up(ClientId=self.client_id, Username=email, ConfirmationCode=code)
        return email, password, answer["UserSub"]

    def sign_in(self, username, password):
        """AuthenticationResult of the demo client by password."""
        parameters = {"USERNAME": username, "PASSWORD": password}
        answer = self.public.initiate_auth(
            ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        expect("AuthenticationResult" in answer, f"sign-in asks for {answer.get('ChallengeName')} instead")
        return answer["AuthenticationResult"]

    # Tokens

    def verify(self, token, use, pool_id=None, client_id=None, iss=None):
        """Claims of a token that PyJWT has verified by the pool's JWKS."""
        pool_id, client_id, iss = pool_id or self.pool_id, client_id or self.client_id, iss or self.iss
        keys = jwt.PyJWKClient(f"{self.issuer}/{pool_id}/.well-known/jwks.json")
        key = keys.get_signing_key_from_jwt(token)
        audience = client_id if use == "id" else None
        required = ["exp", "iat", "iss", "sub", "jti", "token_use", "auth_time"]
        options = {"require": required + (["aud"] if audience else [])}
        try:
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=iss, options=options)
        except jwt.PyJWTError as error:
            raise Mismatch(f"PyJWT refuses the {use} token: {error}") from None
        expect_equal(claims["token_use"], use, "token_use")
        if use == "access":
            expect_equal(claims["client_id"], client_id, "client_id of the access token")
            expect("aud" not in claims, "Cognito's access tokens carry no aud")
        return claims

    # The edge

    def ask_edge(self, token=None, headers=(), path=None, method="GET"):
        """One request to the protected path of the edge, on a connection of its own."""
        connection = self.edge_connection()
        try:
            return ask(connection, method, path or self.protected_path, token, headers)
        finally:
            connection.close()

    def edge_connection(self):
        address = urlsplit(self.edge)
        return http.client.HTTPConnection(address.hostname, address.port, timeout=10)

    def expect_edge(self, token, status, what):
        answer = self.ask_edge(token)
        expect_equal(answer.status, status, f"edge, {what}")
        return answer

    def expect_refusal(self, token, what):
        """The edge must refuse soon, and stay with it."""
        until(lambda: self.ask_edge(token).status == 401, f"edge refuses {what}", seconds=2.0)
        for _ in range(5):
            self.expect_edge(token, 401, f"{what}, again")

    def binary(self):
        """The program that serves this system's edge."""
        return os.readlink(f"/proc/{self.pids['edge']}/exe")


def ask(connection, method, path, token=None, headers=()):
    """One request on an open connection; headers go as they are, in order, repeated ones too."""
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in ([("Authorization", f"Bearer {token}")] if token else []) + list(headers):
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return Answer(response.status, response.getheaders(), response.read())


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        expect_equal(response.status, 200, url)
        return response.read()


def upstream_headers(answer):
    """What the sample API says it received: lower-case name to list of values."""
    found = {}

    def collect(value):
        if isinstance(value, dict):
            headers = value.get("headers")
            pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else []
            for pair in pairs:
                name, values = (pair["name"], pair["value"]) if isinstance(pair, dict) else pair
                found.setdefault(name.lower(), []).extend(values if isinstance(values, list) else [values])

    collect(answer.json())
    expect(found, f"the sample API does not say which headers it received: {answer.body[:300]!r}")
    return found


def is_uuid(text):
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def run(check):
    """Runs `check(system, arguments)` for the up.json that the command line names."""
    if len(sys.argv) < 2:
        print(f"usage: {Path(sys.argv[0]).name} UP_JSON [...]", file=sys.stderr)
        sys.exit(2)
    name = Path(sys.argv[0]).name
    try:
        said = check(System(sys.argv[1]), sys.argv[2:])
    except Mismatch as mismatch:
        print(f"{name}: MISMATCH: {mismatch}", file=sys.stderr)
        sys.exit(1)
    except (BotoCoreError, ClientError, http.client.HTTPException, OSError) as error:
        print(f"{name}: MISMATCH: unexpected {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{name}: ok{': ' + said if said else ''}")
