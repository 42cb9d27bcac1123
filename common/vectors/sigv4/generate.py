#!/usr/bin/env python3
"""Writes botocore.json: requests signed by botocore, the signer of boto3 and the AWS CLI.

    python3 generate.py > botocore.json

`random`: 200 random requests through botocore.auth.SigV4Auth. `client`: requests as an unmodified botocore client sends them.
Deterministic: fixed seed and clock. Written with botocore 1.43.11.
"""

import base64
import datetime
import json
import random
import sys
import urllib.parse
from unittest import mock

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

RNG = random.Random(20150830)
UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
TARGET = "AWSCognitoIdentityProviderService."


def text(alphabet, low, high):
    return "".join(RNG.choice(alphabet) for _ in range(RNG.randint(low, high)))


def at(moment):
    """botocore's clock stands still at `moment`."""
    return mock.patch("botocore.auth.get_current_datetime", lambda *a, **k: moment)


def moment():
    seconds = RNG.randrange(0, 2**32 + 2**31)
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)


def vector(name, credentials, region, service, request, when):
    parts = urllib.parse.urlsplit(request.url)
    headers = [[k, v.decode() if isinstance(v, bytes) else v] for k, v in request.headers.items()]
    if not any(k.lower() == "host" for k, _ in headers):
        headers.append(["Host", parts.netloc])
    body = request.body or b""
    return {
        "name": name,
        "method": request.method,
        "target": (parts.path or "/") + ("?" + parts.query if parts.query else ""),
        "headers": headers,
        "body": base64.b64encode(body if isinstance(body, bytes) else body.encode()).decode(),
        "access_key_id": credentials.access_key,
        "secret_access_key": credentials.secret_key,
        "session_token": credentials.token,
        "region": region,
        "service": service,
        "now": int((when - datetime.datetime(1970, 1, 1)).total_seconds()),
    }


def random_vector(number):
    credentials = Credentials(
        "AKIA" + text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 12, 16),
        text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+", 16, 60),
        text(UNRESERVED + "+/=", 20, 400) if RNG.random() < 0.3 else None,
    )
    region = RNG.choice(["us-east-1", "eu-central-1", "ap-southeast-2", "local"])
    service = RNG.choice(["cognito-idp", "cognito-identity", "iam", "execute-api"])
    host = RNG.choice(["127.0.0.1:8700", "localhost:8700", "cognito-idp.us-east-1.amazonaws.com", "[::1]:8700", "id.example"])
    path = "/"
    if RNG.random() < 0.4:
        segments = [urllib.parse.quote(text(UNRESERVED + " /:@!$&'()*+,;=ä€", 0, 8), safe="~") for _ in range(RNG.randint(1, 4))]
        path = "/" + "/".join(segments) + RNG.choice(["", "/", "//", "/.", "/.."])
    query = ""
    if RNG.random() < 0.4:
        pairs = [(text("abcAB01-_.~ %é", 1, 4), text(UNRESERVED + " /+&=%ü", 0, 10)) for _ in range(RNG.randint(1, 5))]
        query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs)
    headers = {"Host": host}
    if RNG.random() < 0.8:
        headers["X-Amz-Target"] = TARGET + RNG.choice(["AdminCreateUser", "CreateUserPool", "ListUsers"])
        headers["Content-Type"] = "application/x-amz-json-1.1"
    if RNG.random() < 0.5:
        headers["amz-sdk-invocation-id"] = text("0123456789abcdef-", 36, 36)
        headers["amz-sdk-request"] = "attempt=1"
    if RNG.random() < 0.5:
        headers["User-Agent"] = "Boto3/1.43 md/Botocore ua/2.1"
    if RNG.random() < 0.3:
        headers["X-" + text("abcdefABCDEF-09", 1, 10)] = "  " + text("ab \t,;\"c", 0, 20) + " "
    request = AWSRequest(
        method=RNG.choice(["POST", "POST", "POST", "GET", "PUT", "DELETE"]),
        url=f"http://{host}{path}" + ("?" + query if query else ""),
        data=RNG.randbytes(RNG.choice([0, 2, 100, 2000])),
        headers=headers,
    )
    when = moment()
    with at(when):
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return vector(f"random-{number}", credentials, region, service, request, when)


CALLS = [
    ("cognito-idp", "create_user_pool", {"PoolName": "demo"}),
    ("cognito-idp", "admin_create_user", {"UserPoolId": "us-east-1_AbCdEf123", "Username": "zoë@example.com"}),
    ("cognito-idp", "admin_get_user", {"UserPoolId": "us-east-1_AbCdEf123", "Username": "a/b?c=d"}),
    ("cognito-idp", "list_users", {"UserPoolId": "us-east-1_AbCdEf123", "Filter": 'email ^= "a"', "Limit": 60}),
    ("cognito-identity", "list_identity_pools", {"MaxResults": 1}),
]


def client_vectors():
    session = botocore.session.Session()
    when = datetime.datetime(2026, 11, 23, 21, 0, 0)
    for number, (service, operation, arguments) in enumerate(CALLS * 2):
        temporary = number >= len(CALLS)
        credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2lu==" if temporary else None)
        endpoint = "https://localhost:8843" if temporary else "http://127.0.0.1:8700"
        client = session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=Config(user_agent="Botocore/1.43.11"),
        )
        sent = []

        def send(request, **_):
            sent.append(request)
            return AWSResponse(request.url, 200, {}, mock.Mock(stream=lambda: [b"{}"], read=lambda: b"{}"))

        client.meta.events.register_first("before-send", send)
        with at(when), mock.patch("uuid.uuid4", lambda: "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f"):
            getattr(client, operation)(**arguments)
        name = f"client-{operation}" + ("-temporary" if temporary else "")
        yield vector(name, credentials, "us-east-1", service, sent[0], when)


if __name__ == "__main__":
    rows = [random_vector(n) for n in range(200)] + list(client_vectors())
    lines = ",\n".join(json.dumps(row, ensure_ascii=True) for row in rows)
    sys.stdout.write(f"[\n{lines}\n]\n")
