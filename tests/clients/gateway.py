"""The configurations of docs/GATEWAY.md, started as they are printed and called as its tables say. Usage: gateway.py UP_JSON

Only addresses differ: free ports stand for the printed ones, servers of this file for the issuers of others. Those have key sets and tokens of the
shape that Cognito and Keycloak give out.
"""

import base64
import contextlib
import hashlib
import html
import http.server
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import grpc
import jwt
import websockets
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from websockets.sync.client import connect

import connections
from own_edge import free_ports, listens, running, signed_certificate, write_certificate
from system import Answer, Mismatch, ask, expect, expect_equal, run, until, upstream_headers

PAGE = Path(__file__).parents[2] / "docs" / "GATEWAY.md"
COGNITO = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123"
KEYCLOAK = "https://sso.example.com/realms/corp"
APP, OTHER_APP = "1h57kf5cpq17m0eml12example", "7otherclient8otherclient9"


def check(system, _):
    chapters = {
        "tollgate.toml": tollgate,
        "cognito.toml": cognito,
        "keycloak.toml": keycloak,
        "streams.toml": streams,
        "bound.toml": bound,
        "issuers.toml": issuers,
        "web-keycloak.toml": web_keycloak,
        "web-cognito.toml": web_cognito,
        "web-tollgate.toml": web_tollgate,
        "from-oauth2-proxy.toml": from_oauth2_proxy,
        "from-envoy.toml": from_envoy,
    }
    page = PAGE.read_text()
    printed = dict(re.findall(r"`([a-z0-9-]+\.toml)`:\n\n```toml\n(.*?)^```$", page, re.M | re.S))
    expect_equal(sorted(printed), sorted(chapters), "the configurations of the page")
    expect_equal(page.count("```toml"), len(printed), "configurations with a name")
    for name, chapter in chapters.items():
        with Site(system, name, printed[name]) as site:
            chapter(site)
    return f"{len(chapters)} configurations"


# The chapters


def tollgate(site):
    system = site.system
    joins(site)
    site.start()
    username, password, sub = system.sign_up()
    tokens = system.sign_in(username, password)
    access = tokens["AccessToken"]
    until(lambda: site.status("/orders/7", access) == 200, "the edge has joined and passes a good token")
    received = site.upstream("/orders/7", access)
    expect_equal((received["x-user-id"], "x-groups" in received), ([sub], False), "what the API sees")
    expect_equal(site.status("/status"), 200, "an open route")
    challenge = site.ask("/orders/7").header("www-authenticate")
    expect(challenge.startswith("Bearer"), f"the challenge {challenge!r}")
    expect_equal(site.status("/orders/7", tokens["IdToken"]), 401, "an ID token")
    refused = site.ask("/orders/admin/x", access)
    expect_equal(refused.status, 403, "who is not in the group")
    expect("insufficient_scope" in refused.header("www-authenticate"), "the challenge of a missing group")
    system.public.global_sign_out(AccessToken=access)
    until(lambda: site.status("/orders/7", access) == 401, "a sign-out counts", seconds=2.0)


def joins(site):
    """Enrols the edge of a file that names the issuer's feed and a pool."""
    system = site.system
    environment = {"AWS_ACCESS_KEY_ID": system.access_key_id, "AWS_SECRET_ACCESS_KEY": system.secret_access_key}
    enrol = ["admin", "edge", "enrol", f"gateway-{secrets.token_hex(3)}", "--pools", system.pool_id, "--admin", system.metrics]
    enrolled = subprocess.run([site.binary, *enrol], env=os.environ | environment, capture_output=True, text=True)
    expect_equal((enrolled.returncode, enrolled.stderr), (0, ""), "edge enrol")
    token_file = site.folder / "join.token"
    token_file.touch(mode=0o600)
    token_file.write_text(enrolled.stdout)
    settings = (Path(system.outbox).parent / "issuer.toml").read_text()
    site.replace("127.0.0.1:8701", re.search(r'feed = "([^"]+)"', settings).group(1))
    site.replace("us-east-1_AbCdEf123", system.pool_id)


def cognito(site):
    keys = CognitoKeys()
    idp = site.idp({"/eu-central-1_AbCdEf123/.well-known/jwks.json": keys.jwks})
    site.replace(f'url = "{COGNITO}', f'url = "{idp}/eu-central-1_AbCdEf123')
    site.start()
    cognito_routes(site, keys)
    site.explains("/orders/7", keys.access(), "cognito")
    # The keys outlive a start without Cognito.
    site.idp_ends()
    site.restart()
    expect_equal(site.status("/orders/7", keys.access()), 200, "keys that were kept")


