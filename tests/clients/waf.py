"""Web ACLs, rule groups, IP sets and regex pattern sets by boto3's `wafv2`, and the user pool that they stand before.

    waf.py UP_JSON

Shapes and limits: botocore's model, which boto3 checks answers against; semantics: the AWS WAF API reference.
"""

import secrets
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config

from system import expect, expect_equal, expect_error, run

SCOPE = {"Scope": "REGIONAL"}
VISIBILITY = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "metric"}
KINDS = {
    # boto3's name, the member of a Get answer, the member of a List answer
    "ip_set": ("IPSet", "IPSets"),
    "regex_pattern_set": ("RegexPatternSet", "RegexPatternSets"),
    "rule_group": ("RuleGroup", "RuleGroups"),
    "web_acl": ("WebACL", "WebACLs"),
}


def client(system):
    return boto3.client(
        "wafv2",
        endpoint_url=system.issuer,
        region_name=system.region,
        aws_access_key_id=system.access_key_id,
        aws_secret_access_key=system.secret_access_key,
        config=Config(retries={"max_attempts": 0}),
    )


def check(system, _arguments):
    suite = Suite(system, client(system))
    suite.sets()
    suite.rules()
    suite.capacity()
    suite.paging()
    suite.associations()
    suite.logging()
    suite.tags()
    suite.managed()
    suite.samples()
    suite.errors()
    suite.what_is_not_here()
    suite.signatures()
    return f"{suite.calls} things made"


