"""Admin keys with policies, seen by boto3: what a key may do, that a deny wins, and that a signed request is done once.

usage: access.py UP_JSON TOLLGATE
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

up = json.load(open(sys.argv[1]))
tollgate = sys.argv[2]


def client(key):
    return boto3.client(
        "cognito-idp",
        endpoint_url=up["issuer"],
        region_name=up["region"],
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
    )


def admin(*args, key=(up["access_key_id"], up["secret_access_key"]), ok=True):
    env = dict(os.environ, AWS_ACCESS_KEY_ID=key[0], AWS_SECRET_ACCESS_KEY=key[1])
    done = subprocess.run(
        [tollgate, "admin", *args, "--admin", up["metrics"]], env=env, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode == 0) == ok, (args, done.returncode, done.stderr)
    return done.stdout if ok else done.stderr


def make(name, policy=None, *more):
    args = ["keys", "create", name, *more]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        if policy is not None:
            file.write(policy if isinstance(policy, str) else json.dumps(policy))
            file.flush()
            args += ["--policy", file.name]
        out = admin(*args)
    values = dict(line.split("=", 1) for line in out.splitlines())
    return values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]


def code(call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return None, None


def signed(operation, body, service="cognito-idp", key=None, **extra):
    data = json.dumps(body)
    request = AWSRequest("POST", up["issuer"] + "/", data=data, headers={
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService." + operation, **extra})
    SigV4Auth(Credentials(*(key or support)), service, up["region"]).add_auth(request)
    return request


def send(request):
    out = urllib.request.Request(request.url, data=request.body.encode() if isinstance(request.body, str) else request.body,
                                 headers=dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(out, timeout=10) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["__type"]


root = client((up["access_key_id"], up["secret_access_key"]))
pool = root.create_user_pool(PoolName="access")["UserPool"]["Id"]
other = root.create_user_pool(PoolName="another")["UserPool"]["Id"]
arn = f"arn:aws:cognito-idp:{up['region']}:000000000000:userpool/{pool}"

# Allowed by operation and pool; a deny wins; silence is no.
support = make(
    "support@example.com",
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["cognito-idp:Admin*", "cognito-idp:DescribeUserPool"], "Resource": arn},
            {"Effect": "Deny", "Action": "cognito-idp:AdminSetUserPassword", "Resource": "*"},
        ],
    },
)
helper = client(support)
helper.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
assert helper.describe_user_pool(UserPoolId=pool)["UserPool"]["Id"] == pool
for call, kwargs, text in [
    (helper.admin_set_user_password, dict(UserPoolId=pool, Username="ann", Password="Xx1!xxxxxx"), "explicit deny"),
    (helper.describe_user_pool, dict(UserPoolId=other), "no identity-based policy allows"),
    (helper.create_user_pool, dict(PoolName="mine"), "no identity-based policy allows"),
    (helper.create_group, dict(UserPoolId=pool, GroupName="g"), "cognito-idp:CreateGroup on resource: " + arn),
]:
    found, message = code(call, **kwargs)
    assert found == "AccessDeniedException" and text in message, (found, message)
assert "AccessDenied" in admin("keys", "list", key=support, ok=False)

# A member that the operation does not have chooses nothing.
wide = make("wide", {"Statement": {"Effect": "Allow", "Action": "cognito-idp:*", "Resource": arn}})
for operation, body in [("ListUserPools", {"MaxResults": 60}), ("CreateUserPool", {"PoolName": "x"})]:
    found = send(signed(operation, dict(body, UserPoolId=pool), key=wide))
    assert found == (400, "AccessDeniedException"), (operation, found)
# Commands that name a pool in their body ask the policy about it.
barred = make("barred", {"Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "*", "Resource": arn}]})
assert "AccessDenied" in admin("edge", "enrol", "other-edge", "--pools", other, pool, key=barred, ok=False)
assert "AccessDenied" in admin("messages", "list", "--pool", pool, key=barred, ok=False)
assert "AccessDenied" in admin("messages", "retry", "any", "--pool", pool, key=barred, ok=False)
assert "AccessDenied" in admin("signing-keys", "list", "--pool", pool, key=barred, ok=False)

# A condition; and a policy that is changed counts from the next request.
away = make("away", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                                   "Condition": {"NotIpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1"]}}}})
assert code(client(away).describe_user_pool, UserPoolId=pool)[0] == "AccessDeniedException"
with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    file.write('{"Statement":{"Effect":"Allow","Action":"cognito-idp:Describe*","Resource":"*"}}')
    file.flush()
    admin("keys", "policy", away[0], file.name)
assert code(client(away).describe_user_pool, UserPoolId=pool)[0] is None

# Disabled, enabled, expired, deleted.
admin("keys", "disable", away[0])
assert code(client(away).describe_user_pool, UserPoolId=pool)[0] == "UnrecognizedClientException"
admin("keys", "enable", away[0])
assert code(client(away).describe_user_pool, UserPoolId=pool)[0] is None
listed = json.loads(admin("keys", "list"))["keys"]
assert {key["name"] for key in listed} >= {"up", "support@example.com", "away"}
assert "secret" not in json.dumps(listed)
admin("keys", "delete", away[0])
assert code(client(away).describe_user_pool, UserPoolId=pool)[0] == "UnrecognizedClientException"
admin("keys", "delete", away[0], ok=False)

# Policies that would not mean what they say are refused.
for bad in [
    "{",
    {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}},
    '{"Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}',
    {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]},
]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(bad if isinstance(bad, str) else json.dumps(bad))
        file.flush()
        said = admin("keys", "create", "bad", "--policy", file.name, ok=False)
        assert "InvalidParameterException" in said and "policy:" in said, said


# The same bytes again: refused, for what changes and for what reads.
for operation in ["AdminDisableUser", "DescribeUserPool"]:
    body = {"UserPoolId": pool, "Username": "ann"} if operation.startswith("Admin") else {"UserPoolId": pool}
    request = signed(operation, body)
    assert send(request) == (200, None)
    assert send(request) == (400, "InvalidSignatureException")
    request = signed(operation, body, **{"amz-sdk-invocation-id": "twice-but-not-the-same"})
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(send(request))) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(outcomes, key=str).count((200, None)) == 1, outcomes

# Where the invocation id is signed, an unsigned header makes no other request of it.
request = signed("AdminEnableUser", {"UserPoolId": pool, "Username": "ann"}, **{"amz-sdk-invocation-id": "signed"})
assert send(request) == (200, None)
request.headers["aws-sdk-retry"] = "1"
assert send(request) == (400, "InvalidSignatureException")

# A scope for another service, a changed body, a session token.
assert send(signed("DescribeUserPool", {"UserPoolId": pool}, service="cognito-identity")) == (400, "InvalidSignatureException")
request = signed("DescribeUserPool", {"UserPoolId": pool})
request.data = json.dumps({"UserPoolId": other})
assert send(request) == (400, "InvalidSignatureException")
tokened = AWSRequest("POST", up["issuer"] + "/", data=json.dumps({"UserPoolId": pool}), headers={
    "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService.DescribeUserPool"})
SigV4Auth(Credentials(*support, "a-session-token"), "cognito-idp", up["region"]).add_auth(tokened)
assert send(tokened) == (400, "UnrecognizedClientException")
# Two pools in one body: neither is what the policy was asked about.
double = signed("DescribeUserPool", {"UserPoolId": pool})
double.data = '{"UserPoolId":"%s","UserPoolId":"%s"}' % (pool, other)
SigV4Auth(Credentials(*support), "cognito-idp", up["region"]).add_auth(double)
assert send(double)[0] == 400, send(double)

# Honest clients may say the same thing many times a second.
for _ in range(20):
    assert helper.describe_user_pool(UserPoolId=pool)
    helper.admin_user_global_sign_out(UserPoolId=pool, Username="ann")
print("access: policies, states, replays: as they should be")