def cognito_routes(site, keys):
    until(lambda: site.status("/orders/7", keys.access()) == 200, "the keys have come")
    received = site.upstream("/orders/7", keys.access(**{"cognito:groups": ["admin", "eu"]}), [("X-Groups", "root")])
    expected = (["8f6b1c9e-0f3d-4a57-b1f2-000000000001"], ["ada"], ["admin,eu"])
    expect_equal((received["x-user-id"], received["x-username"], received["x-groups"]), expected, "what the API sees")
    expect_equal(site.status("/orders/7", keys.access(second=True)), 200, "the second key of the set")
    expect_equal(site.status("/orders/7", keys.access(client_id=OTHER_APP)), 401, "another client")
    expect_equal(site.status("/orders/7", keys.identity()), 401, "an ID token")
    expect_equal(site.status("/orders/7", keys.access(exp=int(time.time()) - 60)), 401, "an expired token")
    expect_equal(site.status("/orders/7", keys.access(iss=COGNITO + "9")), 401, "another pool")
    expect_equal(site.status("/orders/7", keys.access()[:-8] + "AAAAAAAA"), 401, "another signature")
    expect_equal(site.status("/orders/admin/x", keys.access()), 403, "who is in no group")
    for group in ("admin", "support"):
        token = keys.access(**{"cognito:groups": [group]})
        expect_equal(site.status("/orders/admin/x", token), 200, f"who is in {group}")
    machine = {"sub": OTHER_APP, "client_id": OTHER_APP, "username": None}
    allowed = keys.access(scope="reports/read", **machine)
    expect_equal(site.upstream("/reports/7", allowed)["x-client-id"], [OTHER_APP], "a machine")
    refused = site.ask("/reports/7", keys.access(scope="reports/write", **machine))
    expect_equal(refused.status, 403, "another scope")
    expect('scope="reports/read"' in refused.header("www-authenticate"), "the scope that is missing")
    expect_equal(site.ask("/reports/7", allowed, method="DELETE").status, 405, "a method that the route does not have")
    received = site.upstream("/profile", keys.identity())
    expect_equal(received["x-email"], ["ada@example.com"], "an ID token")
    expect_equal(site.status("/profile", keys.identity(email_verified=False)), 403, "an address that is not verified")
    expect_equal(site.status("/profile", keys.access()), 401, "an access token where an ID token is wanted")


def keycloak(site):
    idp = site.idp({})
    keys = KeycloakKeys(f"{idp}/realms/corp")
    site.serve(keys.documents())
    site.replace(KEYCLOAK, keys.iss)
    site.start()
    until(lambda: site.status("/orders/7", keys.access()) == 200, "the keys have come")
    received = site.upstream("/orders/7", keys.access())
    expected = [[keys.sub], ["ada"], ["ada@example.com"]]
    expect_equal([received[name] for name in ("x-user-id", "x-username", "x-email")], expected, "what the API sees")
    expect_equal(site.status("/orders/7", keys.access(azp="mobile")), 200, "the other client")
    expect_equal(site.status("/orders/7", keys.access(azp="admin-cli")), 401, "a client that is not named")
    for typ in ("ID", "Refresh", "Logout"):
        expect_equal(site.status("/orders/7", keys.access(typ=typ)), 401, f"a token of type {typ}")
    manager = {"resource_access": {"orders": {"roles": ["manager"]}}}
    expect_equal(site.status("/orders/admin/x", keys.access(aud=["account", "orders"], **manager)), 200, "a client role")
    realm = {"realm_access": {"roles": ["offline_access", "manager"]}}
    expect_equal(site.status("/orders/admin/x", keys.access(aud="orders", **realm)), 200, "a realm role")
    expect_equal(site.status("/orders/admin/x", keys.access(aud=["account", "orders"])), 403, "who is no manager")
    expect_equal(site.status("/orders/admin/x", keys.access(**manager)), 401, "another audience")
    for method in ("GET", "PUT", "POST"):
        refused = site.ask("/orders/refund/1", keys.access(acr="1"), method=method)
        expect_equal(refused.status, 401, f"a sign-in by password alone, {method}")
    challenge = refused.header("www-authenticate")
    expect('error="insufficient_user_authentication"' in challenge and 'acr_values="2"' in challenge, challenge)
    now = int(time.time())
    expect_equal(site.ask("/orders/refund/1", keys.access(acr="2", auth_time=now), method="POST").status, 200, "a second factor")
    old = keys.access(acr="2", auth_time=now - 3600)
    expect_equal(site.ask("/orders/refund/1", old, method="POST").status, 401, "one of an hour ago")


def streams(site):
    keys = Rfc9068Keys(site.folder)
    for part in (calls, events, sockets):
        with contextlib.ExitStack() as stack:
            part(site, keys, stack)


