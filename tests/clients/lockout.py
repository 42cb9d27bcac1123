"""Wrong passwords lock a user for a time, and who is nobody just the same. Usage: lockout.py UP_JSON"""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from system import expect, expect_equal, expect_error, new_email, new_password, run

WRONG = "Incorrect username or password."
LOCKED = "Password attempts exceeded"
FREE = 5
VARYING_HEADERS = {"date", "x-amzn-requestid"}


def check(system, _):
    first_two_rungs(system)
    case_does_not_help(system)
    same_bytes(system)
    right_passwords_in_parallel(system)
    wrong_passwords_in_parallel(system)


def first_two_rungs(system):
    email, password, _ = system.sign_up()
    fail(system, email, FREE)
    for rung, seconds in enumerate((1, 2), start=1):
        started = time.monotonic()
        refused = refusal(system, email, password, f"the right password within lock {rung}")
        # A machine that stood still for the length of the lock tells nothing.
        if time.monotonic() - started < seconds / 2:
            expect_equal(refused, LOCKED, f"the right password within lock {rung}")
        time.sleep(seconds + 0.2)
        if rung == 1:
            fail(system, email, 1)
    system.sign_in(email, password)
    fail(system, email, FREE - 1)
    system.sign_in(email, password)


def case_does_not_help(system):
    email, password, _ = system.sign_up()
    for spelling in (email, email.upper(), email.title(), email, email.upper()):
        expect_equal(refusal(system, spelling, new_password(), spelling), WRONG, f"a wrong password for {spelling}")
    expect_equal(refusal(system, email.title(), password, "a locked user"), LOCKED, "a locked user, spelled otherwise")


def same_bytes(system):
    """Five failures and the lock, of a user and of nobody: the same answers, byte for byte."""
    email, _, _ = system.sign_up()
    known = [raw_sign_in(system, email) for _ in range(FREE + 2)]
    unknown = [raw_sign_in(system, name) for name in [new_email()] * (FREE + 2)]
    expect_equal(unknown, known, "the answers to who is nobody")
    expect(LOCKED.encode() in known[-1][2], f"the last of them is no lock: {known[-1]}")


def right_passwords_in_parallel(system):
    email, password, _ = system.sign_up()
    with ThreadPoolExecutor(32) as pool:
        tokens = list(pool.map(lambda _: system.sign_in(email, password), range(32)))
    expect(all(each["AccessToken"] for each in tokens), "a sign-in without a token")


def wrong_passwords_in_parallel(system):
    email, _, _ = system.sign_up()
    started = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        said = list(pool.map(lambda _: refusal(system, email, new_password(), "a wrong password"), range(100)))
    took = time.monotonic() - started
    # As many as guesses one after the other would have got in that time: another one after 1, 3, 7, 15 s and so on.
    allowed, at = FREE, 1
    while at <= took:
        allowed, at = allowed + 1, at * 2 + 1
    tried = said.count(WRONG)
    expect(FREE <= tried <= allowed, f"100 wrong passwords in {took:.1f} s: {tried} were tried, {allowed} may be")
    expect_equal(tried + said.count(LOCKED), 100, "refusals of 100 wrong passwords")


def fail(system, email, times):
    for n in range(times):
        expect_equal(refusal(system, email, new_password(), f"wrong password {n}"), WRONG, f"wrong password {n}")


def refusal(system, username, password, what):
    return expect_error("NotAuthorizedException", system.sign_in, what, username=username, password=password)


def raw_sign_in(system, username):
    """Status, headers that tell something, body."""
    parts = urlsplit(system.issuer)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    parameters = {"USERNAME": username, "PASSWORD": "Wrong-password-1"}
    body = {"ClientId": system.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    }
    connection.request("POST", "/", json.dumps(body), headers)
    answer = connection.getresponse()
    kept = sorted((name.lower(), value) for name, value in answer.getheaders() if name.lower() not in VARYING_HEADERS)
    told = (answer.status, kept, answer.read())
    connection.close()
    return told


run(check)
