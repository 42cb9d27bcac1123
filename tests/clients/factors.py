"""Second factors and passkeys by boto3, SRP by pycognito; codes and an authenticator are made here, by hmac and cryptography alone.

Usage: factors.py UP_JSON. What must hold: Cognito's documentation, RFC 6238, Web Authentication Level 2.
"""

import base64
import hashlib
import hmac
import json
import secrets
import struct
import time

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pycognito.aws_srp import AWSSRP
from pycognito.exceptions import SoftwareTokenMFAChallengeException

from system import expect, expect_equal, expect_error, new_password, run

FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
SESSION = "Invalid session for the user."
RELYING_PARTY, ORIGIN = "example.com", "https://login.example.com"


def check(system, _arguments):
    optional = Pool(system, "OPTIONAL")
    optional.enrolment()
    optional.preferences()
    optional.by_srp()
    optional.by_mail()
    Pool(system, "ON").required()
    passkeys = Passkeys(system)
    passkeys.registered_and_deleted()
    passkeys.refused()
    return None


class App:
    """An authenticator app (RFC 6238): each code is a step later than the one before, as far as the server's drift goes."""

    def __init__(self, secret):
        expect(len(secret) >= 32, "SecretCode has at least 160 bits")
        self.seed, self.used = base64.b32decode(secret), int(time.time()) // 30 - 2

    def code(self, step):
        digest = hmac.new(self.seed, struct.pack(">Q", step), hashlib.sha1).digest()
        at = digest[-1] & 0xF
        return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"

    def next(self):
        """A code that was not used; waits where the drift is used up."""
        while self.used + 1 > int(time.time()) // 30 + 1:
            time.sleep(0.2)
        self.used = max(self.used + 1, int(time.time()) // 30 - 1)
        return self.code(self.used)

    def wrong(self):
        now = int(time.time()) // 30
        near = {self.code(step) for step in range(now - 3, now + 4)}
        return next(f"{n:06d}" for n in range(20) if f"{n:06d}" not in near)


class Pool:
    def __init__(self, system, mfa):
        self.system, self.admin, self.public = system, system.admin, system.public
        pool = self.admin.create_user_pool(PoolName="factors", AutoVerifiedAttributes=["email"])["UserPool"]
        self.pool_id = pool["Id"]
        settings = {"MfaConfiguration": mfa, "SoftwareTokenMfaConfiguration": {"Enabled": True}}
        if mfa == "OPTIONAL":
            settings["EmailMfaConfiguration"] = {"Subject": "Sign in", "Message": "Your code: {####}"}
        set_up = self.admin.set_user_pool_mfa_config(UserPoolId=self.pool_id, **settings)
        expect_equal({name: set_up[name] for name in settings}, settings, "SetUserPoolMfaConfig")
        described = self.admin.describe_user_pool(UserPoolId=self.pool_id)["UserPool"]
        expect_equal(described["MfaConfiguration"], mfa, "MfaConfiguration of the pool")
        made = self.admin.create_user_pool_client(UserPoolId=self.pool_id, ClientName="factors", ExplicitAuthFlows=FLOWS)
        self.client_id = made["UserPoolClient"]["ClientId"]

    def user(self, permanent=True):
        name, password = f"user-{secrets.token_hex(4)}", new_password()
        email = f"{name}@example.com"
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        self.admin.admin_create_user(
            UserPoolId=self.pool_id, Username=name, UserAttributes=attributes, MessageAction="SUPPRESS", TemporaryPassword=password
        )
        if permanent:
            self.admin.admin_set_user_password(UserPoolId=self.pool_id, Username=name, Password=password, Permanent=True)
        return name, password

    def begin(self, name, password, admin=False):
        parameters = {"USERNAME": name, "PASSWORD": password}
        if admin:
            return self.admin.admin_initiate_auth(
                UserPoolId=self.pool_id, ClientId=self.client_id, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters
            )
        return self.public.initiate_auth(ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)

    def token(self, name, password):
        return self.begin(name, password)["AuthenticationResult"]["AccessToken"]

    def answer(self, asked, name, **answers):
        return {
            "ClientId": self.client_id,
            "ChallengeName": asked["ChallengeName"],
            "Session": asked["Session"],
            "ChallengeResponses": {"USERNAME": name, **answers},
        }

    def finish(self, asked, name, **answers):
        return self.public.respond_to_auth_challenge(**self.answer(asked, name, **answers))

    def enrolled(self):
        name, password = self.user()
        token = self.token(name, password)
        app = App(self.public.associate_software_token(AccessToken=token)["SecretCode"])
        self.public.verify_software_token(AccessToken=token, UserCode=app.next(), FriendlyDeviceName="T\u00ebst")
        self.public.set_user_mfa_preference(
            AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
        )
        return name, password, token, app

    def enrolment(self):
        name, password = self.user()
        token = self.token(name, password)
        app = App(self.public.associate_software_token(AccessToken=token)["SecretCode"])
        verify, code = self.public.verify_software_token, app.next()
        expect_error("EnableSoftwareTokenMFAException", verify, "a wrong first code", AccessToken=token, UserCode=app.wrong())
        expect_error("InvalidParameterException", verify, "a code with a letter", AccessToken=token, UserCode="12345x")
        expect_equal(verify(AccessToken=token, UserCode=code)["Status"], "SUCCESS", "VerifySoftwareToken")
        expect("AuthenticationResult" in self.begin(name, password), "a token that is not enabled is not asked for")
        preferred = {"Enabled": True, "PreferredMfa": True}
        self.public.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings=preferred)
        for admin in (False, True):
            asked = self.begin(name, password, admin)
            expect_equal(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA", "the challenge")
            expect("AuthenticationResult" not in asked, "no tokens before the code")
        respond = self.public.respond_to_auth_challenge
        wrong = self.answer(asked, name, SOFTWARE_TOKEN_MFA_CODE=app.wrong())
        expect_error("CodeMismatchException", respond, "a wrong code", **wrong)
        used = self.answer(asked, name, SOFTWARE_TOKEN_MFA_CODE=code)
        said = expect_error("ExpiredCodeException", respond, "the code of the enrolment", **used)
        expect_equal(said, "Your software token has already been used once.", "text of a used code")
        right = app.next()
        done = respond(**self.answer(asked, name, SOFTWARE_TOKEN_MFA_CODE=right))["AuthenticationResult"]
        claims = self.system.verify(done["AccessToken"], "access", self.pool_id, self.client_id, f"{self.system.iss.rsplit('/', 1)[0]}/{self.pool_id}")
        expect_equal(claims["username"], name, "username of the token")
        again = self.answer(asked, name, SOFTWARE_TOKEN_MFA_CODE=right)
        expect_equal(expect_error("NotAuthorizedException", respond, "a used session", **again), SESSION, "its text")
        asked = self.begin(name, password)
        replayed = self.answer(asked, name, SOFTWARE_TOKEN_MFA_CODE=right)
        expect_error("ExpiredCodeException", respond, "a replayed code", **replayed)
        for _ in range(4):
            wrong = self.answer(asked, name, SOFTWARE_TOKEN_MFA_CODE=app.wrong())
            expect_error("CodeMismatchException", respond, "another wrong code", **wrong)
        expect_error("NotAuthorizedException", respond, "a session after five wrong codes", **wrong)
        self.public.get_user(AccessToken=token)

    def preferences(self):
        name, password, token, _ = self.enrolled()
        for user in (
            self.public.get_user(AccessToken=token),
            self.admin.admin_get_user(UserPoolId=self.pool_id, Username=name),
            self.public.get_user_auth_factors(AccessToken=token),
            self.admin.admin_get_user_auth_factors(UserPoolId=self.pool_id, Username=name),
        ):
            expect_equal(user["UserMFASettingList"], ["SOFTWARE_TOKEN_MFA"], "UserMFASettingList")
            expect_equal(user["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA", "PreferredMfaSetting")
        expect_equal(user["ConfiguredUserAuthFactors"], ["PASSWORD", "SOFTWARE_TOKEN"], "ConfiguredUserAuthFactors")
        prefer = self.public.set_user_mfa_preference
        expect_error("InvalidParameterException", prefer, "SMS in a pool without it", AccessToken=token, SMSMfaSettings={"Enabled": True})
        self.public.set_user_mfa_preference(
            AccessToken=token, EmailMfaSettings={"Enabled": True}, SoftwareTokenMfaSettings={"PreferredMfa": False}
        )
        asked = self.begin(name, password)
        expect_equal(asked["ChallengeName"], "SELECT_MFA_TYPE", "two factors and no preference")
        choices = json.loads(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"])
        expect_equal(choices, ["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"], "MFAS_CAN_CHOOSE")
        chosen = self.finish(asked, name, ANSWER="SOFTWARE_TOKEN_MFA")
        expect_equal(chosen["ChallengeName"], "SOFTWARE_TOKEN_MFA", "what was chosen")
        expect_equal(chosen["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"], "T\u00ebst", "FRIENDLY_DEVICE_NAME")
        self.admin.admin_delete_software_token(UserPoolId=self.pool_id, Username=name)
        listed = self.admin.admin_get_user(UserPoolId=self.pool_id, Username=name)["UserMFASettingList"]
        expect_equal(listed, ["EMAIL_OTP"], "after AdminDeleteSoftwareToken")
        off = {"Enabled": False}
        self.admin.admin_set_user_mfa_preference(UserPoolId=self.pool_id, Username=name, EmailMfaSettings=off)
        expect("AuthenticationResult" in self.begin(name, password), "nothing is enabled any more")

    def by_srp(self):
        name, password, _, app = self.enrolled()
        srp = AWSSRP(name, password, self.pool_id, self.client_id, client=self.public)
        try:
            srp.authenticate_user()
            expect(False, "SRP asks for the code")
        except SoftwareTokenMFAChallengeException as challenge:
            asked = challenge.get_tokens()
        done = self.finish(asked, name, SOFTWARE_TOKEN_MFA_CODE=app.next())
        expect("AuthenticationResult" in done, "SRP and a code")

    def by_mail(self):
        name, password = self.user()
        address = f"{name}@example.com"
        on = {"Enabled": True, "PreferredMfa": True}
        self.public.set_user_mfa_preference(AccessToken=self.token(name, password), EmailMfaSettings=on)
        asked = self.begin(name, password)
        expect_equal(asked["ChallengeName"], "EMAIL_OTP", "the challenge by mail")
        expect_equal(asked["ChallengeParameters"]["CODE_DELIVERY_DELIVERY_MEDIUM"], "EMAIL", "its medium")
        code = self.system.codes_to(address)[-1]
        message = self.system.messages_to(address)[-1]
        expect_equal((message["subject"], message["body"], message["kind"]), ("Sign in", f"Your code: {code}", "authentication"), "the message")
        wrong = self.answer(asked, name, EMAIL_OTP_CODE=f"{(int(code) + 1) % 1_000_000:06d}")
        expect_error("CodeMismatchException", self.public.respond_to_auth_challenge, "a wrong code by mail", **wrong)
        expect("AuthenticationResult" in self.finish(asked, name, EMAIL_OTP_CODE=code), "the right code by mail")

    def required(self):
        name, password = self.user(permanent=False)
        asked = self.begin(name, password)
        expect_equal(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED", "first of all")
        password = new_password()
        asked = self.finish(asked, name, NEW_PASSWORD=password)
        expect_equal(asked["ChallengeName"], "MFA_SETUP", "then")
        expect_equal(json.loads(asked["ChallengeParameters"]["MFAS_CAN_SETUP"]), ["SOFTWARE_TOKEN_MFA"], "MFAS_CAN_SETUP")
        made = self.public.associate_software_token(Session=asked["Session"])
        app = App(made["SecretCode"])
        verify = self.public.verify_software_token
        expect_error("EnableSoftwareTokenMFAException", verify, "a wrong first code", Session=made["Session"], UserCode=app.wrong())
        verified = verify(Session=made["Session"], UserCode=app.next())
        expect_equal(verified["Status"], "SUCCESS", "VerifySoftwareToken by session")
        done = self.finish({"ChallengeName": "MFA_SETUP", "Session": verified["Session"]}, name)
        expect("AuthenticationResult" in done, "MFA_SETUP ends in tokens")
        asked = self.begin(name, password)
        expect_equal(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA", "the next sign-in")
        expect("AuthenticationResult" in self.finish(asked, name, SOFTWARE_TOKEN_MFA_CODE=app.next()), "its code")


# Passkeys


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor(value):
    """RFC 8949, as much of it as authenticators use."""

    def head(kind, number):
        for size, extra, code in ((24, 0, None), (256, 1, 24), (65_536, 2, 25), (1 << 32, 4, 26)):
            if number < size:
                return bytes([kind << 5 | (number if code is None else code)]) + (number.to_bytes(extra, "big") if extra else b"")
        raise ValueError(number)

    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def es256():
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}


def eddsa():
    return {1: 1, 3: -8, -1: 6, -2: ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()}


def rs256():
    numbers = rsa.generate_private_key(65_537, 2_048).public_key().public_numbers()
    return {1: 3, 3: -257, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}


def register(options, key=None, origin=ORIGIN, relying_party=None, flags=0x45, challenge=None):
    """What `navigator.credentials.create` answers, in JSON."""
    relying_party = relying_party or options["rp"]["id"]
    credential_id = secrets.token_bytes(32)
    client = {"type": "webauthn.create", "challenge": challenge or options["challenge"], "origin": origin, "crossOrigin": False}
    data = hashlib.sha256(relying_party.encode()).digest() + bytes([flags]) + bytes(4)
    data += bytes(16) + len(credential_id).to_bytes(2, "big") + credential_id + cbor(key or es256())
    return {
        "id": b64(credential_id),
        "rawId": b64(credential_id),
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": b64(json.dumps(client).encode()),
            "attestationObject": b64(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["usb"],
        },
    }


class Passkeys:
    def __init__(self, system):
        self.pool = Pool(system, "OPTIONAL")
        self.public = system.public
        pool_id = self.pool.pool_id
        disabled = self.pool.token(*self.pool.user())
        expect_error("WebAuthnNotEnabledException", self.public.start_web_authn_registration, "a pool without passkeys", AccessToken=disabled)
        policy = {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}
        system.admin.update_user_pool(UserPoolId=pool_id, MfaConfiguration="OPTIONAL", Policies={"SignInPolicy": policy})
        expect_error("WebAuthnConfigurationMissingException", self.public.start_web_authn_registration, "no relying party", AccessToken=disabled)
        passkeys = {"RelyingPartyId": RELYING_PARTY, "UserVerification": "required"}
        system.admin.set_user_pool_mfa_config(UserPoolId=pool_id, WebAuthnConfiguration=passkeys, SoftwareTokenMfaConfiguration={"Enabled": True})
        self.name, password = self.pool.user()
        self.token = self.pool.token(self.name, password)

    def start(self):
        return self.public.start_web_authn_registration(AccessToken=self.token)["CredentialCreationOptions"]

    def complete(self, credential):
        self.public.complete_web_authn_registration(AccessToken=self.token, Credential=credential)

    def registered_and_deleted(self):
        options = self.start()
        expect_equal(options["rp"], {"id": RELYING_PARTY, "name": RELYING_PARTY}, "rp")
        expect_equal(options["user"]["name"], self.name, "user")
        algorithms = [parameter["alg"] for parameter in options["pubKeyCredParams"]]
        expect({-7, -257} <= set(algorithms), "pubKeyCredParams")
        expect_equal(options["authenticatorSelection"]["userVerification"], "required", "userVerification")
        made = []
        for key in (es256(), eddsa(), rs256()):
            credential = register(self.start(), key)
            self.complete(credential)
            made.append(credential["id"])
        excluded = [credential["id"] for credential in self.start()["excludeCredentials"]]
        expect_equal(sorted(excluded), sorted(made), "excludeCredentials")
        found, token = [], {}
        for _ in range(3):
            page = self.public.list_web_authn_credentials(AccessToken=self.token, MaxResults=1, **token)
            found += page["Credentials"]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
        expect(not token, "three passkeys are three pages")
        expect_equal(sorted(one["CredentialId"] for one in found), sorted(made), "the list")
        for one in found:
            shown = (one["RelyingPartyId"], one["FriendlyCredentialName"], one["AuthenticatorTransports"], one["AuthenticatorAttachment"])
            expect_equal(shown, (RELYING_PARTY, "Security key", ["usb"], "cross-platform"), "a passkey")
        factors = self.public.get_user_auth_factors(AccessToken=self.token)["ConfiguredUserAuthFactors"]
        expect_equal(factors, ["PASSWORD", "WEB_AUTHN"], "ConfiguredUserAuthFactors")
        delete = self.public.delete_web_authn_credential
        for one in made:
            delete(AccessToken=self.token, CredentialId=one)
        expect_error("ResourceNotFoundException", delete, "a deleted passkey", AccessToken=self.token, CredentialId=made[0])
        expect_equal(self.public.list_web_authn_credentials(AccessToken=self.token)["Credentials"], [], "none is left")

    def refused(self):
        options = self.start()
        cases = [
            ("WebAuthnOriginNotAllowedException", {"origin": "https://evil.org"}),
            ("WebAuthnRelyingPartyMismatchException", {"relying_party": "evil.org"}),
            ("WebAuthnCredentialNotSupportedException", {"flags": 0x41}),
            ("WebAuthnCredentialNotSupportedException", {"key": {1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)}}),
            ("WebAuthnChallengeNotFoundException", {"challenge": b64(secrets.token_bytes(32))}),
        ]
        for name, wrong in cases:
            self.refusal(name, register(options, **wrong), f"{wrong}")
        for nonsense in ({}, {"id": "x"}, {**register(options), "type": "password"}):
            self.refusal("InvalidParameterException", nonsense, "what no browser sends")
        good = register(options)
        self.complete(good)
        self.refusal("WebAuthnChallengeNotFoundException", good, "a used challenge")

    def refusal(self, name, credential, what):
        try:
            self.complete(credential)
        except ClientError as error:
            expect_equal(error.response["Error"]["Code"], name, what)
            return
        expect(False, f"{what}: expected {name}")


if __name__ == "__main__":
    run(check)