def calls(site, keys, stack):
    site.replace("127.0.0.1:50051", f"127.0.0.1:{connections.grpc_server(stack)}")
    site.start()
    trust = grpc.ssl_channel_credentials((site.folder / "api.pem").read_bytes())
    channels = (grpc.secure_channel(f"localhost:{site.https}", trust), grpc.insecure_channel(f"127.0.0.1:{site.http}"))
    for channel in channels:
        with channel:
            good = [("authorization", f"Bearer {keys.access()}")]
            expect_equal(channel.unary_unary("/shop.Orders/Unary")(b"one", metadata=good, timeout=20), b"one", "a call")
            status(channel, "/shop.Orders/Unary", [], grpc.StatusCode.UNAUTHENTICATED)
            scopeless = [("authorization", f"Bearer {keys.access(scope='openid')}")]
            status(channel, "/shop.Orders/Unary", scopeless, grpc.StatusCode.PERMISSION_DENIED)
            status(channel, "/shop.Other/Unary", good, grpc.StatusCode.UNIMPLEMENTED)
    site.stop()


def status(channel, path, metadata, expected):
    try:
        channel.unary_unary(path)(b"x", metadata=metadata, timeout=20)
    except grpc.RpcError as error:
        expect_equal(error.code(), expected, f"a call of {path}")
        return
    raise Mismatch(f"a call of {path} has succeeded")


def sockets(site, keys, stack):
    site.replace("127.0.0.1:3000", f"127.0.0.1:{connections.web_socket_server(stack)}")
    site.start()
    url, token = f"ws://127.0.0.1:{site.http}/live", {"Authorization": f"Bearer {keys.access()}"}
    with connect(url, additional_headers=token, subprotocols=["chat"]) as client:
        client.send("ping")
        expect_equal(client.recv(timeout=20), "ping", "an echo")
    try:
        connect(url).close()
        raise Mismatch("a WebSocket without a token was opened")
    except websockets.InvalidStatus as refused:
        expect_equal(refused.response.status_code, 401, "a WebSocket without a token")


def events(site, keys, _):
    site.start()
    headers = [("Origin", "https://app.example.com"), ("Accept", "text/event-stream")]
    answer = site.ask("/events/7", keys.access(), headers)
    expect_equal(answer.status, 200, "events")
    expect_equal(answer.header("access-control-allow-origin"), "https://app.example.com", "who may read them")
    expect_equal(site.status("/events/7"), 401, "events without a token")
    preflight = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "GET")]
    expect_equal(site.ask("/events/7", None, preflight, method="OPTIONS").status, 204, "a preflight")
    site.stop()


def bound(site):
    keys = Rfc9068Keys(site.folder)
    authority = Certified("clients")
    (site.folder / "clients.pem").write_bytes(authority.pem)
    ours, theirs = (client_certificate(site.folder, name, authority) for name in ("ours", "theirs"))
    site.start()
    of_ours = keys.access(cnf={"x5t#S256": ours.thumbprint})
    received = site.upstream("/payments/1", of_ours, certificate=ours)
    expect("client-cert" in received, f"the certificate does not reach the API: {sorted(received)}")
    expect_equal(site.ask("/payments/1", of_ours, certificate=theirs).status, 401, "another certificate")
    expect_equal(site.ask("/payments/1", keys.access(), certificate=ours).status, 401, "a token that is not bound")
    refused = site.ask("/payments/1", of_ours)
    expect_equal(refused.status, 403, "no certificate")
    expect_equal(site.ask("/machines/1", certificate=ours).status, 200, "a machine")
    expect_equal(site.ask("/machines/1").status, 403, "a machine without a certificate")
    proofs(site, keys)
    document = site.ask("/.well-known/oauth-protected-resource/wallet").json()
    expect_equal(document["authorization_servers"], ["https://login.example.com/"], "who gives out tokens")
    expect_equal(document["dpop_bound_access_tokens_required"], True, "that they must be bound")


def proofs(site, keys):
    prover = Prover()
    token = keys.access(cnf={"jkt": prover.thumbprint})
    url = f"https://localhost:{site.https}/wallet/1"

    def call(proof, scheme="DPoP"):
        return site.ask("/wallet/1", None, [("Authorization", f"{scheme} {token}"), ("DPoP", proof)])

    first = call(prover.proof("GET", url, token))
    expect_equal(first.status, 401, "a proof without a nonce")
    expect('error="use_dpop_nonce"' in first.header("www-authenticate"), first.header("www-authenticate"))
    nonce = first.header("dpop-nonce")
    proof = prover.proof("GET", url, token, nonce)
    expect_equal(call(proof).status, 200, "a proof with the nonce")
    expect_equal(call(proof).status, 401, "the same proof again")
    expect_equal(call(prover.proof("POST", url, token, nonce)).status, 401, "a proof for another method")
    expect_equal(call(prover.proof("GET", url + "2", token, nonce)).status, 401, "a proof for another address")
    expect_equal(call(prover.proof("GET", url, token + "x", nonce)).status, 401, "a proof for another token")
    expect_equal(call(Prover().proof("GET", url, token, nonce)).status, 401, "a proof by another key")
    expect_equal(call(prover.proof("GET", url, token, nonce), scheme="Bearer").status, 401, "a bound token as Bearer")


