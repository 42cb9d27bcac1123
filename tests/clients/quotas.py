"""Request quotas: headers that count down, the refusal, whom it touches and whom not, and boto3's own waiting.

The system's quotas are `user_list` 2, `user_read` 3 and `user_authentication` 2 requests a second (the seed of tests/it/clients.rs).
Nothing here asks how long something took: a burst far above the rate must be refused somewhere, whatever the machine's speed.

Sources: Cognito developer guide, "Amazon Cognito user pools API operation categories and request rate quotas"; IETF
draft-ietf-httpapi-ratelimit-headers-10.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from system import expect, expect_equal, new_email, new_password, run

BURST = 60


def check(system, _):
    quotas = Quotas(system)
    quotas.headers_count_down()
    quotas.others_are_untouched()
    quotas.signed_strangers_take_nothing()
    quotas.bad_tokens_take_nothing()
    quotas.sign_ins()
    quotas.unknown_clients_share()
    quotas.pages_may_read_it()
    quotas.boto3_waits_by_itself()


class Quotas:
    def __init__(self, system):
        self.system, self.public, self.admin = system, system.public, system.admin
        self.pool, self.client = system.pool_id, system.client_id
        self.other = self.admin.create_user_pool(PoolName="other")["UserPool"]["Id"]
        self.email, self.password, _ = system.sign_up()

    def headers_count_down(self):
        """Until a request is refused; each answer says the limit, and what is left never exceeds it."""
        answers = burst(self.admin.list_users, UserPoolId=self.pool)
        passed = [answer for answer in answers if answer.code is None]
        refused = [answer for answer in answers if answer.code is not None]
        expect(passed and refused, f"{len(passed)} of {BURST} requests passed at 2 a second")
        for answer in answers:
            expect_equal(answer.headers.get("ratelimit-policy"), '"UserList";q=2;w=1', "RateLimit-Policy")
            expect(answer.remaining() <= 1 and answer.reset() <= 1, f"RateLimit: {answer.headers['ratelimit']}")
        expect_equal({answer.remaining() for answer in passed}, {0, 1}, "what is left after requests that passed")
        for answer in refused:
            told = (answer.code, answer.message, answer.status, answer.headers.get("retry-after"), answer.remaining())
            expect_equal(told, ("TooManyRequestsException", "Rate exceeded", 400, "1", 0), "the refusal")

    def others_are_untouched(self):
        """While one bucket is empty: another pool's of the category, and the pool's of another category, are full."""
        refused = False
        while not refused:
            burst(self.admin.list_users, UserPoolId=self.pool)
            sharing = ask(self.admin.list_users_in_group, UserPoolId=self.pool, GroupName="none")
            # Half a second after the burst the bucket has a request again.
            refused = sharing.code == "TooManyRequestsException"
            expect(refused or sharing.remaining() < 2, "ListUsersInGroup does not share the bucket of ListUsers")
        other_pool = ask(self.admin.list_users, UserPoolId=self.other)
        expect_equal((other_pool.code, other_pool.remaining()), (None, 1), "another pool")
        other_category = ask(self.admin.describe_user_pool, UserPoolId=self.pool)
        expect_equal((other_category.code, other_category.remaining()), (None, 14), "another category")
        expect_equal(other_category.headers["ratelimit-policy"], '"UserPoolRead";q=15;w=1', "Cognito's own rate")

    def signed_strangers_take_nothing(self):
        """A wrong signature is refused as such however often it comes, and takes nothing from the pool."""
        stranger = client(self.system, aws_secret_access_key="wrong" * 8)
        answers = burst(stranger.describe_user_pool, UserPoolId=self.other)
        expect_equal({answer.code for answer in answers}, {"InvalidSignatureException"}, "wrong signatures")
        mine = ask(self.admin.describe_user_pool, UserPoolId=self.other)
        expect_equal((mine.code, mine.remaining()), (None, 14), "the bucket after wrong signatures")

    def bad_tokens_take_nothing(self):
        tokens = self.tokens()
        forged = tokens["AccessToken"][:-8] + "AAAAAAAA"
        answers = burst(self.public.get_user, AccessToken=forged)
        expect_equal({answer.code for answer in answers}, {"NotAuthorizedException"}, "forged tokens")
        expect_equal(ask(self.public.get_user, AccessToken=tokens["AccessToken"]).remaining(), 2, "after forged tokens")
        answers = burst(self.public.get_user, AccessToken=tokens["AccessToken"])
        expect("TooManyRequestsException" in {answer.code for answer in answers}, "GetUser has no quota")

    def sign_ins(self):
        """A known and an unknown user have the same headers and refusals; answers to challenges have three times the rate."""
        for username in (self.email, new_email()):
            answers = burst(self.public.initiate_auth, **self.sign_in(username, new_password()))
            codes = {answer.code for answer in answers}
            expect("TooManyRequestsException" in codes, f"sign-ins are not limited: {codes}")
            policies = {answer.headers.get("ratelimit-policy") for answer in answers}
            expect_equal(policies, {'"UserAuthentication";q=2;w=1'}, "the policy of sign-ins")
        challenge = {"ClientId": self.client, "ChallengeName": "PASSWORD_VERIFIER", "Session": "s" * 30}
        policy = ask(self.public.respond_to_auth_challenge, **challenge).headers.get("ratelimit-policy")
        expect_equal(policy, '"RespondToAuthChallenge";q=6;w=1', "answers to challenges")

    def unknown_clients_share(self):
        """Made-up client ids have one bucket together."""
        with ThreadPoolExecutor(8) as threads:
            calls = [{**self.sign_in(new_email(), "x"), "ClientId": f"unknown{i}"} for i in range(BURST)]
            answers = list(threads.map(lambda call: ask(self.public.initiate_auth, **call), calls))
        codes = {answer.code for answer in answers}
        expect_equal(codes, {"ResourceNotFoundException", "TooManyRequestsException"}, "unknown clients")

    def pages_may_read_it(self):
        answer = ask(self.public.initiate_auth, **self.sign_in(self.email, self.password))
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        expect({"ratelimit", "ratelimit-policy", "retry-after"} <= exposed, f"exposed to pages: {exposed}")

    def boto3_waits_by_itself(self):
        """Standard retries take the refusal for throttling: every call of a loop above the rate ends well."""
        retrying = client(self.system, config=Config(retries={"mode": "standard", "max_attempts": 10}))
        answers = [retrying.list_users(UserPoolId=self.pool)["ResponseMetadata"] for _ in range(8)]
        expect_equal({answer["HTTPStatusCode"] for answer in answers}, {200}, "calls with standard retries")
        expect(sum(answer["RetryAttempts"] for answer in answers) > 0, "boto3 had nothing to retry")

    def sign_in(self, username, password):
        parameters = {"USERNAME": username, "PASSWORD": password}
        return {"ClientId": self.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}

    def tokens(self):
        config = Config(signature_version=UNSIGNED, retries={"mode": "standard", "max_attempts": 10})
        retrying = client(self.system, config=config)
        return retrying.initiate_auth(**self.sign_in(self.email, self.password))["AuthenticationResult"]


class Told:
    """An answer's exception, if it is one, and headers."""

    def __init__(self, response):
        error, meta = response.get("Error", {}), response["ResponseMetadata"]
        self.code, self.message = error.get("Code"), error.get("Message")
        self.status, self.headers = meta["HTTPStatusCode"], meta["HTTPHeaders"]

    def remaining(self):
        return self._limit(1)

    def reset(self):
        return self._limit(2)

    def _limit(self, group):
        found = re.fullmatch(r'"\w+";r=(\d+);t=(\d+)', self.headers.get("ratelimit", ""))
        expect(found, f"no RateLimit in {self.headers}")
        return int(found.group(group))


def ask(call, **parameters):
    try:
        return Told(call(**parameters))
    except ClientError as error:
        return Told(error.response)


def burst(call, **parameters):
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda _: ask(call, **parameters), range(BURST)))


def client(system, **changed):
    settings = {
        "endpoint_url": system.issuer,
        "region_name": system.region,
        "aws_access_key_id": system.access_key_id,
        "aws_secret_access_key": system.secret_access_key,
        "config": Config(retries={"max_attempts": 0}),
    }
    return boto3.client("cognito-idp", **{**settings, **changed})


if __name__ == "__main__":
    run(check)
