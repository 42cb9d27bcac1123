"""Cognito's API through the edge: unmodified SDKs against the edge's plain and TLS listener. Usage: via_edge.py UP_JSON

The same calls as against the issuer itself: unsigned ones, those with an access token, signed ones, SRP, documents, long bodies. Then what
the edge adds: nobody else's word for a client counts, and the API behind it stays where it was.
"""

import copy
import http.client
import json
import os
import ssl
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from pycognito import AWSSRP

from system import Answer, expect, expect_equal, expect_error, fetch, new_email, new_password, run

ATTESTATION = "x-tollgate-attestation"
TARGET = "AWSCognitoIdentityProviderService"


def check(system, _):
    # As anyone would tell an SDK and Python of an authority of their own.
    os.environ["AWS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = system.ca
    for endpoint in (system.issuer_via_edge, system.issuer_via_edge_tls):
        there = through(system, endpoint)
        users(there)
        administrators(there)
        documents(system, there)
        long_bodies(there)
        other_words(there)
    the_api_stays(system)


def through(system, endpoint):
    there = copy.copy(system)
    there.issuer = endpoint
    there.public = there._cognito(Config(signature_version=UNSIGNED, retries={"max_attempts": 0}))
    there.admin = there._cognito(Config(retries={"max_attempts": 0}))
    return there


def users(system):
    email, password, sub = system.sign_up()
    tokens = system.sign_in(email, password)
    expect_equal(system.verify(tokens["AccessToken"], "access")["sub"], sub, "sub, verified by keys that came through the edge")
    system.verify(tokens["IdToken"], "id")
    attributes = system.public.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    expect({"Name": "email", "Value": email} in attributes, f"GetUser: {attributes}")
    system.expect_edge(tokens["AccessToken"], 200, "a token that was got through it")
    again = system.public.initiate_auth(
        ClientId=system.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )["AuthenticationResult"]
    expect("AccessToken" in again, "REFRESH_TOKEN_AUTH")
    message = expect_error(
        "NotAuthorizedException",
        system.public.initiate_auth,
        "a wrong password",
        ClientId=system.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": "Wrong-" + password},
    )
    expect_equal(message, "Incorrect username or password.", "the issuer's own words")
    srp = AWSSRP(email, password, system.pool_id, system.client_id, client=system.public)
    by_srp = srp.authenticate_user()["AuthenticationResult"]
    system.expect_edge(by_srp["AccessToken"], 200, "a token by SRP")
    system.public.global_sign_out(AccessToken=by_srp["AccessToken"])
    system.expect_refusal(by_srp["AccessToken"], "after GlobalSignOut through it")


def administrators(system):
    """Signatures cover host and path, so both must arrive as they were sent."""
    pool = system.admin.create_user_pool(PoolName="through the edge")["UserPool"]["Id"]
    client = system.admin.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    name, password = new_email(), new_password()
    system.admin.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    system.admin.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    users = system.admin.list_users(UserPoolId=pool)["Users"]
    expect_equal([user["Username"] for user in users], [name], "ListUsers")
    # Another pool than the demo's: the edge of `up` is enrolled for all.
    tokens = system.public.initiate_auth(
        ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": name, "PASSWORD": password}
    )
    expect("AuthenticationResult" in tokens, "a sign-in to a pool that is new")
    system.admin.delete_user_pool(UserPoolId=pool)


def documents(direct, there):
    for name in ("jwks.json", "openid-configuration"):
        path = f"/{there.pool_id}/.well-known/{name}"
        said, known = json.loads(fetch(there.issuer + path)), json.loads(fetch(direct.issuer + path))
        # Who asks at a URL of the pool's domain hears of the endpoints there.
        said = {key: value.replace(direct.domain_tls, direct.domain) if isinstance(value, str) else value for key, value in said.items()}
        expect_equal(said, known, name)


def long_bodies(system):
    for length in (65_000, 131_000):
        answer = system.public.initiate_auth(
            ClientId=system.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": system.demo_user, "PASSWORD": system.demo_password},
            ClientMetadata={"note": "x" * length},
        )
        expect("AuthenticationResult" in answer, f"{length} bytes")
    # Refused by its head; what follows would meet a closed connection.
    expect_equal(post(system, "InitiateAuth", "", length=(1 << 20) + 1).status, 413, "a body over 1 MiB")


def other_words(system):
    """What a client says in the edge's name, or of its own address, never arrives: the request passes on the edge's word."""
    body = json.dumps({
        "ClientId": system.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": system.demo_user, "PASSWORD": system.demo_password},
    })
    for name in (ATTESTATION, ATTESTATION.replace("-", "_"), "x-forwarded-for", "x-real-ip"):
        for times in (1, 2):
            answer = post(system, "InitiateAuth", body, [(name, "203.0.113.9")] * times)
            expect_equal(answer.status, 200, f"{name}, {times} times: {answer.body[:200]}")
            expect(answer.header("x-request-id"), "the edge's request id")


def the_api_stays(system):
    tokens = system.sign_in(system.demo_user, system.demo_password)
    system.expect_edge(tokens["AccessToken"], 200, "the API")
    expect_equal(system.ask_edge(path="/").status, 401, "GET / is the API's")
    expect_equal(system.ask_edge(path="/nowhere").status, 401, "another path is the API's")


def post(system, operation, body, headers=(), length=None):
    address = urlsplit(system.issuer)
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=system.ca)
        connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        connection.putrequest("POST", "/", skip_accept_encoding=True)
        fixed = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", f"{TARGET}.{operation}")]
        for name, value in fixed + [("Content-Length", str(length or len(body)))] + list(headers):
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body.encode())
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


if __name__ == "__main__":
    run(check)