def issuers(site):
    cognito_keys = CognitoKeys()
    idp = site.idp({"/eu-central-1_AbCdEf123/.well-known/jwks.json": cognito_keys.jwks})
    keycloak_keys = KeycloakKeys(f"{idp}/realms/corp")
    partner = {"active": True, "sub": "acme", "client_id": "p", "scope": "orders/read", "exp": int(time.time()) + 600}
    site.serve(keycloak_keys.documents())
    site.introspection = {"opaque-good": partner}
    secret = site.folder / "partners.secret"
    secret.touch(mode=0o600)
    secret.write_text("s3cret-of-the-edge\n")
    site.replace(f'url = "{COGNITO}', f'url = "{idp}/eu-central-1_AbCdEf123')
    site.replace(KEYCLOAK, keycloak_keys.iss)
    site.replace("https://partners.example.com/oauth2/introspect", f"{idp}/oauth2/introspect")
    site.start()
    wanted = {cognito_keys.access(): COGNITO, keycloak_keys.access(): keycloak_keys.iss}
    for token, iss in wanted.items():
        until(lambda token=token: site.status("/orders/7", token) == 200, f"the keys of {iss} have come")
        expect_equal(site.upstream("/orders/7", token)["x-issuer"], [iss], "whose token it is")
    received = site.upstream("/orders/7", "opaque-good")
    expected = (["acme"], ["https://partners.example.com/"])
    expect_equal((received["x-user-id"], received["x-issuer"]), expected, "an opaque token, of which the answer names no issuer")
    expect_equal(site.status("/orders/7", "opaque-bad"), 401, "an inactive one")
    expect_equal(site.status("/orders/back-office/7", cognito_keys.access()), 401, "a customer in the back office")
    support = {"realm_access": {"roles": ["support"]}}
    expect_equal(site.status("/orders/back-office/7", keycloak_keys.access(**support)), 200, "support in the back office")
    expect_equal(site.status("/orders/back-office/7", keycloak_keys.access()), 403, "other staff")
    crossed = jwt.encode({**cognito_keys.claims(), "iss": keycloak_keys.iss}, cognito_keys.keys[0], "RS256", {"kid": cognito_keys.kid(0)})
    expect_equal(site.status("/orders/7", crossed), 401, "one issuer's key under another's name")
    site.idp_ends()
    away = site.ask("/orders/7", "opaque-other")
    expect_equal((away.status, away.header("retry-after") is not None), (503, True), "an opaque token while nobody answers")
    expect_equal(site.status("/orders/7", cognito_keys.access()), 200, "the others pass")


def web_keycloak(site):
    idp = site.idp({})
    keys = KeycloakKeys(f"{idp}/realms/corp")
    base = f"{keys.iss}/protocol/openid-connect"
    documents = keys.documents()
    documents["/realms/corp/.well-known/openid-configuration"] |= {
        "authorization_endpoint": f"{base}/auth", "end_session_endpoint": f"{base}/logout", "revocation_endpoint": f"{base}/revoke",
    }
    site.serve(documents)
    site.replace(KEYCLOAK, keys.iss)
    (site.folder / "client.secret").write_text("s3cret-of-the-edge\n")
    site.start()
    claims = {"aud": "web", "azp": "web", "sub": keys.sub, "iss": keys.iss, "typ": "ID", "email": "ada@example.com"}
    browser = signed_in(site, keys, "/realms/corp/protocol/openid-connect", claims, keys.access())
    received = upstream_headers(browser.page("/orders"))
    expect_equal([received[name] for name in ("x-user-id", "x-email")], [[keys.sub], ["ada@example.com"]], "what the application sees")
    [statement] = received["x-identity"]
    [key] = json.loads(browser.page("/.tollgate/identity-keys.json").body)["keys"]
    told = jwt.decode(statement, jwt.PyJWK(key).key, ["ES256"], audience="https://app.example.com")
    expect_equal((told["sub"], told["email"]), (keys.sub, "ada@example.com"), "the signed identity")
    out = browser.page("/.tollgate/sign-out")
    leaves(browser, out, f"{base}/logout", post_logout_redirect_uri="https://app.example.com/bye")


def web_cognito(site):
    keys = CognitoKeys()
    idp = site.idp({"/eu-central-1_AbCdEf123/.well-known/jwks.json": keys.jwks})
    site.replace(f'url = "{COGNITO}', f'url = "{idp}/eu-central-1_AbCdEf123')
    domain = "https://corp.auth.eu-central-1.amazoncognito.com"
    for endpoint in ("token", "revoke"):
        site.replace(f"{domain}/oauth2/{endpoint}", f"{idp}/oauth2/{endpoint}")
    site.start()
    claims = jwt.decode(keys.identity(), options={"verify_signature": False})
    browser = signed_in(site, keys, "/oauth2", claims, keys.access())
    received = upstream_headers(browser.page("/orders"))
    expect_equal([received[name] for name in ("x-user-id", "x-username")], [[claims["sub"]], ["ada"]], "what the application sees")
    leaves(browser, browser.page("/.tollgate/sign-out"), f"{domain}/logout", logout_uri="https://app.example.com/bye")


