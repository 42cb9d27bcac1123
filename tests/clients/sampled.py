"""What AWS WAFv2 tells of a user pool's traffic: sampled requests, addresses that a rate holds back, the log. Usage: sampled.py UP_JSON

Semantics: WAFv2's API reference (GetSampledRequests, GetRateBasedStatementManagedKeys, PutLoggingConfiguration) and the log fields of AWS WAF's guide.
The log is a file of the edge: `[waf_log]`, which this adds to the edge of `tollgate up`.
"""

import datetime
import json
import pathlib
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from system import expect, expect_equal, expect_error, run, until
from web_acls import SCOPE, header_is, rule, visibility

SECRET = "hunter2-never-told"


def counted(name, priority, header):
    return rule(name, priority, header_is(header, "yes"), "Count") | {"RuleLabels": [{"Name": f"was:{name}"}]}


RULES = [
    counted("seen", 0, "x-seen"),
    rule("evil", 1, header_is("x-evil", "yes")),
    rule("puzzle", 2, header_is("x-puzzle", "yes"), "Captcha"),
    {
        "Name": "group",
        "Priority": 3,
        "OverrideAction": {"None": {}},
        "VisibilityConfig": visibility("group"),
        "Statement": {},
    },
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
        self.public = boto3.client(
            "cognito-idp",
            endpoint_url=system.issuer_via_edge,
            region_name=system.region,
            config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
        )
        self.headers = {}
        self.public.meta.events.register("before-call.cognito-idp", self.add_headers)
        self.arn = f"arn:aws:cognito-idp:{system.region}:000000000000:userpool/{system.pool_id}"

    def add_headers(self, params, **_):
        params["headers"].update(self.headers)

    def sign_in(self, email, password, **headers):
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.public.initiate_auth(
            ClientId=self.system.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )["AuthenticationResult"]

    def is_blocked(self, email, password, **headers):
        try:
            self.sign_in(email, password, **headers)
        except ClientError as error:
            return error.response["Error"]["Code"] == "ForbiddenException"
        return False

    def sampled(self, made, metric, most=100):
        now = datetime.datetime.now(datetime.timezone.utc)
        window = {"StartTime": now - datetime.timedelta(hours=1), "EndTime": now}
        return self.waf.get_sampled_requests(
            WebAclArn=made["ARN"], RuleMetricName=metric, TimeWindow=window, MaxItems=most, **SCOPE
        )

    def wait_for(self, made, metric, count):
        until(lambda: self.sampled(made, metric)["PopulationSize"] >= count, f"{count} of {metric}", seconds=15.0)
        found = self.sampled(made, metric)
        expect_equal(found["PopulationSize"], count, f"the requests of {metric}")
        return found["SampledRequests"]

    def held(self, made, rule_name="often"):
        return self.waf.get_rate_based_statement_managed_keys(
            WebACLName=made["Name"], WebACLId=made["Id"], RuleName=rule_name, **SCOPE
        )


def check(system, _arguments):
    suite = Suite(system)
    email, password, _ = system.sign_up()
    log = with_a_log(system)
    group = suite.waf.create_rule_group(
        Name="inner", Capacity=50, Rules=[rule("inner", 0, header_is("x-inner", "yes"))], VisibilityConfig=visibility("g"), **SCOPE
    )["Summary"]
    rules = [one | {} for one in RULES]
    rules[3] = rules[3] | {
        "Statement": {
            "RuleGroupReferenceStatement": {
                "ARN": group["ARN"],
                "RuleActionOverrides": [{"Name": "inner", "ActionToUse": {"Count": {}}}],
            }
        }
    }
    made = suite.waf.create_web_acl(
        Name="sign-in", DefaultAction={"Allow": {}}, VisibilityConfig=visibility("acl"), Rules=rules, **SCOPE
    )["Summary"]
    suite.waf.put_logging_configuration(
        LoggingConfiguration={
            "ResourceArn": made["ARN"],
            "LogDestinationConfigs": [f"arn:aws:logs:{system.region}:000000000000:log-group:aws-waf-logs-x"],
            "RedactedFields": [{"SingleHeader": {"Name": "user-agent"}}],
            "LoggingFilter": {
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}, {"ActionCondition": {"Action": "COUNT"}}],
                    }
                ],
            },
        }
    )
    suite.waf.associate_web_acl(WebACLArn=made["ARN"], ResourceArn=suite.arn)
    until(lambda: suite.is_blocked(email, password, x_evil="yes"), "the association is in force", seconds=5.0)

    # What came before the web ACL stood there was not judged, so counts begin with the first block.
    before = suite.wait_for(made, "evil", 1)
    expect_equal(len(before), 1, "one sample")
    for _ in range(4):
        expect(suite.is_blocked(email, password, x_evil="yes", authorization=f"Bearer {SECRET}", cookie=f"sid={SECRET}"), "blocked")
    for _ in range(3):
        suite.sign_in(email, password, x_seen="yes")
    expect(suite.is_blocked(email, password, x_puzzle="yes"), "a captcha")
    suite.sign_in(email, password, x_inner="yes")

    samples_are(suite, made)
    held_back(suite, made, email, password)
    log_is(suite, made, log)
    suite.waf.disassociate_web_acl(ResourceArn=suite.arn)
    return None


