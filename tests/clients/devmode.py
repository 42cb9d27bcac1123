"""Developer mode by boto3 and raw HTTP: any access key, the fixed code, the outbox, resets that edges follow, and who is kept out of /dev."""

import http.client
import json
import secrets
import threading
import time
import urllib.parse

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from system import expect, expect_equal, expect_error, new_email, new_password, run

CODE = "123456"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def check(system, _):
    dev = Dev(system)
    dev.is_loud()
    dev.takes_any_key()
    dev.has_one_code()
    dev.shows_messages()
    dev.resets()
    dev.resets_among_requests()
    dev.keeps_others_out()
    dev.is_no_administrator_for_pages()


class Dev:
    def __init__(self, system):
        self.system = system
        self.host = urllib.parse.urlsplit(system.issuer).netloc

    def any_client(self, region=None, key="testing"):
        return boto3.client(
            "cognito-idp",
            endpoint_url=self.system.issuer,
            region_name=region or self.system.region,
            aws_access_key_id=key,
            aws_secret_access_key=secrets.token_hex(8),
            config=Config(retries={"max_attempts": 0}),
        )

    def ask(self, method, path, headers=None, token=True):
        """(status, headers, body) of a raw request."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.putrequest(method, path, skip_host=True)
        headers = {"Host": self.host, **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {self.system.dev_token}"
        for name, value in headers.items():
            connection.putheader(name, value)
        if method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def outbox(self, **filters):
        status, _, body = self.ask("GET", "/dev/outbox?" + urllib.parse.urlencode(filters))
        expect_equal(status, 200, f"GET /dev/outbox {filters}: {body[:200]!r}")
        return json.loads(body)

    def reset(self):
        status, _, body = self.ask("POST", "/dev/reset")
        expect_equal(status, 200, f"POST /dev/reset: {body[:200]!r}")
        expect_equal(json.loads(body)["edges_behind"], [], "POST /dev/reset: edges_behind")

    def is_loud(self):
        expect_equal(self.system.dev_mode, True, "up.json: dev_mode")
        expect_equal(len(self.system.dev_token), 64, "up.json: length of dev_token")
        _, headers, _ = self.ask("GET", f"/{self.system.pool_id}/.well-known/jwks.json", token=False)
        expect_equal(headers.get("x-tollgate-dev-mode"), "on", "the header of every answer")

    def takes_any_key(self):
        for region, key in [("us-west-2", "testing"), ("eu-south-2", "AKIAIOSFODNN7EXAMPLE"), ("local", "x")]:
            client = self.any_client(region, key)
            pool = client.create_user_pool(PoolName="any")["UserPool"]
            expect(pool["Id"].startswith(region + "_"), f"the pool of a client in {region} is {pool['Id']}")
            expect(f":{region}:" in pool["Arn"], f"its ARN: {pool['Arn']}")
            listed = [pool["Id"] for pool in client.list_user_pools(MaxResults=60)["UserPools"]]
            expect(pool["Id"] in listed and self.system.pool_id not in listed, f"pools in {region}: {listed}")
            client.tag_resource(ResourceArn=pool["Arn"], Tags={"a": "b"})
            expect_equal(self.any_client().describe_user_pool(UserPoolId=pool["Id"])["UserPool"]["Name"], "any", "from elsewhere")
        unsigned = boto3.client(
            "cognito-idp", endpoint_url=self.system.issuer, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
        )
        expect_error("MissingAuthenticationTokenException", unsigned.list_user_pools, "no key at all", MaxResults=1)

    def has_one_code(self):
        system, client = self.system, self.any_client()
        email, password = new_email(), new_password()
        attributes = [{"Name": "email", "Value": email}]
        person = {"ClientId": system.client_id, "Username": email}
        client.sign_up(**person, Password=password, UserAttributes=attributes)
        expect_error("CodeMismatchException", client.confirm_sign_up, "another code", **person, ConfirmationCode="654321")
        client.confirm_sign_up(**person, ConfirmationCode=CODE)
        client.forgot_password(**person)
        password = new_password()
        client.confirm_forgot_password(**person, ConfirmationCode=CODE, Password=password)
        access = system.sign_in(email, password)["AccessToken"]
        client.get_user_attribute_verification_code(AccessToken=access, AttributeName="email")
        client.verify_user_attribute(AccessToken=access, AttributeName="email", Code=CODE)

    def shows_messages(self):
        system, client = self.system, self.any_client()
        email, since = new_email(), int(time.time() * 1000)
        person = {"ClientId": system.client_id, "Username": email}
        client.sign_up(**person, Password=new_password(), UserAttributes=[{"Name": "email", "Value": email}])
        client.resend_confirmation_code(**person)
        found = self.outbox(to=email)
        expect_equal([message["kind"] for message in found], ["sign_up", "resend_code"], "the outbox, at once and in order")
        for key in ("to", "channel", "kind", "code", "link", "subject", "body", "username", "pool_id", "at"):
            expect(key in found[0], f"a message has no {key}")
        expect_equal((found[0]["code"], found[0]["pool_id"]), (CODE, system.pool_id), "a message")
        expect(CODE in found[0]["body"], "the body has the code")
        for filters, count in [
            ({"username": email}, 2),
            ({"username": email, "kind": "sign_up"}, 1),
            ({"to": email, "channel": "email", "pool_id": system.pool_id, "since": since}, 2),
            ({"to": email, "channel": "sms"}, 0),
            ({"to": email, "limit": 1}, 1),
            ({"to": email, "since": since + 3_600_000}, 0),
        ]:
            expect_equal(len(self.outbox(**filters)), count, f"messages by {filters}")
        late = new_email()
        person = {"UserPoolId": system.pool_id, "Username": late, "UserAttributes": [{"Name": "email", "Value": late}]}
        threading.Timer(0.3, lambda: client.admin_create_user(**person)).start()
        expect_equal([message["kind"] for message in self.outbox(to=late, wait=20)], ["invitation"], "a message that is waited for")
        status, _, body = self.ask("GET", "/dev/outbox?user=x")
        expect_equal(status, 400, f"a misspelt filter: {body[:100]!r}")

    def resets(self):
        system, client = self.system, self.any_client()
        email, password, _ = system.sign_up()
        tokens, demo = system.sign_in(email, password), system.sign_in(system.demo_user, system.demo_password)
        pool = client.create_user_pool(PoolName="gone")["UserPool"]["Id"]
        for token in (tokens, demo):
            system.expect_edge(token["AccessToken"], 200, "before the reset")
        self.reset()
        for token in (tokens, demo):
            system.expect_edge(token["AccessToken"], 401, "a token from before the reset, at the edge")
            expect_error("NotAuthorizedException", client.get_user, "one at the issuer", AccessToken=token["AccessToken"])
            refresh = {"ClientId": system.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
            parameters = {"REFRESH_TOKEN": token["RefreshToken"]}
            expect_error("NotAuthorizedException", client.initiate_auth, "a refresh", **refresh, AuthParameters=parameters)
        expect_equal([pool["Id"] for pool in client.list_user_pools(MaxResults=60)["UserPools"]], [system.pool_id], "pools")
        users = client.list_users(UserPoolId=system.pool_id)["Users"]
        expect_equal(len(users), 1, "users")
        expect_error("ResourceNotFoundException", client.describe_user_pool, "a pool that is gone", UserPoolId=pool)
        expect_equal(self.outbox(), [], "the outbox")
        fresh = system.sign_in(system.demo_user, system.demo_password)["AccessToken"]
        system.expect_edge(fresh, 200, "a sign-in after the reset, at the edge")
        client.delete_user_pool_domain(UserPoolId=system.pool_id, Domain="demo")
        client.delete_user_pool(UserPoolId=system.pool_id)
        self.reset()
        fresh = system.sign_in(system.demo_user, system.demo_password)["AccessToken"]
        system.expect_edge(fresh, 200, "after the demo pool was deleted and is back")

    def resets_among_requests(self):
        """While others work there is no state in between: what they made before a reset is gone, and nothing is left of it."""
        stop, odd = threading.Event(), []

        def work():
            client = self.any_client()
            while not stop.is_set():
                try:
                    pool = client.create_user_pool(PoolName="busy")["UserPool"]["Id"]
                    client.create_user_pool_client(UserPoolId=pool, ClientName="busy", ExplicitAuthFlows=FLOWS)
                    client.admin_create_user(UserPoolId=pool, Username="busy", MessageAction="SUPPRESS")
                except client.exceptions.ResourceNotFoundException:
                    pass
                except Exception as error:  # whatever it is, it is odd
                    odd.append(repr(error))

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for _ in range(5):
            time.sleep(0.1)
            self.reset()
        stop.set()
        for worker in workers:
            worker.join()
        expect_equal(odd[:3], [], "what requests met beside a pool that is gone")
        self.reset()
        pools = self.any_client().list_user_pools(MaxResults=60)["UserPools"]
        expect_equal([pool["Id"] for pool in pools], [self.system.pool_id], "pools after all")

    def keeps_others_out(self):
        port = self.host.rsplit(":", 1)[1]
        for path, method in [("/dev/outbox", "GET"), ("/dev/reset", "POST"), ("/dev", "GET"), ("/dev/none", "GET")]:
            for headers, want in [
                ({"Host": f"evil.example:{port}"}, 403),
                ({"Host": f"127.0.0.1.evil.example:{port}"}, 403),
                ({"Host": f"0.0.0.0:{port}"}, 403),
                ({"Origin": "https://evil.example"}, 403),
                ({"Origin": f"http://{self.host}"}, 403),
                ({"Origin": "null"}, 403),
                ({"X-Forwarded-For": "127.0.0.1"}, 403),
            ]:
                status, found, _ = self.ask(method, path, headers)
                expect_equal(status, want, f"{method} {path} with {headers}")
                expect(not any(name.startswith("access-control") for name in found), f"{path}: CORS")
            for authorization in (None, "Bearer x", f"Bearer {self.system.dev_token[:-1]}", f"Basic {self.system.dev_token}"):
                headers = {"Authorization": authorization} if authorization else {}
                status, found, body = self.ask(method, path, headers, token=False)
                expect_equal(status, 401, f"{method} {path} with {authorization and 'a wrong token'}")
                expect(self.system.dev_token not in body.decode(), "the answer has the token")
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
            expect_equal(self.ask("GET", "/dev/outbox", {"Host": host})[0], 200, f"Host {host}")
        for method in ("OPTIONS", "HEAD", "DELETE"):
            status, found, _ = self.ask(method, "/dev/reset")
            expect(status in (404, 405), f"{method} /dev/reset: {status}")
            expect(not any(name.startswith("access-control") for name in found), f"{method} /dev/reset: CORS")
        # A preflight brings no token, and learns nothing.
        preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        status, found, _ = self.ask("OPTIONS", "/dev/reset", preflight, token=False)
        expect_equal(status, 403, "a preflight")
        expect(not any(name.startswith("access-control") for name in found), "a preflight: CORS")
        # Not by way of the edge either: there it is the API's path, and a protected one.
        connection = self.system.edge_connection()
        connection.request("GET", "/dev/outbox", headers={"Authorization": f"Bearer {self.system.dev_token}"})
        expect_equal(connection.getresponse().status, 401, "/dev at the edge")

    def is_no_administrator_for_pages(self):
        authorization = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=00"
        for origin, want in [("https://evil.example", "AccessDeniedException"), ("null", "AccessDeniedException"), ("http://localhost:3000", None)]:
            connection = http.client.HTTPConnection(self.host, timeout=10)
            headers = {
                "Authorization": authorization,
                "Origin": origin,
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools",
            }
            connection.request("POST", "/", body='{"MaxResults":1}', headers=headers)
            expect_equal(json.loads(connection.getresponse().read()).get("__type"), want, f"an administrator's call from {origin}")


run(check)