def web_tollgate(site):
    """By the issuer's own pages; what ends a session there ends it here."""
    system = site.system
    joins(site)
    pool = {"UserPoolId": system.pool_id}
    made = system.admin.create_user_pool_client(
        **pool, ClientName="web", AllowedOAuthFlows=["code"], AllowedOAuthFlowsUserPoolClient=True, AllowedOAuthScopes=["openid", "email"],
        SupportedIdentityProviders=["COGNITO"], CallbackURLs=["https://app.example.com/.tollgate/callback"],
        LogoutURLs=["https://app.example.com/bye"], EnableTokenRevocation=True,
    )
    client = {**pool, "ClientId": made["UserPoolClient"]["ClientId"]}
    try:
        site.replace(APP, client["ClientId"])
        site.start()
        username, password, sub = system.sign_up()
        browser, people = Browser(site), People(username, password)
        until(lambda: browser.page("/orders").status == 302, "the edge has joined, and knows the provider")
        expect_equal(browser.ask("/orders", []).status, 401, "a script without a session")
        people.sign_in(browser)
        received = upstream_headers(browser.page("/orders"))
        expect_equal((received["x-user-id"], "authorization" in received), ([sub], False), "what the application sees")
        system.admin.admin_user_global_sign_out(**pool, Username=username)
        until(lambda: browser.ask("/orders", []).status == 401, "a sign-out at the issuer counts", seconds=2.0)
        browser, people = Browser(site), People(username, password)
        people.sign_in(browser)
        copy = Browser(site)
        copy.cookies = dict(browser.cookies)
        expect_equal(copy.page("/orders").status, 200, "a copy of the cookies")
        leaves(browser, browser.page("/.tollgate/sign-out"), f"{system.domain}/logout", post_logout_redirect_uri="https://app.example.com/bye")
        until(lambda: copy.ask("/orders", []).status == 401, "a sign-out at the edge counts for copies, too", seconds=2.0)
    finally:
        system.admin.delete_user_pool_client(**client)


def signed_in(site, keys, place, claims, access):
    """A browser that has signed in, as the chapter's table says."""
    browser = Browser(site)
    until(lambda: browser.page("/orders").status == 302, "the provider is known")
    expect_equal(browser.ask("/orders", []).status, 401, "a script without a session")
    asked = query(browser.page("/orders"))
    expect_equal(asked["redirect_uri"], "https://app.example.com/.tollgate/callback", "where it comes back to")
    now = int(time.time())
    identity = keys.sign({**claims, "nonce": asked["nonce"], "iat": now, "exp": now + 300}, typ="JWT")
    site.server.forms = {
        f"{place}/token": {"access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": "r", "id_token": identity},
        f"{place}/revoke": {},
    }
    back = browser.page(f"/.tollgate/callback?code=c&state={asked['state']}")
    expect_equal((back.status, back.header("location")), (303, "/orders"), "the way back")
    expect_equal(browser.page("/orders").status, 200, "a session")
    expect_equal(Browser(site).ask("/orders", [("Authorization", f"Bearer {access}")]).status, 200, "a bearer token")
    return browser


def leaves(browser, out, place, **expected):
    expect_equal((out.status, out.header("location").split("?")[0]), (303, place), "the provider's sign-out")
    expect_equal({name: query(out)[name] for name in expected}, expected, "what it is told")
    expect_equal(browser.page("/orders").status, 302, "nobody is signed in")
    expect_equal(browser.page("/bye").status, 200, "an open page")


def query(answer):
    return {name: value for name, [value] in parse_qs(urlsplit(answer.header("location")).query).items()}


def from_oauth2_proxy(site):
    idp = site.idp({})
    keys = KeycloakKeys(f"{idp}/realms/corp")
    site.serve(keys.documents())
    site.replace(KEYCLOAK, keys.iss)
    site.start()
    staff = {"aud": ["account", "orders"], "realm_access": {"roles": ["staff", "offline_access"]}}
    until(lambda: site.status("/anything", keys.access(**staff)) == 200, "the keys have come")
    received = site.upstream("/anything", keys.access(**staff), [("X-Forwarded-User", "root"), ("X-Forwarded-Groups", "root")])
    names = ("user", "email", "preferred-username", "groups")
    expected = [[keys.sub], ["ada@example.com"], ["ada"], ["staff,offline_access"]]
    expect_equal([received[f"x-forwarded-{name}"] for name in names], expected, "what the API sees")
    expect_equal(site.status("/anything", keys.access(aud="orders")), 403, "who is not in the group")
    expect_equal(site.status("/anything", keys.access(**staff | {"aud": "account"})), 401, "another audience")
    expect_equal(site.status("/anything", keys.access(**staff, email_verified=False)), 403, "an address that nobody has verified")
    expect_equal(site.status("/anything", keys.access(**staff | {"realm_access": {}}, groups=["staff"])), 403, "a group of that name")
    expect_equal(site.status("/anything"), 401, "no token")
    for path in ("/health", "/public/x"):
        expect_equal(site.status(path), 200, f"{path} without a token")
    expect("x-forwarded-user" not in site.upstream("/public/x", None, [("X-Forwarded-User", "root")]), "a user of nobody's")
    expect_equal(site.ask("/health", method="POST").status, 401, "POST /health")


