"""Two browsers of one user and three apps: signing out in one app of a browser ends every app's access through the edge, and none of the other browser's.
Prints how long after the answer to the sign-out the last app was refused. Usage: browser_sessions.py UP_JSON [ROUNDS]"""

import base64
import hashlib
import html
import http.client
import re
import secrets
import statistics
import time
from urllib.parse import parse_qs, urlsplit

import requests

from system import expect, expect_equal, run

CALLBACK = "https://app.example.com/cb"
LEFT = "https://app.example.com/out"
APPS = 3
WAIT_SECONDS = 5.0


def check(system, arguments):
    rounds = int(arguments[0]) if arguments else 5
    clients = [app(system, number) for number in range(APPS)]
    spans = []
    try:
        for _ in range(rounds):
            spans.append(one_round(system, clients))
    finally:
        for client in clients:
            system.admin.delete_user_pool_client(UserPoolId=system.pool_id, ClientId=client)
    spans.sort()
    return (
        f"{rounds} sign-outs of {APPS} apps: every app refused after {statistics.median(spans):.1f} ms (median), "
        f"{spans[-1]:.1f} ms at most"
    )


def app(system, number):
    made = system.admin.create_user_pool_client(
        UserPoolId=system.pool_id,
        ClientName=f"app-{number}",
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[CALLBACK],
        LogoutURLs=[LEFT],
        SupportedIdentityProviders=["COGNITO"],
    )
    return made["UserPoolClient"]["ClientId"]


def one_round(system, clients):
    first, second = Browser(system), Browser(system)
    ending = [first.tokens(client) for client in clients]
    staying = [second.tokens(client) for client in clients]
    edge = http.client.HTTPConnection(urlsplit(system.edge).netloc, timeout=10)

    def status(token):
        edge.request("GET", system.protected_path, headers={"authorization": f"Bearer {token['access_token']}"})
        answer = edge.getresponse()
        answer.read()
        return answer.status

    for token in ending + staying:
        expect_equal(status(token), 200, "the edge before the sign-out")
    answer = first.get(
        f"{system.domain}/logout", params={"id_token_hint": ending[1]["id_token"], "post_logout_redirect_uri": LEFT}
    )
    began = time.perf_counter()
    expect_equal((answer.status_code, answer.headers["location"]), (302, LEFT), "the sign-out")
    for token in ending:
        while status(token) != 401:
            expect(time.perf_counter() - began < WAIT_SECONDS, "the edge takes a token after the sign-out")
    span = (time.perf_counter() - began) * 1_000
    for token in staying:
        expect_equal(status(token), 200, "the other browser's token")
    return span


class Browser:
    """Cookies, and no scripts."""

    def __init__(self, system):
        self.system = system
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, url, **more):
        return self.session.get(url, allow_redirects=False, timeout=10, **more)

    def tokens(self, client):
        """Of an app: by the form the first time, then without it."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        answer = self.get(f"{self.system.domain}/oauth2/authorize", params=query)
        if not answer.headers["location"].startswith(CALLBACK):
            answer = self.sign_in(answer.headers["location"])
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": client,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        tokens = requests.post(f"{self.system.domain}/oauth2/token", data=form, timeout=10)
        expect_equal(tokens.status_code, 200, "the code")
        return tokens.json()

    def sign_in(self, url):
        page = self.get(url)
        action = html.unescape(re.search(r'action="([^"]*)"', page.text).group(1))
        token = re.search(r'name="_csrf" value="([^"]*)"', page.text).group(1)
        form = {"_csrf": token, "username": self.system.demo_user, "password": self.system.demo_password}
        answer = self.session.post(self.system.domain + action, data=form, allow_redirects=False, timeout=10)
        expect_equal(answer.status_code, 303, "the right password")
        return answer


if __name__ == "__main__":
    run(check)
