"""Bad input over raw HTTP: each answer is Cognito's exception in Cognito's form, a 4xx, and never a 500.

Fields, limits and exceptions: the service model of botocore; forms and texts: Cognito's documentation.
"""

import gzip
import http.client
import json
import secrets
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from system import Answer, expect, expect_equal, is_uuid, new_email, new_password, run

SERVICE = "AWSCognitoIdentityProviderService"
TYPE = "application/x-amz-json-1.1"
ADMIN = ["AdminCreateUser", "AdminSetUserPassword", "AdminUserGlobalSignOut", "AdminDisableUser", "AdminAddUserToGroup"]
MEBIBYTE = 1024 * 1024


def check(system, _):
    bad = BadInput(system)
    bad.targets()
    bad.documents()
    bad.types()
    bad.limits()
    bad.sizes()
    bad.content_types()
    bad.signatures()
    bad.unknown_things()
    bad.secret_hash()
    bad.tokens()
    bad.other_methods()
    system.verify(system.sign_in(system.demo_user, system.demo_password)["AccessToken"], "access")
    return f"{bad.count} requests"


class BadInput:
    def __init__(self, system):
        self.system, self.count = system, 0
        address = urlsplit(system.issuer)
        self.host, self.port = address.hostname, address.port

    def send(self, target, body, content_type=TYPE, headers=(), method="POST", path="/"):
        self.count += 1
        fields = {"Content-Type": content_type, "X-Amz-Target": target, **dict(headers)}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=15)
        try:
            connection.request(method, path, body, {k: v for k, v in fields.items() if v is not None})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def call(self, operation, request, **how):
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.send(f"{SERVICE}.{operation}", body, **how)

    def signed(self, operation, request, key=None, secret=None, service="cognito-idp", region=None, after=None):
        """A SigV4-signed call; `after` changes the prepared request behind the signature's back."""
        system, body = self.system, json.dumps(request).encode()
        prepared = AWSRequest("POST", f"{system.issuer}/", data=body)
        prepared.headers["Content-Type"], prepared.headers["X-Amz-Target"] = TYPE, f"{SERVICE}.{operation}"
        credentials = Credentials(key or system.access_key_id, secret or system.secret_access_key)
        SigV4Auth(credentials, service, region or system.region).add_auth(prepared)
        headers = dict(prepared.headers.items())
        if after:
            body = after(headers, body) or body
        target = headers.pop("X-Amz-Target")
        return self.send(target, body, content_type=headers.pop("Content-Type"), headers=headers.items())

    def refused(self, answer, what, *names, status=400):
        expect_equal(answer.status, status, f"{what}: status ({answer.body[:200]!r})")
        problem = answer.json()
        expect(isinstance(problem, dict), f"{what}: the body is no object: {problem!r}")
        kind = problem.get("__type")
        expect(isinstance(kind, str) and kind.isidentifier(), f"{what}: __type is {kind!r}")
        if names:
            expect(kind in names, f"{what}: __type is {kind}, not {' or '.join(names)} ({problem})")
        message = problem.get("message", problem.get("Message"))
        expect(isinstance(message, str) and message, f"{what}: no message")
        expect_equal((answer.header("content-type") or "").split(";")[0], TYPE, f"{what}: content type")
        expect(is_uuid(answer.header("x-amzn-requestid") or ""), f"{what}: x-amzn-RequestId")
        header = answer.header("x-amzn-errortype")
        expect_equal((header or "").split(":")[0], kind, f"{what}: x-amzn-ErrorType")
        return message

    def targets(self):
        for target in [
            f"{SERVICE}.NoSuchOperation",
            f"{SERVICE}.",
            SERVICE,
            "SignUp",
            "OtherService.SignUp",
            f"{SERVICE}.signup",
            f"{SERVICE}.SignUp.SignUp",
            "x" * 4000,
        ]:
            self.refused(self.send(target, b"{}"), f"target {target[:60]!r}", "UnknownOperationException")
        self.refused(self.send(None, b"{}"), "no target", "UnknownOperationException", "MissingAuthenticationTokenException")

    def documents(self):
        bodies = [b"", b"{", b"nonsense", b"[]", b"null", b'"text"', b"1", b'{"ClientId":', b"\xff\xfe{}", b"{}{}"]
        bodies += [b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[" * 100000, b'{"ClientId":"\\ud800"}', b"{'ClientId':'a'}"]
        for operation in ("SignUp", "InitiateAuth", "GetUser", "RevokeToken"):
            for body in bodies:
                answer = self.call(operation, body)
                self.refused(answer, f"{operation}, body {body[:30]!r}", "SerializationException", "InvalidParameterException")

    def types(self):
        client = self.system.client_id
        sign_up = {"ClientId": client, "Username": new_email(), "Password": new_password()}
        wrong = [1, 1.5, True, [], {}, ["a"], {"a": "b"}]
        for field in sign_up:
            for value in wrong:
                answer = self.call("SignUp", {**sign_up, field: value})
                self.refused(answer, f"SignUp, {field}={value!r}", "SerializationException", "InvalidParameterException")
        for value in ["text", 1, {}, [1], ["email"], [{"Name": 1}], [{"Value": "x"}], [None]]:
            answer = self.call("SignUp", {**sign_up, "UserAttributes": value})
            self.refused(answer, f"UserAttributes={value!r}", "SerializationException", "InvalidParameterException")
        for value in ["text", 1, [], {"USERNAME": 1}, {"USERNAME": None}, {"USERNAME": ["a"]}]:
            request = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": value}
            answer = self.call("InitiateAuth", request)
            self.refused(answer, f"AuthParameters={value!r}", "SerializationException", "InvalidParameterException")

    def limits(self):
        client = self.system.client_id
        good = {"ClientId": client, "Username": new_email(), "Password": new_password()}
        bad = {
            "ClientId": ["", "x" * 129, "white space", "dash-ed"],
            "Username": ["", "x" * 129, "white space", "line\nbreak", "\u0000"],
            "Password": ["", "x" * 257, "white space", " "],
            "SecretHash": ["", "x" * 129, "not base64!"],
        }
        for field, values in bad.items():
            for value in values:
                answer = self.call("SignUp", {**good, field: value})
                self.refused(answer, f"SignUp, {field}={value[:20]!r}", "InvalidParameterException")
        for name, value in [("x" * 33, "v"), ("", "v"), ("email", "x" * 2049), ("custom:nothing", "v"), ("nothing", "v")]:
            answer = self.call("SignUp", {**good, "UserAttributes": [{"Name": name, "Value": value}]})
            self.refused(answer, f"attribute {name[:20]!r}={value[:20]!r}", "InvalidParameterException")
        for missing in good:
            request = {key: value for key, value in good.items() if key != missing}
            self.refused(self.call("SignUp", request), f"SignUp without {missing}", "InvalidParameterException")
        message = self.refused(
            self.call("InitiateAuth", {"ClientId": client, "AuthFlow": "MAGIC"}), "unknown AuthFlow", "InvalidParameterException"
        )
        wanted = "1 validation error detected: Value 'MAGIC' at 'authFlow' failed to satisfy constraint: Member must satisfy enum"
        expect(message.startswith(wanted), f"unknown AuthFlow says {message!r}")
        for parameters in ({}, {"USERNAME": "a"}, {"PASSWORD": "b"}, {"USERNAME": "", "PASSWORD": "b"}):
            request = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
            self.refused(self.call("InitiateAuth", request), f"password flow with {parameters}", "InvalidParameterException")
        for srp_a in ("", "0", "00", "zz", "-1", "f" * 5000):
            parameters = {"USERNAME": self.system.demo_user, "SRP_A": srp_a}
            request = {"ClientId": client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters}
            answer = self.call("InitiateAuth", request)
            self.refused(answer, f"SRP_A={srp_a[:10]!r}", "InvalidParameterException", "NotAuthorizedException")
        for session in ("x" * 19, "x" * 4097, "x" * 40):
            request = {"ClientId": client, "ChallengeName": "PASSWORD_VERIFIER", "Session": session, "ChallengeResponses": {}}
            answer = self.call("RespondToAuthChallenge", request)
            self.refused(answer, f"Session of {len(session)}", "InvalidParameterException", "NotAuthorizedException")
        self._admin_limits()

    def _admin_limits(self):
        pool = self.system.pool_id
        for operation, request in [
            ("CreateUserPool", {}),
            ("CreateUserPool", {"PoolName": ""}),
            ("CreateUserPool", {"PoolName": "x" * 129}),
            ("CreateUserPool", {"PoolName": "a", "MfaConfiguration": "SOMETIMES"}),
            ("CreateUserPool", {"PoolName": "a", "Policies": {"PasswordPolicy": {"MinimumLength": 5}}}),
            ("CreateUserPool", {"PoolName": "a", "Policies": {"PasswordPolicy": {"MinimumLength": 100}}}),
            ("CreateUserPoolClient", {"UserPoolId": pool, "ClientName": "x" * 129}),
            ("CreateUserPoolClient", {"UserPoolId": pool, "ClientName": "a", "RefreshTokenValidity": -1}),
            ("CreateUserPoolClient", {"UserPoolId": pool, "ClientName": "a", "ExplicitAuthFlows": ["ALLOW_MAGIC"]}),
            ("CreateGroup", {"UserPoolId": pool, "GroupName": "white space"}),
            ("CreateGroup", {"UserPoolId": pool, "GroupName": "a", "Precedence": -1}),
            ("DescribeUserPool", {"UserPoolId": "no-underscore"}),
            ("DescribeUserPool", {"UserPoolId": "x_" + "y" * 60}),
        ]:
            answer = self.signed(operation, request)
            self.refused(answer, f"{operation} {json.dumps(request)[:80]}", "InvalidParameterException")

    def sizes(self):
        """A body over 1 MiB is 413; of exactly 1 MiB, only its content matters."""
        envelope = len(json.dumps({"ClientId": ""}))
        at_limit = json.dumps({"ClientId": "x" * (MEBIBYTE - envelope)}).encode()
        self.refused(self.call("SignUp", at_limit), "a body of 1 MiB", "InvalidParameterException")
        expect_equal(self.call("SignUp", b"x" * (MEBIBYTE + 1)).status, 413, "a body of 1 MiB and a byte")
        try:
            expect_equal(self.call("SignUp", b"x" * (8 * MEBIBYTE)).status, 413, "a body of 8 MiB")
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent; the answer may be lost with the connection

    def content_types(self):
        body = json.dumps({"ClientId": self.system.client_id, "Username": new_email(), "Password": new_password()}).encode()
        for content_type in (None, "", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"):
            answer = self.call("SignUp", body, content_type=content_type)
            expect(answer.status in (400, 415), f"content type {content_type!r}: status {answer.status}")
            self.refused(answer, f"content type {content_type!r}", status=answer.status)
        answer = self.call("SignUp", gzip.compress(body), headers=[("Content-Encoding", "gzip")])
        expect(answer.status in (400, 415), f"a gzip body: status {answer.status}")

    def signatures(self):
        pool, user = self.system.pool_id, {"UserPoolId": self.system.pool_id, "Username": self.system.demo_user}
        names = ("MissingAuthenticationTokenException", "NotAuthorizedException")
        for operation in ADMIN:
            answer = self.call(operation, user)
            expect(answer.status in (400, 403), f"{operation}, unsigned: status {answer.status}")
            self.refused(answer, f"{operation}, unsigned", *names, status=answer.status)

        def other_body(headers, body):
            return body.replace(b"_", b"-", 1)

        def change(name, value):
            return lambda headers, _: headers.update({name: value})

        def cut(headers, _):
            headers["Authorization"] = headers["Authorization"][:-2] + "00"

        request = {"UserPoolId": pool}
        cases = {
            "unknown key": {"key": "AKIDNOBODY0000000000"},
            "wrong secret": {"secret": "nonsense"},
            "another service": {"service": "s3"},
            "another region": {"region": "eu-west-9"},
            "a changed body": {"after": other_body},
            "a changed signature": {"after": cut},
            "an old date": {"after": change("X-Amz-Date", "20200101T000000Z")},
            "a changed target": {"after": change("X-Amz-Target", f"{SERVICE}.CreateUserPool")},
            "nonsense": {"after": change("Authorization", "AWS4-HMAC-SHA256 nonsense")},
            "Basic": {"after": change("Authorization", "Basic YTpi")},
            "an empty signature": {"after": change("Authorization", "")},
        }
        expect_equal(self.signed("DescribeUserPool", request).status, 200, "a well-signed call")
        for what, how in cases.items():
            answer = self.signed("DescribeUserPool", request, **how)
            expect(400 <= answer.status < 500, f"signature, {what}: status {answer.status}")
            self.refused(answer, f"signature, {what}", status=answer.status)

    def unknown_things(self):
        nowhere = f"{self.system.region}_NoSuch{secrets.randbelow(900) + 100}"
        for operation in ADMIN[:-1] + ["DescribeUserPool", "CreateUserPoolClient", "CreateGroup"]:
            request = {"UserPoolId": nowhere}
            if operation.startswith("Admin"):
                request["Username"] = "nobody"
            extra = {"AdminSetUserPassword": {"Password": new_password()}, "CreateGroup": {"GroupName": "g"}}
            extra["CreateUserPoolClient"] = {"ClientName": "c"}
            answer = self.signed(operation, {**request, **extra.get(operation, {})})
            message = self.refused(answer, f"{operation}, unknown pool", "ResourceNotFoundException")
            expect_equal(message, f"User pool {nowhere} does not exist.", f"{operation}, unknown pool: message")
        client = "0" * 26
        calls = {
            "SignUp": {"Username": "a", "Password": new_password()},
            "ConfirmSignUp": {"Username": "a", "ConfirmationCode": "123456"},
            "ResendConfirmationCode": {"Username": "a"},
            "InitiateAuth": {"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": "a", "PASSWORD": "b"}},
            "RespondToAuthChallenge": {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": {"USERNAME": "a"}},
        }
        for operation, request in calls.items():
            answer = self.call(operation, {"ClientId": client, **request})
            self.refused(answer, f"{operation}, unknown client", "ResourceNotFoundException")

    def secret_hash(self):
        made = self.system.admin.create_user_pool_client(
            UserPoolId=self.system.pool_id,
            ClientName="with-secret",
            GenerateSecret=True,
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )["UserPoolClient"]
        name, client = self.system.demo_user, {"ClientId": made["ClientId"]}
        flows = {
            "USER_PASSWORD_AUTH": {"USERNAME": name, "PASSWORD": self.system.demo_password},
            "USER_SRP_AUTH": {"USERNAME": name, "SRP_A": "a" * 768},
        }
        calls = [
            ("SignUp", {"Username": new_email(), "Password": new_password()}),
            ("ConfirmSignUp", {"Username": name, "ConfirmationCode": "123456"}),
            ("ResendConfirmationCode", {"Username": name}),
        ]
        calls += [("InitiateAuth", {"AuthFlow": flow, "AuthParameters": flows[flow]}) for flow in flows]
        for operation, request in calls:
            answer = self.call(operation, {**client, **request})
            self.refused(answer, f"{operation} without SECRET_HASH", "NotAuthorizedException")
        answer = self.call("RevokeToken", {**client, "Token": "a.b.c"})
        self.refused(answer, "RevokeToken without ClientSecret", "NotAuthorizedException", "UnauthorizedException", "InvalidParameterException")

    def tokens(self):
        for token in ("x", "a.b.c", "x" * 5000, "e30.e30."):
            for operation in ("GetUser", "GlobalSignOut"):
                answer = self.call(operation, {"AccessToken": token})
                self.refused(answer, f"{operation} with {token[:10]!r}", "NotAuthorizedException", "InvalidParameterException")
        for token in ("", "white space", "ümlaut", 7):
            answer = self.call("GetUser", {"AccessToken": token})
            self.refused(answer, f"GetUser with {token!r}", "InvalidParameterException", "SerializationException")
        signed_in = self.system.sign_in(self.system.demo_user, self.system.demo_password)
        answer = self.call("GetUser", {"AccessToken": signed_in["IdToken"]})
        self.refused(answer, "GetUser with an ID token", "NotAuthorizedException")

    def other_methods(self):
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            answer = self.send(f"{SERVICE}.SignUp", b"{}", method=method)
            expect(400 <= answer.status < 500, f"{method} /: status {answer.status}")
        for path in ("/nothing", f"/{self.system.pool_id}", "/us-east-1_None/.well-known/jwks.json", "/%00", "/../etc/passwd"):
            answer = self.send(None, None, content_type=None, method="GET", path=path)
            expect(400 <= answer.status < 500, f"GET {path}: status {answer.status}")


run(check)