def from_envoy(site):
    keys = Keys()
    idp = site.idp({"/.well-known/jwks.json": keys.jwks})
    site.replace('url = "https://corp.eu.auth0.com', f'url = "{idp}')
    second = site.sample_api()
    site.replace("127.0.0.1:3001", second.address)
    site.start()
    now = int(time.time())
    claims = {
        "iss": "https://corp.eu.auth0.com/", "sub": "auth0|66f0", "azp": "web-app", "scope": "openid read:orders", "gty": "password",
        "aud": ["https://api.example.com", "https://corp.eu.auth0.com/userinfo"], "iat": now, "exp": now + 86_400,
    }
    token = keys.sign(claims, typ="JWT")
    until(lambda: site.status("/orders/7", token) == 200, "the keys have come")
    expect_equal(site.upstream("/orders/7", token, [("X-User-Id", "root")])["x-user-id"], ["auth0|66f0"], "what the API sees")
    expect_equal(site.status("/orders/7", keys.sign({**claims, "aud": "https://other.example"}, typ="JWT")), 401, "another audience")
    expect_equal(site.status("/orders/7", keys.sign({**claims, "exp": now - 60}, typ="JWT")), 401, "an expired token")
    expect_equal(site.status("/healthz"), 200, "an open path")
    expect_equal(site.status("/other"), 404, "a path that no route has")
    second.stop()
    expect_equal([site.status("/orders/7", token) for _ in range(20)], [200] * 20, "requests while one of two servers is down")


# An edge with what stands around it


class Site:
    """A folder with the printed file, an API, and what the chapter adds."""

    def __init__(self, system, name, text):
        self.system, self.name, self.text = system, name, text
        self.binary = system.binary()
        self.stack = contextlib.ExitStack()
        self.introspection = {}
        self.edge = self.server = None

    def __enter__(self):
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        write_certificate(self.folder)
        shutil.move(self.folder / "cert.pem", self.folder / "api.pem")
        shutil.move(self.folder / "key.pem", self.folder / "api.key")
        self.api = self.sample_api()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.server:
            self.idp_ends()
        self.stack.close()

    def replace(self, printed, ours):
        expect(printed in self.text, f"{self.name} does not say {printed}")
        self.text = self.text.replace(printed, ours)

    # The edge

    def start(self):
        self.http, self.https, self.admin = free_ports(3)
        text, ports = self.text, [self.admin]
        for printed, port in {"8080": self.http, "8443": self.https, "8082": self.admin}.items():
            text = text.replace(f":{printed}", f":{port}")
        text = text.replace("127.0.0.1:3000", self.api.address)
        ports += [port for port in (self.http, self.https) if f":{port}\"" in text]
        (self.folder / "edge.toml").write_text(text)
        checked = subprocess.run([self.binary, "edge", "--config", self.folder / "edge.toml", "--check-config"], capture_output=True, text=True)
        expect_equal((checked.returncode, checked.stderr), (0, ""), f"--check-config of {self.name}")
        self.edge = contextlib.ExitStack()
        self.edge.enter_context(running(self.binary, self.folder, ports))

    def stop(self):
        if self.edge:
            self.edge.close()
            self.edge = None
            said = (self.folder / "edge.log").read_text(errors="replace")
            expect("panicked" not in said, f"{self.name}: a panic: {said[-500:]}")

    def restart(self):
        self.stop()
        self.start()

    def ask(self, path, token=None, headers=(), method="GET", certificate=None):
        """By the plain listener where there is one."""
        if "\nhttp = " in self.text:
            connection = HTTPConnection("127.0.0.1", self.http, timeout=10)
        else:
            trust = ssl.create_default_context(cafile=self.folder / "api.pem")
            if certificate:
                trust.load_cert_chain(certificate.file)
            connection = HTTPSConnection("localhost", self.https, timeout=10, context=trust)
        try:
            return ask(connection, method, path, token, headers)
        finally:
            connection.close()

    def status(self, path, token=None):
        return self.ask(path, token).status

    def upstream(self, path, token=None, headers=(), certificate=None):
        """What the API says that it has received."""
        answer = self.ask(path, token, headers, certificate=certificate)
        expect_equal(answer.status, 200, f"{self.name}, {path}: {answer.body[:200]!r}")
        return upstream_headers(answer)

    def explains(self, path, token, word):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        command = [self.binary, "edge", "explain", "--config", self.folder / "edge.toml", "--request", "-"]
        said = subprocess.run(command, input=request.encode(), capture_output=True)
        expect(word in said.stdout.decode() and token not in said.stdout.decode(), f"explain: {said}")

    # Servers

    def sample_api(self):
        return self.stack.enter_context(SampleApi(self.binary))

    def idp(self, documents):
        """The base URL of a server that has these documents, and answers introspection."""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Idp)
        self.server.documents, self.server.site = dict(documents), self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def serve(self, documents):
        self.server.documents.update(documents)

    def idp_ends(self):
        self.server.shutdown()
        self.server.server_close()
        self.server = None