def samples_are(suite, made):
    evil = suite.wait_for(made, "evil", 5)
    for one in evil:
        expect_equal((one["Action"], one["Weight"]), ("BLOCK", 1), "a blocked request")
        request = one["Request"]
        expect_equal((request["ClientIP"], request["Method"], request["URI"]), ("127.0.0.1", "POST", "/"), "its request")
        headers = {header["Name"]: header["Value"] for header in request["Headers"]}
        expect(headers["x-amz-target"].endswith(".InitiateAuth"), "its headers")
        expect_equal(headers["user-agent"], "REDACTED", "what is not to be logged is not told either")
        age = datetime.datetime.now(datetime.timezone.utc) - one["Timestamp"]
        expect(datetime.timedelta(0) <= age < datetime.timedelta(minutes=2), "its time")
    secrets = [header for one in evil for header in one["Request"]["Headers"] if header["Name"] in ("authorization", "cookie")]
    expect(secrets and all("REDACTED" in header["Value"] for header in secrets), "secrets are replaced")
    expect(SECRET not in repr(evil), "and nowhere else")

    seen = suite.wait_for(made, "seen", 3)
    expect_equal({one["Action"] for one in seen}, {"COUNT"}, "counted requests")
    expect(all(any(label["Name"].endswith(":was:seen") for label in one["Labels"]) for one in seen), "and their labels")
    (puzzle,) = suite.wait_for(made, "puzzle", 1)
    expect_equal((puzzle["Action"], puzzle["ResponseCodeSent"]), ("CAPTCHA", 403), "a captcha, which a call of the API can't solve")
    expect_equal(puzzle["CaptchaResponse"]["FailureReason"], "TOKEN_MISSING", "and why")
    (of_group,) = suite.wait_for(made, "group", 1)
    expect_equal(of_group["RuleNameWithinRuleGroup"], "inner", "a rule of a group")
    expect_equal((of_group["Action"], of_group["OverriddenAction"]), ("COUNT", "BLOCK"), "whose action was overridden")
    default = suite.sampled(made, "Default_Action")
    expect(default["PopulationSize"] >= 4, "what no rule ended")
    expect_equal({one["Action"] for one in default["SampledRequests"]}, {"ALLOW"}, "is allowed")
    expect_equal(len(suite.sampled(made, "evil", most=2)["SampledRequests"]), 2, "as many as were asked for")
    expect_error("WAFNonexistentItemException", lambda: suite.sampled(made, "nobody"), "a metric of nobody")


def held_back(suite, made, email, password):
    expect_equal(suite.held(made)["ManagedKeysIPV4"]["Addresses"], [], "nobody is held back yet")
    blocked = sum(suite.is_blocked(email, password, x_often="yes") for _ in range(15))
    expect_equal(blocked, 5, "ten in five minutes")
    until(lambda: suite.held(made)["ManagedKeysIPV4"]["Addresses"], "an address is held back", seconds=15.0)
    found = suite.held(made)
    expect_equal(found["ManagedKeysIPV4"]["Addresses"], ["127.0.0.1/32"], "this one")
    expect_equal(found["ManagedKeysIPV6"]["Addresses"], [], "and no other")
    expect_error("WAFNonexistentItemException", lambda: suite.held(made, "evil"), "a rule that has no rate")


def log_is(suite, made, log):
    until(lambda: sum(one["terminatingRuleId"] == "often" for one in records(log)) == 5, "the log is written", seconds=5.0)
    found = records(log)
    expect_equal({one["webaclId"] for one in found}, {made["ARN"]}, "whose log it is")
    expect_equal({one["httpSourceName"] for one in found}, {"COGNITOIDP"}, "what stands behind it")
    expect_equal({one["httpSourceId"] for one in found}, {suite.arn}, "and which")
    ended = [one["terminatingRuleId"] for one in found]
    expect_equal((ended.count("evil"), ended.count("often"), ended.count("puzzle")), (5, 5, 0), "what its filter keeps")
    expect_equal(ended.count("Default_Action"), 4, "counted requests, those of a group among them")
    rates = [one["rateBasedRuleList"][0] for one in found if one["terminatingRuleId"] == "often"]
    expect_equal({(one["limitKey"], one["limitValue"], one["maxRateAllowed"]) for one in rates}, {("IP", "127.0.0.1", 10)}, "a rate")
    text = log.read_text()
    expect(SECRET not in text and '{"name":"user-agent","value":"REDACTED"}' in text, "what is left out of it")
    expect(oct(log.stat().st_mode & 0o777) == "0o640", "who may read it")


def records(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def with_a_log(system):
    """Adds `[waf_log]` to the edge's settings and has them read again."""
    (settings,) = pathlib.Path(sys.argv[1]).parent.glob("**/edge.toml")
    log = settings.parent / "waf.log"
    settings.write_text(settings.read_text() + f'\n[waf_log]\nfile = "{log}"\n')
    edge = urlsplit(system.issuer_via_edge)
    # `up` has the admin listener two ports above the edge's.
    request = urllib.request.Request(f"http://{edge.hostname}:{edge.port + 2}/reload", method="POST")
    with urllib.request.urlopen(request) as answer:
        expect_equal(answer.status, 200, "the reload")
    time.sleep(0.1)
    return log


run(check)
