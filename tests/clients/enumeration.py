"""What the unsigned operations tell about who exists: the same bytes but ids. Usage: enumeration.py UP_JSON"""

import base64
import http.client
import json
import re
import secrets
import uuid
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from system import expect, expect_equal, expect_error, new_email, new_password, run

VARYING_HEADERS = {"date", "x-amzn-requestid", "content-length"}
# Fresh in each answer, or an id of one user; what remains is compared byte by byte.
FRESH = ["Session", "SRP_B", "SALT", "SECRET_BLOCK"]
TRIES = {
    "InitiateAuth USER_PASSWORD_AUTH": 4,
    "InitiateAuth USER_SRP_AUTH": 3,
    "RespondToAuthChallenge PASSWORD_VERIFIER": 4,
    "ConfirmSignUp": 17,
    "ResendConfirmationCode": 7,
    "ForgotPassword": 7,
    "ConfirmForgotPassword": 12,
}
LIMITED = {"ConfirmSignUp", "ResendConfirmationCode", "ForgotPassword", "ConfirmForgotPassword"}


def check(system, _):
    compared = 0
    for named in ["by address", "by name", "by alias"]:
        place = Place(system, named)
        for operation, tries in TRIES.items():
            compared += same_bytes(place, operation, tries)
    legacy(system)
    sign_up_tells(system)
    return f"{compared} answers compared"


class Place:
    """A pool whose users are named in one way, and a client that hides who exists."""

    def __init__(self, system, named, existence="ENABLED"):
        self.system, self.named = system, named
        settings = {"PoolName": "enumeration", "AutoVerifiedAttributes": ["email"]}
        if named == "by address":
            settings["UsernameAttributes"] = ["email"]
        if named == "by alias":
            settings["AliasAttributes"] = ["email"]
        self.pool = system.admin.create_user_pool(**settings)["UserPool"]["Id"]
        client = system.admin.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="enumeration",
            PreventUserExistenceErrors=existence,
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        self.client = client["UserPoolClient"]["ClientId"]
        address = urlsplit(system.issuer)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)

    def names(self):
        """A user name, its address, and the name that it is tried by."""
        email = new_email()
        if self.named == "by address":
            return email, email, email
        if self.named == "by alias":
            # SRP tells the user name to who has the alias, as in Cognito; of nobody's alias it tells a UUID.
            return str(uuid.uuid4()), email, email
        name = f"n{secrets.token_hex(8)}"
        return name, email, name

    def invited(self):
        name, email, tried = self.names()
        pairs = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        self.system.admin.admin_create_user(
            UserPoolId=self.pool, Username=name, MessageAction="SUPPRESS", UserAttributes=pairs
        )
        return tried

    def confirmed(self):
        tried = self.invited()
        permanent = dict(UserPoolId=self.pool, Username=tried, Password=new_password(), Permanent=True)
        self.system.admin.admin_set_user_password(**permanent)
        return tried

    def asked_for_a_code(self):
        tried = self.confirmed()
        self.system.public.forgot_password(ClientId=self.client, Username=tried)
        return tried

    def disabled(self):
        tried = self.confirmed()
        self.system.admin.admin_disable_user(UserPoolId=self.pool, Username=tried)
        return tried

    def must_reset(self):
        tried = self.confirmed()
        self.system.admin.admin_reset_user_password(UserPoolId=self.pool, Username=tried)
        return tried

    def unconfirmed(self):
        name, email, tried = self.names()
        self.system.public.sign_up(
            ClientId=self.client,
            Username=name,
            Password=new_password(),
            UserAttributes=[{"Name": "email", "Value": email}],
        )
        # The alias of an unconfirmed user names nobody yet; that is a case too.
        return tried

    def nobody(self):
        return self.names()[2]

    PEOPLE = [confirmed, unconfirmed, asked_for_a_code, disabled, invited, must_reset]

    def ask(self, operation, body):
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        }
        self.connection.request("POST", "/", json.dumps(body), headers)
        response = self.connection.getresponse()
        return response.status, response.getheaders(), response.read()


