"""AdminInitiateAuth and AdminRespondToAuthChallenge by boto3, SRP by pycognito, with names and passwords drawn at random.

Usage: adminauth.py UP_JSON [PEOPLE [SEED]]. What must hold: Cognito's documentation of both operations, COGNITO.md 3.3.
"""

import json
import random
import secrets
import unicodedata

from pycognito.aws_srp import AWSSRP

from system import expect, expect_equal, expect_error, new_email, new_password, run, secret_hash

ALL_FLOWS = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
HARMLESS = {
    "ContextData": {
        "IpAddress": "192.0.2.1",
        "ServerName": "app.example.com",
        "ServerPath": "/",
        "HttpHeaders": [{"headerName": "User-Agent", "headerValue": "t\u00ebst"}],
    },
    "ClientMetadata": {"any": "thing"},
    "AnalyticsMetadata": {"AnalyticsEndpointId": "none"},
}
WRONG = "Incorrect username or password."
# Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai, kana, CJK, Hangul, combining marks, emoji.
BLOCKS = [
    (0x21, 0x7E), (0xC0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A),
    (0x904, 0x939), (0xE01, 0xE30), (0x3041, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF),
]  # fmt: skip


def check(system, arguments):
    people = int(arguments[0]) if arguments else 40
    seed = int(arguments[1]) if len(arguments) > 1 else secrets.randbits(32)
    print(f"adminauth.py: seed {seed}")
    dice = random.Random(seed)
    pool = Pool(system, dice)
    for turn in range(people):
        pool.one(confidential=turn % 3 == 0)
    pool.wrong_clients()
    pool.flows()
    pool.secret_hashes()
    pool.rotating()
    pool.who_cannot_sign_in()
    return f"seed {seed}, {people} people"


def text(dice, least, most):
    """Text within Cognito's patterns: no white space, nothing unassigned."""
    length, letters = dice.randint(least, most), ""
    while len(letters) < length:
        letter = chr(dice.randint(*dice.choice(BLOCKS)))
        letters += letter if unicodedata.category(letter)[0] in "LMNSP" else ""
    return letters


