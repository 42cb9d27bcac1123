"""A server app that signs people in by the authorization code flow, with Authlib.

    app.py ISSUER CLIENT_ID PORT          (CLIENT_SECRET in the environment, where the client has one)

Register http://localhost:PORT/callback and http://localhost:PORT/ with the client. Tokens stay on the server; the browser has a random cookie.
"""

import html
import os
import secrets
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

ISSUER, CLIENT_ID, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
SECRET = os.environ.get("CLIENT_SECRET")
HERE = f"http://localhost:{PORT}"
PROVIDER = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
KEYS = KeySet.import_key_set(requests.get(PROVIDER["jwks_uri"], timeout=10).json())
SESSIONS = {}


def client():
    return OAuth2Session(
        CLIENT_ID,
        SECRET,
        redirect_uri=f"{HERE}/callback",
        scope="openid email",
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if SECRET else "none",
    )


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        {"/": self.home, "/sign-in": self.sign_in, "/callback": self.callback, "/sign-out": self.sign_out}.get(path, self.absent)()

    def home(self):
        user = self.session().get("user")
        said = f"Signed in: {html.escape(user)}" if user else "Nobody is signed in."
        self.page(f"<p id=who>{said}</p><a href=/sign-in>Sign in</a> <a href=/sign-out>Sign out</a>")

    def sign_in(self):
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        url, state = client().create_authorization_url(PROVIDER["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
        # A new session for each sign-in: nobody can have chosen its name.
        self.redirect(url, self.begin(state=state, verifier=verifier, nonce=nonce))

    def callback(self):
        asked = self.session()
        answer = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if not asked.get("state") or answer.get("state") != asked["state"] or answer.get("iss") != PROVIDER["issuer"]:
            return self.page("<p>The answer is not for this browser.</p>", 400)
        if "error" in answer:
            return self.page(f"<p>{html.escape(answer['error'])}</p>", 400)
        token = client().fetch_token(PROVIDER["token_endpoint"], code=answer["code"], code_verifier=asked["verifier"])
        claims = jwt.decode(token["id_token"], KEYS).claims
        if (claims["iss"], claims["aud"], claims.get("nonce")) != (PROVIDER["issuer"], CLIENT_ID, asked["nonce"]):
            return self.page("<p>The ID token is not for this sign-in.</p>", 400)
        SESSIONS.pop(self.name(), None)
        return self.redirect("/", self.begin(user=claims["email"], id_token=token["id_token"]))

    def sign_out(self):
        token = self.session().get("id_token")
        SESSIONS.pop(self.name(), None)
        query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": f"{HERE}/"}) if token else ""
        self.redirect(f"{PROVIDER['end_session_endpoint']}?{query}")

    def absent(self):
        self.page("<p>There is no such page.</p>", 404)

    def name(self):
        cookie = SimpleCookie(self.headers.get("cookie", "")).get("app")
        return cookie.value if cookie else None

    def session(self):
        return SESSIONS.get(self.name(), {})

    def begin(self, **session):
        name = secrets.token_urlsafe(32)
        SESSIONS[name] = session
        return name

    def redirect(self, to, name=None):
        self.send_response(303)
        self.send_header("location", to)
        if name:
            self.send_header("set-cookie", f"app={name}; Path=/; HttpOnly; SameSite=Lax")
        self.end_headers()

    def page(self, content, status=200):
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>A server app</title>{content}".encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", PORT), App).serve_forever()