def same_bytes(place, operation, tries):
    """Try by try, to the limit: nobody, then users of every state."""
    name = place.nobody()
    nobody = [masked(attempt(place, operation, name), name) for _ in range(tries)]
    if operation in LIMITED:
        expect(b"LimitExceeded" in nobody[-1][2], f"{operation} has no limit for a name that is nobody's")
    compared = 0
    for person in Place.PEOPLE:
        name = person(place)
        start = 1 if person is Place.asked_for_a_code and operation == "ForgotPassword" else 0
        for turn in range(start, tries):
            found = masked(attempt(place, operation, name), name)
            what = f"{operation}, users {place.named}, try {turn + 1}: {person.__name__} against nobody"
            expect_equal(without_mask(found, place), without_mask(nobody[turn], place), what)
            compared += 1
    return compared


def attempt(place, operation, name):
    client = place.client
    wrong = new_password()
    if operation == "InitiateAuth USER_PASSWORD_AUTH":
        parameters = {"USERNAME": name, "PASSWORD": wrong}
        body = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        return place.ask("InitiateAuth", body)
    if operation == "InitiateAuth USER_SRP_AUTH":
        return srp(place, name)
    if operation == "RespondToAuthChallenge PASSWORD_VERIFIER":
        return place.ask("RespondToAuthChallenge", srp_answer(place, srp(place, name)))
    more = {
        "ConfirmSignUp": {"ConfirmationCode": "000000"},
        "ConfirmForgotPassword": {"ConfirmationCode": "000000", "Password": wrong},
    }
    return place.ask(operation, {"ClientId": client, "Username": name, **more.get(operation, {})})


def srp(place, name):
    parameters = {"USERNAME": name, "SRP_A": "7" + secrets.token_hex(383) + "1"}
    body = {"ClientId": place.client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters}
    return place.ask("InitiateAuth", body)


def srp_answer(place, asked):
    status, headers, body = asked
    expect_equal(status, 200, f"USER_SRP_AUTH begins for everybody: {body!r}")
    challenge = json.loads(body)
    given = challenge["ChallengeParameters"]
    at = parsedate_to_datetime(next(value for name, value in headers if name.lower() == "date"))
    responses = {
        "USERNAME": given["USER_ID_FOR_SRP"],
        "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(secrets.token_bytes(32)).decode(),
        "TIMESTAMP": f"{at:%a %b} {at.day} {at:%H:%M:%S} UTC {at:%Y}",
    }
    return {
        "ClientId": place.client,
        "ChallengeName": "PASSWORD_VERIFIER",
        "Session": challenge["Session"],
        "ChallengeResponses": responses,
    }


def masked(answer, name):
    """Status, headers that don't vary by themselves, and the bytes with ids and the name itself taken out."""
    status, headers, body = answer
    kept = sorted((key.lower(), value) for key, value in headers)
    kept = [(key, value) for key, value in kept if key not in VARYING_HEADERS and "ratelimit" not in key]
    for member in FRESH:
        body = re.sub(rb'("%s":)"([^"]+)"' % member.encode(), form, body)
    body = re.sub(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"UUID", body)
    return status, kept, body.replace(name.encode(), b"NAME")


def form(match):
    value = match[2]
    if re.fullmatch(rb"[0-9a-f]{1,768}", value):
        return match[1] + b'"hex"'  # leading zeros are not written
    return match[1] + b'"%d bytes"' % len(value)


def without_mask(answer, place):
    """Users named freely have an address that nobody's name can tell: only the form of its mask is the same."""
    status, headers, body = answer
    if place.named == "by name":
        body = re.sub(rb'"Destination":"[a-z0-9]\*\*\*@[a-z0-9]\*\*\*"', b'"Destination":"MASKED"', body)
    return status, headers, body


# What is told on purpose


def legacy(system):
    place = Place(system, "by name", "LEGACY")
    name = place.nobody()
    for operation in TRIES:
        if operation.startswith("RespondTo"):
            continue
        status, _, body = attempt(place, operation, name)
        expect_equal((status, json.loads(body)["__type"]), (400, "UserNotFoundException"), f"LEGACY, {operation}")


def sign_up_tells(system):
    place = Place(system, "by address")
    request = dict(ClientId=place.client, Username=place.confirmed(), Password=new_password())
    expect_error("UsernameExistsException", system.public.sign_up, "SignUp of a name that is taken, as in Cognito", **request)


run(check)