class Browser:
    """Keeps the cookies of app.example.com."""

    def __init__(self, site):
        self.site, self.cookies = site, {}

    def page(self, path):
        return self.ask(path, [("Accept", "text/html")])

    def ask(self, path, headers):
        connection = HTTPConnection("127.0.0.1", self.site.http, timeout=10)
        connection.putrequest("GET", path, skip_host=True)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        for name, value in [("Host", "app.example.com"), *headers, *([("Cookie", cookies)] if cookies else [])]:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        connection.close()
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                name, value = value.split(";")[0].split("=", 1)
                self.cookies[name] = value
                if not value:
                    del self.cookies[name]
        return answer


class People(urllib.request.HTTPRedirectHandler):
    """Somebody at the issuer's pages."""

    def __init__(self, username, password):
        self.known = {"username": username, "password": password}
        self.opener = urllib.request.build_opener(self, urllib.request.HTTPCookieProcessor())

    def redirect_request(self, *_):
        return None  # each is looked at

    def sign_in(self, browser):
        place, filled = browser.page("/orders").header("location"), None
        while not place.startswith("https://app.example.com/"):
            place, filled = self.step(place, filled)
        back = browser.page(place.removeprefix("https://app.example.com"))
        expect_equal((back.status, back.header("location")), (303, "/orders"), "the way back")
        expect_equal(browser.page("/orders").status, 200, "a session")

    def step(self, place, filled):
        """Where a page leads, and what its form is sent with."""
        body = filled and urlencode(filled).encode()
        origin = {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(place))} if body else {}
        try:
            with self.opener.open(urllib.request.Request(place, body, origin), timeout=10) as answer:
                page = answer.read().decode()
        except urllib.error.HTTPError as answer:
            expect(answer.code in (302, 303), f"{place}: {answer.code} {answer.read()[:300]!r}")
            return urljoin(place, answer.headers["Location"]), None
        form = re.search(r"<form[^>]*>(.*?)</form>", page, re.S)
        expect(form, f"{place} has no form")
        action = re.search(r'action="([^"]*)"', form.group().split(">")[0])
        attribute = lambda tag, name: html.unescape((re.search(f'{name}="([^"]*)"', tag) or [None, ""])[1])
        fields = {attribute(tag, "name"): attribute(tag, "value") for tag in re.findall(r"<input[^>]*>", form.group(1))}
        return urljoin(place, html.unescape(action.group(1)) if action else place), {**fields, **self.known}


class SampleApi:
    """The API that the page tries with."""

    def __init__(self, binary):
        [self.port] = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen([binary, "sample-api", "--listen", self.address], stdin=subprocess.DEVNULL)

    def __enter__(self):
        until(lambda: listens(self.port), "the sample API listens")
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.stop()


class Idp(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        document = self.server.documents.get(self.path)
        self.answer(404 if document is None else 200, document or {"error": "not found"})

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path in getattr(self.server, "forms", {}):
            self.answer(200, self.server.forms[self.path])
            return
        expected = "Basic " + base64.b64encode(b"edge:s3cret-of-the-edge").decode()
        if self.path != "/oauth2/introspect" or self.headers["Authorization"] != expected:
            self.answer(401, {"error": "invalid_client"})
            return
        self.answer(200, self.server.site.introspection.get(form["token"][0], {"active": False}))

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# Keys and tokens


class Keys:
    """RSA keys, published as most issuers do."""

    def __init__(self, count=1):
        self.keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(count)]

    def kid(self, index):
        # 32 bytes in base64 with padding, as Cognito's.
        public = self.keys[index].public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    @property
    def jwks(self):
        return {"keys": [self.jwk(index) for index in range(len(self.keys))]}

    def jwk(self, index):
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[index].public_key(), as_dict=True)
        return {"alg": "RS256", "e": jwk["e"], "kid": self.kid(index), "kty": "RSA", "n": jwk["n"], "use": "sig"}

    def sign(self, claims, index=0, typ=None):
        return jwt.encode(claims, self.keys[index], "RS256", {"kid": self.kid(index), "typ": typ})


