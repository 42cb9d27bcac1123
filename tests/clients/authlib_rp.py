"""The code flow by Authlib, a relying party that others wrote: discovery, sign-in by the pages' form over the edge's TLS, tokens, UserInfo, refresh,
revocation. Usage: authlib_rp.py UP_JSON"""

import html
import re

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from system import expect, expect_equal, run


def check(system, _):
    up = vars(system)
    documents = requests.get(f"{up['issuer']}/{up['pool_id']}/.well-known/openid-configuration", timeout=10).json()
    # The same endpoints, at the domain by the edge's TLS.
    at_tls = {name: value.replace(up["domain"], up["domain_tls"]) for name, value in documents.items() if isinstance(value, str)}
    verifier, nonce = generate_token(64), generate_token(20)
    session = OAuth2Session(
        up["client_id"],
        redirect_uri=up["redirect_uri"],
        scope="openid email profile",
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        token_endpoint=at_tls["token_endpoint"],
        revocation_endpoint_auth_method="none",
    )
    session.verify, session.trust_env = up["ca"], False
    url, state = session.create_authorization_url(at_tls["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    back = sign_in(up, url)
    token = session.fetch_token(at_tls["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
    keys = KeySet.import_key_set(requests.get(documents["jwks_uri"], timeout=10).json())
    claims = jwt.decode(token["id_token"], keys).claims
    expect_equal((claims["iss"], claims["aud"], claims["nonce"]), (documents["issuer"], up["client_id"], nonce), "the ID token")
    told = session.get(at_tls["userinfo_endpoint"]).json()
    expect_equal((told["sub"], told["email"]), (claims["sub"], up["demo_user"]), "UserInfo")
    again = session.refresh_token(at_tls["token_endpoint"], refresh_token=token["refresh_token"])
    expect(again["access_token"] != token["access_token"], "a refresh gives the same token")
    revoked = session.post(
        at_tls["revocation_endpoint"], data={"token": token["refresh_token"], "client_id": up["client_id"]}, withhold_token=True
    )
    expect_equal(revoked.status_code, 200, "revocation")
    expect_equal(session.get(at_tls["userinfo_endpoint"]).status_code, 401, "UserInfo after it")
    return f"code flow by Authlib at {up['domain_tls']}"


def sign_in(up, url):
    """By the form, as a browser without scripts: the URL that the app gets."""
    browser = requests.Session()
    browser.verify, browser.trust_env = up["ca"], False
    page = browser.get(url, timeout=10)
    expect_equal(page.status_code, 200, "the sign-in page")
    action = html.unescape(re.search(r'action="([^"]*)"', page.text).group(1))
    token = re.search(r'name="_csrf" value="([^"]*)"', page.text).group(1)
    form = {"_csrf": token, "username": up["demo_user"], "password": up["demo_password"]}
    answer = browser.post(up["domain_tls"] + action, data=form, allow_redirects=False, timeout=10)
    expect_equal(answer.status_code, 303, "the answer to the right password")
    return answer.headers["location"]


if __name__ == "__main__":
    run(check)
