"""Refresh tokens by boto3: clients that rotate them and clients that don't, reuse, grace, revocation, sign-out.

What must hold: COGNITO.md 3.2 and the documentation of GetTokensFromRefreshToken and RefreshTokenRotationType.
"""

import threading
import time

from system import expect, expect_equal, expect_error, new_email, new_password, run, secret_hash

PASSWORD_FLOW = ["ALLOW_USER_PASSWORD_AUTH"]
REVOKED = "Refresh Token has been revoked"


def check(system, _):
    refresh = Refresh(system)
    refresh.settings()
    refresh.each_use_gives_another()
    refresh.reuse_ends_the_family()
    refresh.many_at_once()
    refresh.grace()
    refresh.a_grace_ends()
    refresh.without_rotation()
    refresh.with_a_secret()
    refresh.revocation_by_any_token()
    refresh.sign_out_and_disabling()
    refresh.refusals()


class Refresh:
    def __init__(self, system):
        self.system, self.public, self.admin = system, system.public, system.admin
        self.email, self.password = new_email(), new_password()
        person = {"UserPoolId": system.pool_id, "Username": self.email}
        attributes = [{"Name": "email", "Value": self.email}, {"Name": "email_verified", "Value": "true"}]
        self.admin.admin_create_user(**person, UserAttributes=attributes, MessageAction="SUPPRESS")
        self.admin.admin_set_user_password(**person, Password=self.password, Permanent=True)

    def client(self, grace=None, feature="ENABLED", flows=PASSWORD_FLOW, **more):
        rotation = {"Feature": feature}
        if grace is not None:
            rotation["RetryGracePeriodSeconds"] = grace
        made = self.admin.create_user_pool_client(
            UserPoolId=self.system.pool_id,
            ClientName="refresh",
            ExplicitAuthFlows=flows,
            RefreshTokenRotation=rotation,
            **more,
        )["UserPoolClient"]
        expect_equal(
            made["RefreshTokenRotation"],
            {"Feature": feature, "RetryGracePeriodSeconds": grace or 0},
            "RefreshTokenRotation as shown",
        )
        return made

    def sign_in(self, client):
        parameters = {"USERNAME": self.email, "PASSWORD": self.password}
        if "ClientSecret" in client:
            parameters["SECRET_HASH"] = secret_hash(client["ClientId"], client["ClientSecret"], self.email)
        answer = self.public.initiate_auth(
            ClientId=client["ClientId"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        return answer["AuthenticationResult"]

    def renew(self, client, token, **more):
        return self.public.get_tokens_from_refresh_token(ClientId=client["ClientId"], RefreshToken=token, **more)[
            "AuthenticationResult"
        ]

    def refused(self, name, client, token, what, **more):
        call = self.public.get_tokens_from_refresh_token
        return expect_error(name, call, what, ClientId=client["ClientId"], RefreshToken=token, **more)

    def reused(self, client, token, what):
        return self.refused("RefreshTokenReuseException", client, token, what)

    def revoked(self, client, token, what):
        expect_equal(self.refused("NotAuthorizedException", client, token, what), REVOKED, f"{what}: text")

    def dead(self, tokens, what):
        expect_error("NotAuthorizedException", self.public.get_user, what, AccessToken=tokens["AccessToken"])
        self.system.expect_refusal(tokens["AccessToken"], what)

    def settings(self):
        pool = {"UserPoolId": self.system.pool_id, "ClientName": "refresh"}
        create = self.admin.create_user_pool_client
        for flows in (["ALLOW_REFRESH_TOKEN_AUTH"], PASSWORD_FLOW + ["ALLOW_REFRESH_TOKEN_AUTH"]):
            expect_error(
                "InvalidParameterException",
                create,
                "rotation together with ALLOW_REFRESH_TOKEN_AUTH",
                **pool,
                ExplicitAuthFlows=flows,
                RefreshTokenRotation={"Feature": "ENABLED"},
            )
            self.client(feature="DISABLED", flows=flows, grace=7)
        for grace in (0, 1, 60):
            self.client(grace=grace)
        for rotation in (
            {"Feature": "ENABLED", "RetryGracePeriodSeconds": 61},
            {"Feature": "SOMETIMES"},
        ):
            expect_error(
                "InvalidParameterException", create, f"{rotation}", **pool, RefreshTokenRotation=rotation
            )

    def each_use_gives_another(self):
        client = self.client()
        line = [self.sign_in(client)]
        claims = [self.system.verify(line[0]["AccessToken"], "access", client_id=client["ClientId"])]
        for turn in range(5):
            line.append(self.renew(client, line[-1]["RefreshToken"]))
            what = f"turn {turn}"
            expect_equal(line[-1]["TokenType"], "Bearer", f"{what}: TokenType")
            expect("IdToken" in line[-1] and line[-1]["ExpiresIn"] == 3600, f"{what}: the rest of the answer")
            claims.append(self.system.verify(line[-1]["AccessToken"], "access", client_id=client["ClientId"]))
            self.system.verify(line[-1]["IdToken"], "id", client_id=client["ClientId"])
        expect_equal(len({tokens["RefreshToken"] for tokens in line}), 6, "different refresh tokens")
        expect_equal(len({claim["jti"] for claim in claims}), 6, "different access tokens")
        for name in ("origin_jti", "auth_time", "sub", "scope"):
            expect_equal(len({claim[name] for claim in claims}), 1, f"one {name}")
        for tokens in line:
            self.system.expect_edge(tokens["AccessToken"], 200, "an access token of a rotated family")
        expect_error(
            "InvalidParameterException",
            self.public.initiate_auth,
            "REFRESH_TOKEN_AUTH of a rotating client",
            ClientId=client["ClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": line[-1]["RefreshToken"]},
        )
        self.renew(client, line[-1]["RefreshToken"], ClientMetadata={"anything": "goes"})

    def reuse_ends_the_family(self):
        client = self.client(grace=0)
        for back in range(4):
            line = [self.sign_in(client)]
            for _ in range(4):
                line.append(self.renew(client, line[-1]["RefreshToken"]))
            other = self.sign_in(client)
            self.reused(client, line[back]["RefreshToken"], f"token {back} of 5")
            self.revoked(client, line[4]["RefreshToken"], "the present token of a dead family")
            self.reused(client, line[back]["RefreshToken"], f"token {back} of 5, again")
            for tokens in line:
                self.dead(tokens, "an access token of a dead family")
            self.system.expect_edge(other["AccessToken"], 200, "another sign-in of the same user")
            self.renew(client, other["RefreshToken"])

    def at_once(self, client, token, count=16):
        outcomes, barrier = [], threading.Barrier(count)

        def use():
            barrier.wait()
            try:
                outcomes.append(self.renew(client, token)["RefreshToken"])
            except self.public.exceptions.RefreshTokenReuseException:
                outcomes.append(None)

        threads = [threading.Thread(target=use) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect_equal(len(outcomes), count, "answers")
        return outcomes

    def many_at_once(self):
        strict, lenient = self.client(grace=0), self.client(grace=30)
        outcomes = self.at_once(strict, self.sign_in(strict)["RefreshToken"])
        won = [token for token in outcomes if token]
        expect_equal(len(won), 1, "successes of 16 at once without grace")
        self.revoked(strict, won[0], "the winner's token")
        outcomes = self.at_once(lenient, self.sign_in(lenient)["RefreshToken"])
        expect_equal(len(set(outcomes)), 1, "successors that 16 at once get in the grace")
        self.renew(lenient, outcomes[0])

    def grace(self):
        client = self.client(grace=60)
        first = self.sign_in(client)
        second = self.renew(client, first["RefreshToken"])
        again = self.renew(client, first["RefreshToken"])
        expect_equal(again["RefreshToken"], second["RefreshToken"], "the successor, asked for again")
        expect(again["AccessToken"] != second["AccessToken"], "access tokens are fresh")
        third = self.renew(client, second["RefreshToken"])
        expect(third["RefreshToken"] != second["RefreshToken"], "the successor's successor")
        expect_equal(self.renew(client, second["RefreshToken"])["RefreshToken"], third["RefreshToken"], "its retry")
        self.reused(client, first["RefreshToken"], "two back, in its own grace")
        self.revoked(client, third["RefreshToken"], "the present token then")

    def a_grace_ends(self):
        client = self.client(grace=1)
        first = self.sign_in(client)
        second = self.renew(client, first["RefreshToken"])
        time.sleep(1.1)
        self.reused(client, first["RefreshToken"], "after the grace")
        self.revoked(client, second["RefreshToken"], "the successor then")
        self.dead(second, "the successor's access token")

    def without_rotation(self):
        both = PASSWORD_FLOW + ["ALLOW_REFRESH_TOKEN_AUTH"]
        for client in (self.client(feature="DISABLED", flows=both), {"ClientId": self.system.client_id}):
            tokens = self.sign_in(client)
            for _ in range(3):
                again = self.renew(client, tokens["RefreshToken"])
                expect("RefreshToken" not in again, "no new refresh token without rotation")
                self.system.verify(again["AccessToken"], "access", client_id=client["ClientId"])
            answer = self.public.initiate_auth(
                ClientId=client["ClientId"],
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
            )
            expect("RefreshToken" not in answer["AuthenticationResult"], "REFRESH_TOKEN_AUTH: no new refresh token")

    def with_a_secret(self):
        client = self.client(GenerateSecret=True)
        first = self.sign_in(client)
        token, secret = first["RefreshToken"], client["ClientSecret"]
        for what, more in {
            "no secret": {},
            "a wrong secret": {"ClientSecret": secret[::-1] + "x"},
            "a hash in the secret's place": {"ClientSecret": secret_hash(client["ClientId"], secret, self.email).replace("=", "")},
        }.items():
            self.refused_or_malformed(client, token, what, more)
        second = self.renew(client, token, ClientSecret=secret)
        self.renew(client, second["RefreshToken"], ClientSecret=secret)

    def refused_or_malformed(self, client, token, what, more):
        """A hash may have characters that no client secret has: then the model says so first."""
        call = self.public.get_tokens_from_refresh_token
        request = {"ClientId": client["ClientId"], "RefreshToken": token, **more}
        malformed = any(c in more.get("ClientSecret", "") for c in "/=")
        expect_error("InvalidParameterException" if malformed else "NotAuthorizedException", call, what, **request)

    def revocation_by_any_token(self):
        client = self.client(grace=60)
        for chosen in range(3):
            line = [self.sign_in(client)]
            for _ in range(2):
                line.append(self.renew(client, line[-1]["RefreshToken"]))
            for _ in range(2):
                self.public.revoke_token(ClientId=client["ClientId"], Token=line[chosen]["RefreshToken"])
            self.revoked(client, line[2]["RefreshToken"], f"after RevokeToken of token {chosen}")
            self.dead(line[2], f"access token, after RevokeToken of token {chosen}")
        self.public.revoke_token(ClientId=client["ClientId"], Token="unknown")

    def sign_out_and_disabling(self):
        client = self.client(grace=60)
        person = {"UserPoolId": self.system.pool_id, "Username": self.email}
        for sign_out in (
            lambda tokens: self.public.global_sign_out(AccessToken=tokens["AccessToken"]),
            lambda _: self.admin.admin_user_global_sign_out(**person),
        ):
            first = self.sign_in(client)
            second = self.renew(client, first["RefreshToken"])
            sign_out(second)
            for tokens in (first, second):
                self.revoked(client, tokens["RefreshToken"], "after a sign-out everywhere")
            self.dead(second, "access token after a sign-out everywhere")
        tokens = self.sign_in(client)
        self.admin.admin_disable_user(**person)
        message = self.refused("NotAuthorizedException", client, tokens["RefreshToken"], "a disabled user")
        expect_equal(message, "User is disabled.", "a disabled user: text")

    def refusals(self):
        mine, other = self.client(), self.client()
        person = {"UserPoolId": self.system.pool_id, "Username": new_email()}
        self.admin.admin_create_user(**person, MessageAction="SUPPRESS")
        self.admin.admin_set_user_password(**person, Password=self.password, Permanent=True)
        self.email = person["Username"]
        tokens = self.sign_in(mine)
        for what, token in {
            "nonsense": "nonsense",
            "an access token": tokens["AccessToken"],
            "an ID token": tokens["IdToken"],
            "a cut token": tokens["RefreshToken"][:-1],
            "a changed token": tokens["RefreshToken"][:-2] + "AA",
        }.items():
            self.refused("NotAuthorizedException", mine, token, what)
        self.refused("NotAuthorizedException", other, tokens["RefreshToken"], "another client's token")
        self.refused("ResourceNotFoundException", {"ClientId": "0" * 26}, tokens["RefreshToken"], "an unknown client")
        following = self.renew(mine, tokens["RefreshToken"])
        for token in (following["RefreshToken"][:-2] + "AA", following["RefreshToken"][:-1]):
            self.refused("NotAuthorizedException", mine, token, "a damaged successor")
        self.renew(mine, following["RefreshToken"])  # none of that was a use of it


if __name__ == "__main__":
    run(check)
