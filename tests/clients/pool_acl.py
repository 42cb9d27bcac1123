"""The web ACL of a user pool, by boto3's `wafv2`, before `cognito-idp` through an edge. Usage: pool_acl.py UP_JSON

Semantics: Cognito's guide, "Associate an AWS WAF web ACL with a user pool": public operations are inspected, those that administrators sign are not,
and SDKs get ForbiddenException.
"""

import copy
from http.client import HTTPConnection
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from system import ask, expect, expect_equal, new_email, new_password, run, until
from web_acls import NONE, SCOPE, header_is, rule, visibility

SQLI = "1' OR 1=1 -- "
BLOCKED = "Request not allowed due to WAF block."


RULES = [
    rule("evil", 0, header_is("x-evil", "yes")),
    rule("puzzle", 1, header_is("x-puzzle", "yes"), "Captcha"),
    rule("work", 2, header_is("x-work", "yes"), "Challenge"),
    rule("sqli", 3, {"SqliMatchStatement": {"FieldToMatch": {"Body": {}}, "TextTransformations": NONE}}),
    rule(
        "often",
        4,
        {
            "RateBasedStatement": {
                "Limit": 10,
                "AggregateKeyType": "IP",
                "ScopeDownStatement": header_is("x-often", "yes"),
            }
        },
    ),
]


def is_forbidden(call, *arguments, **parameters):
    """Whether a web ACL blocks it; what the issuer says of it does not matter."""
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ForbiddenException":
            expect_equal(error.response["Error"]["Message"], BLOCKED, "Cognito's words")
            expect_equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 403, "its status")
            return True
    return False


class Suite:
    def __init__(self, system):
        self.system = system
        self.waf = boto3.client(
            "wafv2",
            endpoint_url=system.issuer,
            region_name=system.region,
            aws_access_key_id=system.access_key_id,
            aws_secret_access_key=system.secret_access_key,
            config=Config(retries={"max_attempts": 0}),
        )
        self.there = copy.copy(system)
        self.there.issuer = system.issuer_via_edge
        self.there.public = self.there._cognito(Config(signature_version=UNSIGNED, retries={"max_attempts": 0}))
        self.there.admin = self.there._cognito(Config(retries={"max_attempts": 0}))
        self.headers = {}
        for client in (self.there.public, self.there.admin):
            client.meta.events.register("before-call.cognito-idp", self.add_headers)
        self.arn = f"arn:aws:cognito-idp:{system.region}:000000000000:userpool/{system.pool_id}"

    def add_headers(self, params, **_):
        params["headers"].update(self.headers)

    def sign_in(self, name, password, client_id=None, **headers):
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            return self.there.public.initiate_auth(
                ClientId=client_id or self.system.client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": name, "PASSWORD": password},
            )["AuthenticationResult"]
        finally:
            self.headers = {}

    def is_blocked(self, *arguments, **headers):
        return is_forbidden(self.sign_in, *arguments, **headers)

    def update(self, made, rules):
        token = self.waf.get_web_acl(Name=made["Name"], Id=made["Id"], **SCOPE)["LockToken"]
        self.waf.update_web_acl(
            Name=made["Name"],
            Id=made["Id"],
            LockToken=token,
            DefaultAction={"Allow": {}},
            VisibilityConfig=visibility("acl"),
            Rules=rules,
            **SCOPE,
        )


def check(system, _arguments):
    suite = Suite(system)
    email, password, _ = system.sign_up()
    pool = system.admin.create_user_pool(PoolName="another")["UserPool"]["Id"]
    other = system.admin.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    name, its_password = new_email(), new_password()
    system.admin.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    system.admin.admin_set_user_password(UserPoolId=pool, Username=name, Password=its_password, Permanent=True)

    made = suite.waf.create_web_acl(
        Name="sign-in", DefaultAction={"Allow": {}}, VisibilityConfig=visibility("acl"), Rules=RULES, **SCOPE
    )["Summary"]
    tokens = suite.sign_in(email, password, x_evil="yes")
    suite.waf.associate_web_acl(WebACLArn=made["ARN"], ResourceArn=suite.arn)
    until(lambda: suite.is_blocked(email, password, x_evil="yes"), "the association is in force", seconds=2.0)

    for header in ("x_evil", "x_puzzle", "x_work"):
        expect(suite.is_blocked(email, password, **{header: "yes"}), f"{header} is ForbiddenException")
    expect(suite.is_blocked(SQLI, password), "an injection in the body")
    expect(suite.sign_in(email, password)["AccessToken"], "everybody else signs in")
    suite.headers = {"x-evil": "yes"}
    expect(is_forbidden(suite.there.public.get_user, AccessToken=tokens["AccessToken"]), "a call by token")
    expect(is_forbidden(suite.there.public.forgot_password, ClientId=system.client_id, Username=email), "recovery")
    found = suite.there.admin.admin_get_user(UserPoolId=system.pool_id, Username=email)
    expect_equal(found["UserStatus"], "CONFIRMED", "what administrators sign is not inspected")
    suite.headers = {}
    expect(suite.sign_in(name, its_password, other, x_evil="yes")["AccessToken"], "another pool's client is untouched")
    path = f"/{system.pool_id}/.well-known/jwks.json"
    expect_equal(document(suite, path, [("x-evil", "yes")]), 403, "the pool's documents have its rules")
    expect_equal(document(suite, path, []), 200, "and are served")

    passed = sum(not suite.is_blocked(email, password, x_often="yes") for _ in range(15))
    expect_equal(passed, 10, "ten in five minutes")
    suite.update(made, RULES[1:])
    until(lambda: not suite.is_blocked(email, password, x_evil="yes"), "a change is in force", seconds=2.0)
    expect(suite.is_blocked(email, password, x_often="yes"), "counts of a rule that stays go on")

    addresses = suite.waf.create_ip_set(Name="us", IPAddressVersion="IPV4", Addresses=["192.0.2.0/24"], **SCOPE)["Summary"]
    suite.update(made, [rule("us", 0, {"IPSetReferenceStatement": {"ARN": addresses["ARN"]}})])
    until(lambda: not suite.is_blocked(email, password, x_often="yes"), "the rules of addresses alone", seconds=2.0)
    suite.waf.update_ip_set(
        Name="us", Id=addresses["Id"], LockToken=addresses["LockToken"], Addresses=["127.0.0.0/8"], **SCOPE
    )
    until(lambda: suite.is_blocked(email, password), "a set's change is in force", seconds=2.0)
    expect(suite.sign_in(name, its_password, other)["AccessToken"], "and nobody else's affair")

    suite.waf.disassociate_web_acl(ResourceArn=suite.arn)
    until(lambda: not suite.is_blocked(email, password), "nothing stands there any more", seconds=2.0)
    for _ in range(5):
        expect(suite.sign_in(email, password, x_evil="yes")["AccessToken"], "nothing does")
    return None


def document(suite, path, headers):
    address = urlsplit(suite.system.issuer_via_edge)
    connection = HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        return ask(connection, "GET", path, headers=headers).status
    finally:
        connection.close()


run(check)