class Suite:
    def __init__(self, system, waf):
        self.system, self.waf, self.calls = system, waf, 0
        self.pool = f"arn:aws:cognito-idp:{system.region}:000000000000:userpool/{system.pool_id}"

    def name(self):
        return f"n-{secrets.token_hex(6)}"

    def make(self, kind, **parameters):
        self.calls += 1
        return getattr(self.waf, f"create_{kind}")(Name=self.name(), **SCOPE, **parameters)["Summary"]

    def get(self, kind, made):
        answer = getattr(self.waf, f"get_{kind}")(Name=made["Name"], Id=made["Id"], **SCOPE)
        return answer[KINDS[kind][0]], answer["LockToken"]

    def update(self, kind, made, token, **parameters):
        update = getattr(self.waf, f"update_{kind}")
        return update(Name=made["Name"], Id=made["Id"], LockToken=token, **SCOPE, **parameters)["NextLockToken"]

    def delete(self, kind, made):
        _, token = self.get(kind, made)
        getattr(self.waf, f"delete_{kind}")(Name=made["Name"], Id=made["Id"], LockToken=token, **SCOPE)

    def ip_set(self, addresses=("192.0.2.0/24",)):
        return self.make("ip_set", IPAddressVersion="IPV4", Addresses=list(addresses))

    def acl(self, *rules, **more):
        default = {"DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY}
        return self.make("web_acl", Rules=list(rules), **(default | more))

    # What is tried

    def sets(self):
        made = self.make("ip_set", IPAddressVersion="IPV6", Addresses=["2001:db8::/32"], Description="a set")
        found, token = self.get("ip_set", made)
        expect_equal(found["Addresses"], ["2001:db8::/32"], "addresses of an IP set")
        expect_equal((found["ARN"], found["Description"]), (made["ARN"], "a set"), "an IP set")
        next_token = self.update("ip_set", made, token, Addresses=["2001:db8::1/128"])
        stale = dict(Name=made["Name"], Id=made["Id"], LockToken=token, Addresses=[], **SCOPE)
        expect_error("WAFOptimisticLockException", self.waf.update_ip_set, "a stale lock token", **stale)
        found, token = self.get("ip_set", made)
        expect_equal((found["Addresses"], token), (["2001:db8::1/128"], next_token), "an updated IP set")
        expect("Description" not in found, "an update that leaves out the description keeps it")
        self.delete("ip_set", made)
        gone = dict(Name=made["Name"], Id=made["Id"], **SCOPE)
        expect_error("WAFNonexistentItemException", self.waf.get_ip_set, "a deleted set", **gone)

        patterns = [{"RegexString": r"^/a+\.php$"}, {"RegexString": "(?i)union.*select"}]
        made = self.make("regex_pattern_set", RegularExpressionList=patterns)
        found, token = self.get("regex_pattern_set", made)
        expect_equal(found["RegularExpressionList"], patterns, "patterns")
        self.update("regex_pattern_set", made, token, RegularExpressionList=patterns[:1])
        expect_equal(self.get("regex_pattern_set", made)[0]["RegularExpressionList"], patterns[:1], "updated patterns")
        self.delete("regex_pattern_set", made)

    def rules(self):
        made = self.ip_set()
        statement = {"IPSetReferenceStatement": {"ARN": made["ARN"]}}
        group_rules = [rule("known", statement) | {"RuleLabels": [{"Name": "seen:known"}]}]
        group = self.make("rule_group", Capacity=10, Rules=group_rules, VisibilityConfig=VISIBILITY)
        found, _ = self.get("rule_group", group)
        expect_equal((found["Rules"], found["Capacity"]), (group_rules, 10), "a rule group")
        expect(found["AvailableLabels"][0]["Name"].endswith(":rulegroup:" + group["Name"] + ":seen:known"), "its labels")
        expect_equal(self.waf.get_rule_group(ARN=group["ARN"])["RuleGroup"], found, "a rule group by ARN")

        rules = [
            rule("search", search(b"/admin\xff"), priority=1, Action={"Block": {"CustomResponse": {"ResponseCode": 404}}}),
            rule("sqli", on({"Body": {"OversizeHandling": "MATCH"}}, "SqliMatchStatement", SensitivityLevel="HIGH"), priority=2),
            rule("rate", {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP", "EvaluationWindowSec": 60}}, priority=3),
            rule("group", {"RuleGroupReferenceStatement": {"ARN": group["ARN"]}}, priority=4, OverrideAction={"None": {}}),
        ]
        acl = self.acl(*rules, TokenDomains=["example.com"], Description="all of it")
        found, token = self.get("web_acl", acl)
        expect_equal(found["Rules"], rules, "rules of a web ACL, a search string that is no text among them")
        expect_equal(found["Capacity"], 20 + 30 + 2 + 10, "the capacity of a web ACL")
        expect_equal(found["LabelNamespace"], f"awswaf:000000000000:webacl:{acl['Name']}:", "its namespace")
        self.update("web_acl", acl, token, DefaultAction={"Block": {}}, Rules=rules[:1], VisibilityConfig=VISIBILITY)
        found, _ = self.get("web_acl", acl)
        expect_equal((found["Rules"], found["DefaultAction"]), (rules[:1], {"Block": {}}), "an updated web ACL")

        used = dict(Name=made["Name"], Id=made["Id"], LockToken=made["LockToken"], **SCOPE)
        expect_error("WAFAssociatedItemException", self.waf.delete_ip_set, "a set that a group uses", **used)
        for kind, one in [("web_acl", acl), ("rule_group", group), ("ip_set", made)]:
            self.delete(kind, one)

    def capacity(self):
        rules = [rule("x", search(b"x")), rule("geo", {"GeoMatchStatement": {"CountryCodes": ["FR"]}}, priority=1)]
        expect_equal(self.waf.check_capacity(Rules=rules, **SCOPE)["Capacity"], 21, "a capacity")
        chain = [{"Priority": n, "Type": kind} for n, kind in enumerate(["URL_DECODE", "LOWERCASE"])]
        many = [rule(f"r{n}", search(b"x", chain), priority=n) for n in range(168)]
        expect_error("WAFLimitsExceededException", self.waf.check_capacity, "rules for 5,040", Rules=many, **SCOPE)
        small = dict(Name=self.name(), Capacity=1, Rules=rules, VisibilityConfig=VISIBILITY, **SCOPE)
        expect_error("WAFLimitsExceededException", self.waf.create_rule_group, "a group that is too small", **small)

    def paging(self):
        made = {self.ip_set()["Name"] for _ in range(13)}
        for limit in [1, 5, 13, 100]:
            names, marker = [], {}
            while True:
                page = self.waf.list_ip_sets(Limit=limit, **SCOPE, **marker)
                expect(len(page["IPSets"]) <= limit, "a page of more than its limit")
                names += [one["Name"] for one in page["IPSets"]]
                if not page.get("NextMarker"):
                    break
                marker = {"NextMarker": page["NextMarker"]}
            expect_equal(len(names), len(set(names)), f"names listed twice in pages of {limit}")
            expect(made <= set(names), f"sets are missing from pages of {limit}")
        forged = dict(NextMarker="forged", **SCOPE)
        expect_error("WAFInvalidParameterException", self.waf.list_ip_sets, "a forged marker", **forged)

    def associations(self):
        acl, other = self.acl(), self.acl()
        expect("WebACL" not in self.waf.get_web_acl_for_resource(ResourceArn=self.pool), "a pool without a web ACL")
        for one in [other, acl]:
            self.waf.associate_web_acl(WebACLArn=one["ARN"], ResourceArn=self.pool)
            found = self.waf.get_web_acl_for_resource(ResourceArn=self.pool)["WebACL"]
            expect_equal(found["Name"], one["Name"], "the web ACL of a pool")
        kind = {"ResourceType": "COGNITO_USER_POOL"}
        expect_equal(
            [self.waf.list_resources_for_web_acl(WebACLArn=one["ARN"], **kind)["ResourceArns"] for one in [acl, other]],
            [[self.pool], []],
            "pools of web ACLs",
        )
        _, token = self.get("web_acl", acl)
        used = dict(Name=acl["Name"], Id=acl["Id"], LockToken=token, **SCOPE)
        expect_error("WAFAssociatedItemException", self.waf.delete_web_acl, "a web ACL before a pool", **used)
        absent = dict(WebACLArn=acl["ARN"], ResourceArn=self.pool + "0")
        expect_error("WAFNonexistentItemException", self.waf.associate_web_acl, "a pool that is not there", **absent)
        self.waf.disassociate_web_acl(ResourceArn=self.pool)
        expect("WebACL" not in self.waf.get_web_acl_for_resource(ResourceArn=self.pool), "a pool that was disassociated")

        pool = self.system.admin.create_user_pool(PoolName="short")["UserPool"]
        self.waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=pool["Arn"])
        self.system.admin.delete_user_pool(UserPoolId=pool["Id"])
        for one in [acl, other]:
            self.delete("web_acl", one)

    def logging(self):
        acl = self.acl()
        about = {"ResourceArn": acl["ARN"]}
        expect_error("WAFNonexistentItemException", self.waf.get_logging_configuration, "no logging", **about)
        configuration = about | {
            "LogDestinationConfigs": [f"arn:aws:logs:{self.system.region}:000000000000:log-group:aws-waf-logs-x"],
            "RedactedFields": [{"SingleHeader": {"Name": "cookie"}}, {"QueryString": {}}],
        }
        put = self.waf.put_logging_configuration(LoggingConfiguration=configuration)["LoggingConfiguration"]
        expect_equal({name: put[name] for name in configuration}, configuration, "a logging configuration")
        expect_equal(self.waf.get_logging_configuration(**about)["LoggingConfiguration"], put, "the same read back")
        expect(put in self.waf.list_logging_configurations(**SCOPE)["LoggingConfigurations"], "the same in the list")
        bad = {"LoggingConfiguration": configuration | {"RedactedFields": [{"Body": {}}]}}
        expect_error("WAFInvalidParameterException", self.waf.put_logging_configuration, "a redacted body", **bad)
        self.waf.delete_logging_configuration(**about)
        self.delete("web_acl", acl)

    def tags(self):
        acl = self.acl(Tags=[{"Key": "team", "Value": "a"}])
        about = {"ResourceARN": acl["ARN"]}
        self.waf.tag_resource(Tags=[{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "b"}], **about)
        found = self.waf.list_tags_for_resource(**about)["TagInfoForResource"]["TagList"]
        expect_equal({tag["Key"]: tag["Value"] for tag in found}, {"team": "b", "stage": "test"}, "tags")
        self.waf.untag_resource(TagKeys=["stage", "never there"], **about)
        found = self.waf.list_tags_for_resource(**about)["TagInfoForResource"]["TagList"]
        expect_equal(found, [{"Key": "team", "Value": "b"}], "tags that are left")
        self.delete("web_acl", acl)

    def managed(self):
        groups = self.waf.list_available_managed_rule_groups(**SCOPE)["ManagedRuleGroups"]
        for group in groups:
            named = {"VendorName": group["VendorName"], "Name": group["Name"]}
            described = self.waf.describe_managed_rule_group(**named, **SCOPE)
            expect(described["Capacity"] > 0 and described["Rules"], f"{group['Name']} is described")
            self.waf.list_available_managed_rule_group_versions(**named, **SCOPE)
            reference = rule("managed", {"ManagedRuleGroupStatement": named}, OverrideAction={"Count": {}})
            capacity = self.waf.check_capacity(Rules=[reference], **SCOPE)["Capacity"]
            expect_equal(capacity, described["Capacity"], f"what {group['Name']} costs")
        nobodys = {"VendorName": "Nobody", "Name": "Nothing"}
        absent = dict(**nobodys, **SCOPE)
        expect_error("WAFNonexistentItemException", self.waf.describe_managed_rule_group, "nobody's group", **absent)
        rules = [rule("managed", {"ManagedRuleGroupStatement": nobodys}, OverrideAction={"None": {}})]
        expect_error("WAFNonexistentItemException", self.waf.check_capacity, "rules of nobody's", Rules=rules, **SCOPE)

    def samples(self):
        rate = {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}
        constant = {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "CONSTANT", "ScopeDownStatement": search(b"x")}}
        acl = self.acl(rule("rate", rate), rule("all", constant, priority=1))
        now = datetime.now(timezone.utc)
        window = {"StartTime": now - timedelta(hours=1), "EndTime": now}
        asked = dict(WebAclArn=acl["ARN"], RuleMetricName="rate", TimeWindow=window, MaxItems=10, **SCOPE)
        answer = self.waf.get_sampled_requests(**asked)
        expect_equal((answer["SampledRequests"], answer["PopulationSize"]), ([], 0), "samples of what nobody asked for")
        none = asked | {"RuleMetricName": "none"}
        expect_error("WAFNonexistentItemException", self.waf.get_sampled_requests, "a metric of no rule", **none)
        named = dict(WebACLName=acl["Name"], WebACLId=acl["Id"], **SCOPE)
        keys = self.waf.get_rate_based_statement_managed_keys(RuleName="rate", **named)
        expect_equal((keys["ManagedKeysIPV4"]["Addresses"], keys["ManagedKeysIPV6"]["Addresses"]), ([], []), "held back")
        expect_error(
            "WAFUnsupportedAggregateKeyTypeException",
            self.waf.get_rate_based_statement_managed_keys,
            "addresses of a rule that counts all",
            RuleName="all",
            **named,
        )
        self.delete("web_acl", acl)

    def errors(self):
        refused = "WAFInvalidParameterException"
        base = dict(Name=self.name(), DefaultAction={"Allow": {}}, VisibilityConfig=VISIBILITY, **SCOPE)
        for what, statement in [
            ("a pattern with a back reference", on({"UriPath": {}}, "RegexMatchStatement", RegexString=r"(a)\1")),
            ("two statements in one", search(b"x") | {"GeoMatchStatement": {"CountryCodes": ["FR"]}}),
            ("a window of 30 s", {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP", "EvaluationWindowSec": 30}}),
            ("a rate of everything", {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "CONSTANT"}}),
        ]:
            message = expect_error(refused, self.waf.create_web_acl, what, Rules=[rule("r", statement)], **base)
            expect("Error reason: Rules[0].Statement" in message and "field:" in message, f"{what}: {message}")
        twice = [rule("r", search(b"x")), rule("r", search(b"y"), priority=1)]
        expect_error(refused, self.waf.create_web_acl, "one name twice", Rules=twice, **base)
        cloud = base | {"Scope": "CLOUDFRONT"}
        expect_error(refused, self.waf.create_web_acl, "a scope of AWS", **cloud)
        # botocore checks lengths, not patterns.
        expect_error("ValidationException", self.waf.create_web_acl, "a bad name", **(base | {"Name": "no blanks"}))
        made = self.acl()
        expect_error("WAFDuplicateItemException", self.waf.create_web_acl, "a name that is taken", **(base | {"Name": made["Name"]}))
        self.delete("web_acl", made)
        addresses = dict(Name=self.name(), IPAddressVersion="IPV4", **SCOPE)
        for bad in ["192.0.2.1", "0.0.0.0/0", "2001:db8::/32", "x/8"]:
            expect_error(refused, self.waf.create_ip_set, f"the address {bad}", Addresses=[bad], **addresses)

    def what_is_not_here(self):
        waf = self.waf
        expect_equal(waf.list_api_keys(**SCOPE)["APIKeySummaries"], [], "API keys")
        expect_equal(waf.list_managed_rule_sets(**SCOPE)["ManagedRuleSets"], [], "managed rule sets of vendors")
        expect_error("WAFInvalidOperationException", waf.create_api_key, "an API key", TokenDomains=["a.example"], **SCOPE)
        arn = {"ResourceArn": self.pool}
        expect_error("WAFNonexistentItemException", waf.get_permission_policy, "a permission policy", **arn)
        put = arn | {"Policy": "{}"}
        expect_error("WAFInvalidPermissionPolicyException", waf.put_permission_policy, "a permission policy", **put)

    def signatures(self):
        forged = boto3.client(
            "wafv2",
            endpoint_url=self.system.issuer,
            region_name=self.system.region,
            aws_access_key_id=self.system.access_key_id,
            aws_secret_access_key="not the secret",
            config=Config(retries={"max_attempts": 0}),
        )
        expect_error("InvalidSignatureException", forged.list_web_acls, "a wrong secret", **SCOPE)


def rule(name, statement, priority=0, **action):
    action = action or {"Action": {"Block": {}}}
    return {"Name": name, "Priority": priority, "Statement": statement, "VisibilityConfig": VISIBILITY | {"MetricName": name}} | action


def on(field, kind, chain=None, **more):
    chain = chain or [{"Priority": 0, "Type": "NONE"}]
    return {kind: {"FieldToMatch": field, "TextTransformations": chain, **more}}


def search(text, chain=None):
    chain = chain or [{"Priority": 0, "Type": "LOWERCASE"}]
    return on({"UriPath": {}}, "ByteMatchStatement", chain, SearchString=text, PositionalConstraint="CONTAINS")


run(check)