class CognitoKeys(Keys):
    """A pool's two keys; tokens as its app clients get them: no `typ`, no `aud` in access tokens."""

    def __init__(self):
        super().__init__(2)

    def claims(self):
        now = int(time.time())
        return {
            "sub": "8f6b1c9e-0f3d-4a57-b1f2-000000000001", "iss": COGNITO, "version": 2, "client_id": APP,
            "origin_jti": str(uuid.uuid4()), "event_id": str(uuid.uuid4()), "token_use": "access", "scope": "openid email",
            "auth_time": now, "exp": now + 3600, "iat": now, "jti": str(uuid.uuid4()), "username": "ada",
        }

    def access(self, second=False, **changed):
        claims = {name: value for name, value in {**self.claims(), **changed}.items() if value is not None}
        return self.sign(claims, int(second))

    def identity(self, **changed):
        now = int(time.time())
        claims = {
            "sub": "8f6b1c9e-0f3d-4a57-b1f2-000000000001", "iss": COGNITO, "aud": APP, "token_use": "id", "email_verified": True,
            "cognito:username": "ada", "email": "ada@example.com", "at_hash": "x", "auth_time": now, "iat": now, "exp": now + 3600,
            "jti": str(uuid.uuid4()), "origin_jti": str(uuid.uuid4()), "event_id": str(uuid.uuid4()),
        }
        return self.sign({**claims, **changed})


class KeycloakKeys(Keys):
    """A realm: one key for signatures and one for encryption, each with its certificate."""

    sub = "5d3b7a40-7c1e-4a8c-9d55-000000000002"

    def __init__(self, iss):
        super().__init__(2)
        self.iss = iss

    def kid(self, index):
        return super().kid(index).rstrip("=").replace("+", "-").replace("/", "_")

    def jwk(self, index):
        certificate = signed_certificate(self.keys[index], "corp").public_bytes(serialization.Encoding.DER)
        use = {"alg": "RS256", "use": "sig"} if index == 0 else {"alg": "RSA-OAEP", "use": "enc"}
        digests = {"x5t": base64url(hashlib.sha1(certificate).digest()), "x5t#S256": base64url(hashlib.sha256(certificate).digest())}
        return {**super().jwk(index), **use, "x5c": [base64.b64encode(certificate).decode()], **digests}

    def documents(self):
        certs = f"{self.iss}/protocol/openid-connect/certs"
        metadata = {
            "issuer": self.iss, "jwks_uri": certs, "token_endpoint": f"{self.iss}/protocol/openid-connect/token",
            "introspection_endpoint": f"{self.iss}/protocol/openid-connect/token/introspect",
            "id_token_signing_alg_values_supported": ["PS384", "RS256", "HS256", "EdDSA", "ES256"],
            "subject_types_supported": ["public", "pairwise"], "tls_client_certificate_bound_access_tokens": True,
        }
        keys = {"keys": [self.jwk(1), self.jwk(0)]}
        return {"/realms/corp/.well-known/openid-configuration": metadata, "/realms/corp/protocol/openid-connect/certs": keys}

    def access(self, **changed):
        now = int(time.time())
        claims = {
            "exp": now + 300, "iat": now, "auth_time": now, "jti": f"onrtac:{uuid.uuid4()}", "iss": self.iss, "aud": "account",
            "sub": self.sub, "typ": "Bearer", "azp": "web", "sid": str(uuid.uuid4()), "acr": "1",
            "allowed-origins": ["https://app.example.com"], "realm_access": {"roles": ["default-roles-corp", "offline_access"]},
            "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}}, "scope": "openid email profile",
            "email_verified": True, "name": "Ada Lovelace", "preferred_username": "ada", "email": "ada@example.com",
        }
        return self.sign({**claims, **changed}, typ="JWT")


class Rfc9068Keys(Keys):
    """Whose key set is a file."""

    def __init__(self, folder):
        super().__init__()
        (folder / "jwks.json").write_text(json.dumps(self.jwks))

    def access(self, **changed):
        now = int(time.time())
        claims = {
            "iss": "https://login.example.com/", "sub": "ada", "aud": "https://api.example.com", "client_id": "app", "iat": now,
            "exp": now + 600, "jti": str(uuid.uuid4()), "scope": "orders/read wallet",
        }
        return self.sign({**claims, **changed}, typ="at+jwt")


class Prover:
    """A client's key for DPoP."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.jwk = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
        self.thumbprint = base64url(hashlib.sha256(json.dumps(self.jwk, separators=(",", ":"), sort_keys=True).encode()).digest())

    def proof(self, method, url, token, nonce=None):
        ath = base64url(hashlib.sha256(token.encode()).digest())
        claims = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(time.time()), "ath": ath}
        if nonce:
            claims["nonce"] = nonce
        return jwt.encode(claims, self.key, "ES256", {"typ": "dpop+jwt", "jwk": self.jwk})


class Certified:
    """A key and its certificate: its own, or an authority's."""

    def __init__(self, name, authority=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = signed_certificate(self.key, name, authority)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.thumbprint = base64url(self.certificate.fingerprint(hashes.SHA256()))


def client_certificate(folder, name, authority):
    client = Certified(name, authority)
    private = client.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    client.file = folder / f"{name}.client.pem"
    client.file.write_bytes(client.pem + private)
    return client


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


if __name__ == "__main__":
    run(check)