class Pool:
    def __init__(self, system, dice):
        self.system, self.admin, self.public, self.dice = system, system.admin, system.public, dice
        schema = [
            {"Name": name, "AttributeDataType": "String", "Mutable": True, "Required": True}
            for name in ("email", "given_name")
        ]
        self.pool_id = self.admin.create_user_pool(
            PoolName="adminauth",
            Schema=schema,
            AutoVerifiedAttributes=["email"],
            UsernameConfiguration={"CaseSensitive": True},
        )["UserPool"]["Id"]
        self.iss = f"{system.iss.rsplit('/', 1)[0]}/{self.pool_id}"
        self.open = self.client()
        self.confidential = self.client(GenerateSecret=True)
        self.legacy = self.client(PreventUserExistenceErrors="LEGACY")

    def client(self, **settings):
        settings = {"ExplicitAuthFlows": ALL_FLOWS, "PreventUserExistenceErrors": "ENABLED", **settings}
        made = self.admin.create_user_pool_client(UserPoolId=self.pool_id, ClientName="adminauth", **settings)
        return made["UserPoolClient"]

    # Requests

    def hashed(self, client, parameters, username):
        if "ClientSecret" not in client:
            return parameters
        return {**parameters, "SECRET_HASH": secret_hash(client["ClientId"], client["ClientSecret"], username)}

    def request(self, client, flow, parameters):
        return {
            "UserPoolId": self.pool_id,
            "ClientId": client["ClientId"],
            "AuthFlow": flow,
            "AuthParameters": parameters,
            **HARMLESS,
        }

    def by_password(self, client, username, password, flow="ADMIN_USER_PASSWORD_AUTH"):
        parameters = self.hashed(client, {"USERNAME": username, "PASSWORD": password}, username)
        return self.admin.admin_initiate_auth(**self.request(client, flow, parameters))

    def refused(self, name, wanted, client, flow, parameters, what):
        call = self.admin.admin_initiate_auth
        found = expect_error(name, call, what, **self.request(client, flow, parameters))
        expect_equal(found, wanted, f"{what}: text")

    def password_refused(self, name, wanted, client, username, password, what):
        parameters = self.hashed(client, {"USERNAME": username, "PASSWORD": password}, username)
        self.refused(name, wanted, client, "ADMIN_USER_PASSWORD_AUTH", parameters, what)

    def respond(self, client, challenge, answers, **more):
        request = {"ClientId": client["ClientId"], "ChallengeName": challenge, "ChallengeResponses": answers}
        return {"UserPoolId": self.pool_id, **request, **HARMLESS, **more}

    def by_srp(self, client, username, password, session=True):
        """(challenge, the request that answers it), both by pycognito's own arithmetic."""
        srp = AWSSRP(
            username, password, self.pool_id, client["ClientId"], client=self.admin, client_secret=client.get("ClientSecret")
        )
        parameters = srp.get_auth_params()
        challenge = self.admin.admin_initiate_auth(**self.request(client, "USER_SRP_AUTH", parameters))
        expect_equal(challenge.get("ChallengeName"), "PASSWORD_VERIFIER", "SRP asks")
        answers = srp.process_challenge(challenge["ChallengeParameters"], parameters)
        more = {"Session": challenge["Session"]} if session else {}
        return challenge, self.respond(client, "PASSWORD_VERIFIER", answers, **more)

    def verify(self, client, tokens, username):
        for use, name in (("access", "username"), ("id", "cognito:username")):
            token = tokens[{"access": "AccessToken", "id": "IdToken"}[use]]
            claims = self.system.verify(token, use, self.pool_id, client["ClientId"], self.iss)
            expect_equal(claims[name], username, f"{name} in the {use} token")

    # People

    def name(self):
        return text(self.dice, 1, 30).replace("@", "a").replace("+", "p") + secrets.token_hex(4)

    def password(self):
        return "Aa1!" + text(self.dice, 4, 60)

    def person(self, password):
        username = self.name()
        attributes = {"email": new_email(), "email_verified": "true", "given_name": text(self.dice, 1, 40)}
        attributes = [{"Name": name, "Value": value} for name, value in attributes.items()]
        person = {"UserPoolId": self.pool_id, "Username": username}
        self.admin.admin_create_user(**person, UserAttributes=attributes, MessageAction="SUPPRESS")
        self.admin.admin_set_user_password(**person, Password=password, Permanent=True)
        return username

    def one(self, confidential):
        """A person's way from a temporary password to tokens by each flow."""
        client = self.confidential if confidential else self.open
        username, temporary, password = self.name(), self.password(), self.password()
        self.admin.admin_create_user(
            UserPoolId=self.pool_id, Username=username, TemporaryPassword=temporary, MessageAction="SUPPRESS"
        )
        by_srp = self.dice.random() < 0.5
        if by_srp:
            asked = self.admin.admin_respond_to_auth_challenge(**self.by_srp(client, username, temporary)[1])
        else:
            asked = self.by_password(client, username, temporary)
        self.own_password(client, asked, username, password)
        flow = self.dice.choice(["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"])
        tokens = self.by_password(client, username, password, flow)["AuthenticationResult"]
        self.verify(client, tokens, username)
        self.refreshed(client, tokens, username)
        for session in (True, False):
            _, answer = self.by_srp(client, username, password, session)
            tokens = self.admin.admin_respond_to_auth_challenge(**answer)["AuthenticationResult"]
            self.verify(client, tokens, username)
            again = self.admin.admin_respond_to_auth_challenge
            expect_error("NotAuthorizedException", again, "an SRP answer used twice", **answer)
        self.password_refused("NotAuthorizedException", WRONG, client, username, temporary, "the temporary password")
        _, answer = self.by_srp(client, username, password + "x")
        call = self.admin.admin_respond_to_auth_challenge
        expect_equal(expect_error("NotAuthorizedException", call, "SRP with a wrong password", **answer), WRONG, "its text")

    def own_password(self, client, asked, username, password):
        expect_equal(asked.get("ChallengeName"), "NEW_PASSWORD_REQUIRED", "sign-in by a temporary password")
        required = json.loads(asked["ChallengeParameters"]["requiredAttributes"])
        expect_equal(sorted(required), ["userAttributes.email", "userAttributes.given_name"], "requiredAttributes")
        given, call = text(self.dice, 1, 40), self.admin.admin_respond_to_auth_challenge
        answers = self.hashed(client, {"USERNAME": username, "NEW_PASSWORD": password}, username)

        def request(**more):
            return self.respond(client, "NEW_PASSWORD_REQUIRED", {**answers, **more}, Session=asked["Session"])

        expect_error("InvalidParameterException", call, "required attributes left out", **request())
        attributes = {"userAttributes.email": new_email(), "userAttributes.given_name": given}
        weak = {**attributes, "NEW_PASSWORD": "weak"}
        expect_error("InvalidPasswordException", call, "a weak password", **request(**weak))
        tokens = call(**request(**attributes))["AuthenticationResult"]
        self.verify(client, tokens, username)
        shown = self.public.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
        shown = {attribute["Name"]: attribute["Value"] for attribute in shown}
        expect_equal(shown["given_name"], given, "the attribute as given")
        expect_error("NotAuthorizedException", call, "a Session used twice", **request(**attributes))

    def refreshed(self, client, tokens, username):
        for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            parameters = self.hashed(client, {"REFRESH_TOKEN": tokens["RefreshToken"]}, username)
            again = self.admin.admin_initiate_auth(**self.request(client, flow, parameters))["AuthenticationResult"]
            expect("RefreshToken" not in again, f"{flow}: no other refresh token")
            self.verify(client, again, username)

    # Refusals

    def wrong_clients(self):
        password = self.password()
        username = self.person(password)
        parameters = {"USERNAME": username, "PASSWORD": password}
        strangers = {
            "a client of another pool": {"ClientId": self.system.client_id},
            "a client that is not there": {"ClientId": "0" * 26},
        }
        for what, client in strangers.items():
            absent = f"User pool client {client['ClientId']} does not exist."
            self.refused("ResourceNotFoundException", absent, client, "ADMIN_USER_PASSWORD_AUTH", parameters, what)
            answer = {**self.by_srp(self.open, username, password)[1], "ClientId": client["ClientId"]}
            call = self.admin.admin_respond_to_auth_challenge
            expect_equal(expect_error("ResourceNotFoundException", call, what, **answer), absent, f"{what}: text")
        _, answer = self.by_srp(self.open, username, password)
        other = {**answer, "ClientId": self.legacy["ClientId"]}
        call = self.admin.admin_respond_to_auth_challenge
        expect_error("NotAuthorizedException", call, "another client's Session", **other)
        call(**answer)
        request = self.request(self.open, "ADMIN_USER_PASSWORD_AUTH", parameters)
        for name in ("admin_initiate_auth", "admin_respond_to_auth_challenge"):
            asked = {**(request if "initiate" in name else answer), "UserPoolId": f"{self.system.region}_Nothing00"}
            expect_error("ResourceNotFoundException", getattr(self.admin, name), "a pool that is not there", **asked)
        tokens = self.by_password(self.open, username, password)["AuthenticationResult"]
        refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
        wanted = "Invalid Refresh Token."
        self.refused("NotAuthorizedException", wanted, self.legacy, "REFRESH_TOKEN_AUTH", refresh, "another client's token")

    def flows(self):
        password = self.password()
        username = self.person(password)
        both = {"USERNAME": username, "PASSWORD": password}
        wanted = "Initiate Auth method not supported."
        everything = self.client(ExplicitAuthFlows=[*ALL_FLOWS, "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"])
        invalid = "InvalidParameterException"
        self.refused(invalid, wanted, everything, "USER_PASSWORD_AUTH", both, "the users' password flow")
        for flow in ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
            call, request = self.public.initiate_auth, {"ClientId": everything["ClientId"], "AuthFlow": flow}
            found = expect_error(invalid, call, f"{flow} by a user", **request, AuthParameters=both)
            expect_equal(found, wanted, f"{flow} by a user: text")
        for flow in ("CUSTOM_AUTH", "USER_AUTH"):
            self.refused(invalid, f"{flow} is not enabled for the client.", everything, flow, both, flow)
        users = self.client(ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
        wanted = "Auth flow not enabled for this client"
        for client in (users, self.client(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])):
            for flow in ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
                self.refused(invalid, wanted, client, flow, both, f"{flow}, not enabled")
        wanted = "USER_SRP_AUTH is not enabled for the client."
        self.refused(invalid, wanted, users, "USER_SRP_AUTH", {"USERNAME": username, "SRP_A": "abc"}, "SRP, not enabled")
        old = self.client(ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"])
        self.verify(old, self.by_password(old, username, password)["AuthenticationResult"], username)
        for flow, parameters, missing in (
            ("ADMIN_USER_PASSWORD_AUTH", {"USERNAME": username}, "PASSWORD"),
            ("ADMIN_USER_PASSWORD_AUTH", {"PASSWORD": password}, "USERNAME"),
            ("USER_SRP_AUTH", {"USERNAME": username}, "SRP_A"),
            ("REFRESH_TOKEN_AUTH", {}, "REFRESH_TOKEN"),
        ):
            wanted = f"Missing required parameter {missing}"
            self.refused(invalid, wanted, self.open, flow, parameters, f"{flow} without {missing}")

    def secret_hashes(self):
        password = self.password()
        username, client = self.person(password), self.confidential
        tokens = self.by_password(client, username, password)["AuthenticationResult"]
        missing = f"Client {client['ClientId']} is configured with secret but SECRET_HASH was not received"
        wrong = f"Unable to verify secret hash for client {client['ClientId']}"
        others = secret_hash(client["ClientId"], client["ClientSecret"], username + "x")
        for flow, parameters in (
            ("ADMIN_USER_PASSWORD_AUTH", {"USERNAME": username, "PASSWORD": password}),
            ("USER_SRP_AUTH", {"USERNAME": username, "SRP_A": "abcdef"}),
            ("REFRESH_TOKEN_AUTH", {"REFRESH_TOKEN": tokens["RefreshToken"]}),
        ):
            self.refused("NotAuthorizedException", missing, client, flow, parameters, f"{flow} without a hash")
            parameters = {**parameters, "SECRET_HASH": others}
            self.refused("NotAuthorizedException", wrong, client, flow, parameters, f"{flow} with another's hash")
        _, answer = self.by_srp(client, username, password)
        call = self.admin.admin_respond_to_auth_challenge
        bare = {name: value for name, value in answer["ChallengeResponses"].items() if name != "SECRET_HASH"}
        for responses, wanted in ((bare, missing), ({**bare, "SECRET_HASH": others}, wrong)):
            found = expect_error("NotAuthorizedException", call, "an answer", **{**answer, "ChallengeResponses": responses})
            expect_equal(found, wanted, "an answer without its hash: text")
        call(**answer)

    def rotating(self):
        password = self.password()
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
        client = self.client(ExplicitAuthFlows=flows, RefreshTokenRotation={"Feature": "ENABLED"})
        tokens = self.by_password(client, self.person(password), password)["AuthenticationResult"]
        wanted = "REFRESH_TOKEN_AUTH flow not enabled for this client"
        refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
        for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            self.refused("InvalidParameterException", wanted, client, flow, refresh, f"{flow} of a rotating client")
        renew = self.public.get_tokens_from_refresh_token
        renew(ClientId=client["ClientId"], RefreshToken=tokens["RefreshToken"])

    def who_cannot_sign_in(self):
        password = self.password()
        disabled, reset = self.person(password), self.person(password)
        self.admin.admin_disable_user(UserPoolId=self.pool_id, Username=disabled)
        self.admin.admin_reset_user_password(UserPoolId=self.pool_id, Username=reset)
        unconfirmed = self.name()
        attributes = [{"Name": "email", "Value": new_email()}, {"Name": "given_name", "Value": "A"}]
        request = {"ClientId": self.open["ClientId"], "Username": unconfirmed, "Password": password}
        what = "a sign-up without what is required"
        expect_error("InvalidParameterException", self.public.sign_up, what, **request, UserAttributes=attributes[:1])
        self.public.sign_up(**request, UserAttributes=attributes)
        for client in (self.open, self.legacy):
            for username, name, wanted in (
                (disabled, "NotAuthorizedException", "User is disabled."),
                (reset, "PasswordResetRequiredException", "Password reset required for the user"),
                (unconfirmed, "UserNotConfirmedException", "User is not confirmed."),
            ):
                self.password_refused(name, wanted, client, username, password, name)
                _, answer = self.by_srp(client, username, password)
                call = self.admin.admin_respond_to_auth_challenge
                expect_equal(expect_error(name, call, f"SRP: {name}", **answer), wanted, f"SRP: {name}: text")
                self.password_refused("NotAuthorizedException", WRONG, client, username, new_password(), "a wrong password")
        nobody, absent = self.name(), "User does not exist."
        self.password_refused("NotAuthorizedException", WRONG, self.open, nobody, password, "nobody")
        self.password_refused("UserNotFoundException", absent, self.legacy, nobody, password, "nobody, told")
        challenge, answer = self.by_srp(self.open, nobody, password)
        again, _ = self.by_srp(self.open, nobody, password)
        for name in ("SALT", "USER_ID_FOR_SRP", "USERNAME"):
            found = again["ChallengeParameters"][name]
            expect_equal(found, challenge["ChallengeParameters"][name], f"nobody's {name} is always the same")
        call = self.admin.admin_respond_to_auth_challenge
        expect_equal(expect_error("NotAuthorizedException", call, "nobody's SRP", **answer), WRONG, "nobody's SRP: text")
        srp = {"USERNAME": nobody, "SRP_A": "abcdef"}
        self.refused("UserNotFoundException", absent, self.legacy, "USER_SRP_AUTH", srp, "nobody's SRP, told")


run(check)
