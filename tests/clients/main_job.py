"""The main job by boto3 and PyJWT: sign up, sign in, call an API through the edge, sign out everywhere; then the admin's part."""

import json
import secrets

from system import (
    expect,
    expect_equal,
    expect_error,
    fetch,
    is_uuid,
    new_email,
    new_password,
    run,
    secret_hash,
)

FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
WRONG = "Incorrect username or password."


def check(system, _):
    person = sign_up(system)
    tokens = sign_in(system, person)
    tokens = refresh(system, tokens)
    revoke_one_session(system, person)
    sign_out_everywhere(system, person, tokens)
    sign_in_within_the_second(system, person)
    admin = Admin(system)
    admin.pool()
    admin.client_with_secret()
    admin.new_password_required()
    admin.set_password()
    admin.groups()
    admin.sign_out()
    admin.disable()
    admin.no_self_sign_up()
    demo_pool_admin(system)


def sign_up(system):
    public, email, password = system.public, new_email(), new_password()
    request = {
        "ClientId": system.client_id,
        "Username": email,
        "Password": password,
        "UserAttributes": [{"Name": "email", "Value": email}],
    }
    expect_error("InvalidPasswordException", public.sign_up, "SignUp, weak password", **{**request, "Password": "short"})
    answer = public.sign_up(**request)
    expect_equal(answer["UserConfirmed"], False, "SignUp: UserConfirmed")
    expect(is_uuid(answer["UserSub"]), f"SignUp: UserSub is no UUID: {answer['UserSub']}")
    delivery = answer["CodeDeliveryDetails"]
    expect_equal((delivery["DeliveryMedium"], delivery["AttributeName"]), ("EMAIL", "email"), "SignUp: delivery")
    expect_equal(delivery["Destination"], "u***@e***", "SignUp: masked destination")
    message = expect_error("UsernameExistsException", public.sign_up, "SignUp, again", **request)
    expect_equal(message, "User already exists", "SignUp, again: message")

    sign_in = {
        "ClientId": system.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": email, "PASSWORD": password},
    }
    expect_error("UserNotConfirmedException", public.initiate_auth, "InitiateAuth before confirmation", **sign_in)
    first = system.codes_to(email)[-1]
    public.resend_confirmation_code(ClientId=system.client_id, Username=email)
    second = system.codes_to(email, count=2)[-1]
    wrong = next(code for code in ("000000", "111111", "222222") if code not in (first, second))
    confirm = {"ClientId": system.client_id, "Username": email}
    expect_error(
        "CodeMismatchException", public.confirm_sign_up, "ConfirmSignUp, wrong code", **confirm, ConfirmationCode=wrong
    )
    public.confirm_sign_up(**confirm, ConfirmationCode=second)
    return {"email": email, "password": password, "sub": answer["UserSub"]}


def sign_in(system, person):
    for username, password in [(person["email"], "Wrong-" + person["password"]), (new_email(), person["password"])]:
        message = expect_error(
            "NotAuthorizedException",
            system.public.initiate_auth,
            "InitiateAuth, wrong password or unknown user",
            ClientId=system.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
        expect_equal(message, WRONG, "InitiateAuth, wrong password or unknown user: message")
    tokens = system.sign_in(person["email"], person["password"])
    expect_equal(tokens["TokenType"], "Bearer", "TokenType")
    expect(0 < tokens["ExpiresIn"] <= 86400, f"ExpiresIn is {tokens['ExpiresIn']}")

    access, identity = system.verify(tokens["AccessToken"], "access"), system.verify(tokens["IdToken"], "id")
    expect_equal(access["sub"], person["sub"], "sub of the access token")
    expect_equal(identity["sub"], person["sub"], "sub of the ID token")
    expect_equal(identity["email"], person["email"], "email in the ID token")
    expect_equal(identity["email_verified"], True, "email_verified in the ID token")
    expect_equal(access["username"], identity["cognito:username"], "user name in both tokens")
    expect("aws.cognito.signin.user.admin" in access["scope"].split(), "scope of the access token")
    expect_equal(access["origin_jti"], identity["origin_jti"], "origin_jti of both tokens")
    expect(access["jti"] != identity["jti"], "both tokens have the same jti")
    expect_equal(access["exp"] - access["iat"], tokens["ExpiresIn"], "ExpiresIn")
    keys = json.loads(fetch(f"{system.issuer}/{system.pool_id}/.well-known/jwks.json"))["keys"]
    expect(all(set(key) <= {"kty", "alg", "use", "kid", "n", "e"} for key in keys), "the JWKS shows more than public keys")

    user = system.public.get_user(AccessToken=tokens["AccessToken"])
    attributes = {attribute["Name"]: attribute["Value"] for attribute in user["UserAttributes"]}
    expect_equal(user["Username"], access["username"], "GetUser: Username")
    wanted = {"sub": person["sub"], "email": person["email"], "email_verified": "true"}
    expect_equal({name: attributes.get(name) for name in wanted}, wanted, "GetUser: attributes")

    system.expect_edge(None, 401, "no token")
    answer = system.expect_edge(tokens["AccessToken"], 200, "access token")
    expect(answer.header("x-request-id"), "edge: an answer without x-request-id")
    return tokens


def refresh(system, tokens):
    def again(token):
        return system.public.initiate_auth(
            ClientId=system.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token}
        )

    fresh = again(tokens["RefreshToken"])["AuthenticationResult"]
    expect("RefreshToken" not in fresh, "REFRESH_TOKEN_AUTH must not return a refresh token (rotation is off)")
    old, new = system.verify(tokens["AccessToken"], "access"), system.verify(fresh["AccessToken"], "access")
    system.verify(fresh["IdToken"], "id")
    for claim in ("auth_time", "origin_jti", "sub", "username"):
        expect_equal(new[claim], old[claim], f"{claim} after a refresh")
    expect(new["jti"] != old["jti"], "a refresh returned the old jti")
    system.expect_edge(fresh["AccessToken"], 200, "refreshed access token")
    expect_error(
        "NotAuthorizedException",
        system.public.initiate_auth,
        "refresh with an access token",
        ClientId=system.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["AccessToken"]},
    )
    return {**tokens, "Refreshed": fresh["AccessToken"]}


def revoke_one_session(system, person):
    """RevokeToken ends one session, its access tokens included, and no other."""
    doomed = system.sign_in(person["email"], person["password"])
    other = system.sign_in(person["email"], person["password"])
    system.public.revoke_token(Token=doomed["RefreshToken"], ClientId=system.client_id)
    system.expect_refusal(doomed["AccessToken"], "the access token of a revoked session")
    expect_error(
        "NotAuthorizedException", system.public.get_user, "GetUser, revoked", AccessToken=doomed["AccessToken"]
    )
    system.expect_edge(other["AccessToken"], 200, "the other session of the same user")
    system.public.revoke_token(Token=doomed["RefreshToken"], ClientId=system.client_id)  # a second time is no error


def sign_out_everywhere(system, person, tokens):
    other = system.sign_in(person["email"], person["password"])
    system.public.global_sign_out(AccessToken=tokens["AccessToken"])
    for name, token in [("first", tokens["AccessToken"]), ("refreshed", tokens["Refreshed"]), ("other", other["AccessToken"])]:
        system.expect_refusal(token, f"the {name} access token after GlobalSignOut")
        expect_error("NotAuthorizedException", system.public.get_user, "GetUser after GlobalSignOut", AccessToken=token)
    for token in (tokens["RefreshToken"], other["RefreshToken"]):
        expect_error(
            "NotAuthorizedException",
            system.public.initiate_auth,
            "refresh after GlobalSignOut",
            ClientId=system.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )


def sign_in_within_the_second(system, person):
    """iat has whole seconds; the next sign-in must live and the older token must not, whatever the second."""
    same_second = 0
    for _ in range(5):
        before = system.sign_in(person["email"], person["password"])
        system.public.global_sign_out(AccessToken=before["AccessToken"])
        after = system.sign_in(person["email"], person["password"])
        system.expect_edge(after["AccessToken"], 200, "token of a sign-in right after a sign-out")
        system.expect_refusal(before["AccessToken"], "token from before the sign-out")
        system.expect_edge(after["AccessToken"], 200, "the newer token, a little later")
        old, new = system.verify(before["AccessToken"], "access"), system.verify(after["AccessToken"], "access")
        same_second += old["iat"] == new["iat"]
    expect(same_second > 0, "no sign-in fell into the second of its sign-out: nothing was tested")


class Admin:
    """An administrator with a pool of their own."""

    def __init__(self, system):
        self.system, self.cognito, self.public = system, system.admin, system.public
        self.username, self.password = f"worker-{secrets.token_hex(4)}", new_password()

    def pool(self):
        name = f"pool {secrets.token_hex(4)}"
        made = self.cognito.create_user_pool(PoolName=name, AutoVerifiedAttributes=["email"])["UserPool"]
        self.pool_id = made["Id"]
        expect(self.pool_id.startswith(f"{self.system.region}_"), f"pool id {self.pool_id} lacks the region")
        described = self.cognito.describe_user_pool(UserPoolId=self.pool_id)["UserPool"]
        expect_equal(described["Name"], name, "DescribeUserPool: Name")
        expect_equal(described["AutoVerifiedAttributes"], ["email"], "DescribeUserPool: AutoVerifiedAttributes")
        policy = described["Policies"]["PasswordPolicy"]
        expect_equal(policy["MinimumLength"], 8, "default password policy: MinimumLength")
        names = {attribute["Name"] for attribute in described["SchemaAttributes"]}
        expect({"sub", "email", "phone_number", "updated_at"} <= names, f"standard attributes are missing: {names}")
        expect_equal(described["EstimatedNumberOfUsers"], 0, "EstimatedNumberOfUsers")
        configuration = json.loads(fetch(f"{self.system.issuer}/{self.pool_id}/.well-known/openid-configuration"))
        self.iss = configuration["issuer"]
        expect(self.iss != self.system.iss, "two pools have one issuer string")

    def client_with_secret(self):
        made = self.cognito.create_user_pool_client(
            UserPoolId=self.pool_id, ClientName="server", GenerateSecret=True, ExplicitAuthFlows=FLOWS
        )["UserPoolClient"]
        self.client_id, self.secret = made["ClientId"], made["ClientSecret"]
        expect(24 <= len(self.secret) <= 64, "ClientSecret has a wrong length")
        request = {
            "ClientId": self.client_id,
            "Username": self.username,
            "Password": self.password,
            "UserAttributes": [{"Name": "email", "Value": new_email()}],
        }
        message = expect_error("NotAuthorizedException", self.public.sign_up, "SignUp without SECRET_HASH", **request)
        expect("SECRET_HASH was not received" in message, f"SignUp without SECRET_HASH says {message!r}")
        wrong = secret_hash(self.client_id, self.secret, "someone-else")
        message = expect_error(
            "NotAuthorizedException", self.public.sign_up, "SignUp, wrong SECRET_HASH", **request, SecretHash=wrong
        )
        expect("Unable to verify secret hash" in message, f"SignUp with a wrong SECRET_HASH says {message!r}")
        self.public.sign_up(**request, SecretHash=self._hash())
        for parameters in ({}, {"SECRET_HASH": wrong}):
            expect_error(
                "NotAuthorizedException",
                self.public.initiate_auth,
                "InitiateAuth without the right SECRET_HASH",
                ClientId=self.client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": self.username, "PASSWORD": self.password, **parameters},
            )

    def new_password_required(self):
        self.username, temporary = f"worker-{secrets.token_hex(4)}", new_password()
        attributes = [{"Name": "email", "Value": new_email()}, {"Name": "email_verified", "Value": "true"}]
        made = self.cognito.admin_create_user(
            UserPoolId=self.pool_id,
            Username=self.username,
            TemporaryPassword=temporary,
            MessageAction="SUPPRESS",
            UserAttributes=attributes,
        )["User"]
        expect_equal(made["UserStatus"], "FORCE_CHANGE_PASSWORD", "AdminCreateUser: UserStatus")
        expect_equal((made["Username"], made["Enabled"]), (self.username, True), "AdminCreateUser: user")
        expect_error(
            "UsernameExistsException",
            self.cognito.admin_create_user,
            "AdminCreateUser, again",
            UserPoolId=self.pool_id,
            Username=self.username,
        )
        challenge = self._initiate(temporary)
        expect_equal(challenge.get("ChallengeName"), "NEW_PASSWORD_REQUIRED", "sign-in by a temporary password")
        expect("AuthenticationResult" not in challenge, "tokens were given for a temporary password")
        shown = json.loads(challenge["ChallengeParameters"]["userAttributes"])
        expect_equal(shown.get("email"), attributes[0]["Value"], "userAttributes of NEW_PASSWORD_REQUIRED")
        json.loads(challenge["ChallengeParameters"]["requiredAttributes"])
        responses = {"USERNAME": self.username, "SECRET_HASH": self._hash()}
        respond = {"ClientId": self.client_id, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": challenge["Session"]}
        self.password = new_password()
        done = self.public.respond_to_auth_challenge(
            **respond, ChallengeResponses={**responses, "NEW_PASSWORD": self.password}
        )
        self._verify(done["AuthenticationResult"])
        expect_error(
            "NotAuthorizedException",
            self.public.respond_to_auth_challenge,
            "a second answer to the same challenge",
            **respond,
            ChallengeResponses={**responses, "NEW_PASSWORD": new_password()},
        )
        self._refused(temporary, "the temporary password after the change")

    def set_password(self):
        old, self.password = self.password, new_password()
        tokens = self._tokens(old)
        self.cognito.admin_set_user_password(
            UserPoolId=self.pool_id, Username=self.username, Password=self.password, Permanent=True
        )
        self._refused(old, "the old password after AdminSetUserPassword")
        self._tokens(self.password)
        expect_error(
            "NotAuthorizedException",
            self.public.get_user,
            "a token from before the password change",
            AccessToken=tokens["AccessToken"],
        )
        expect_error(
            "InvalidPasswordException",
            self.cognito.admin_set_user_password,
            "AdminSetUserPassword, weak",
            UserPoolId=self.pool_id,
            Username=self.username,
            Password="short",
            Permanent=True,
        )
        expect_error(
            "UserNotFoundException",
            self.cognito.admin_set_user_password,
            "AdminSetUserPassword, unknown user",
            UserPoolId=self.pool_id,
            Username="nobody",
            Password=new_password(),
            Permanent=True,
        )

    def groups(self):
        before = self._verify(self._tokens(self.password))
        expect(all("cognito:groups" not in claims for claims in before), "cognito:groups before any group")
        for name, precedence in [("staff", 2), ("admins", 1)]:
            group = self.cognito.create_group(UserPoolId=self.pool_id, GroupName=name, Precedence=precedence)["Group"]
            expect_equal((group["GroupName"], group["Precedence"]), (name, precedence), "CreateGroup")
            self.cognito.admin_add_user_to_group(UserPoolId=self.pool_id, Username=self.username, GroupName=name)
        expect_error(
            "GroupExistsException", self.cognito.create_group, "CreateGroup, again", UserPoolId=self.pool_id, GroupName="staff"
        )
        expect_error(
            "ResourceNotFoundException",
            self.cognito.admin_add_user_to_group,
            "AdminAddUserToGroup, unknown group",
            UserPoolId=self.pool_id,
            Username=self.username,
            GroupName="nothing",
        )
        for claims in self._verify(self._tokens(self.password)):
            expect_equal(sorted(claims["cognito:groups"]), ["admins", "staff"], f"groups in the {claims['token_use']} token")

    def sign_out(self):
        tokens = self._tokens(self.password)
        self.cognito.admin_user_global_sign_out(UserPoolId=self.pool_id, Username=self.username)
        self._dead(tokens, "AdminUserGlobalSignOut")
        self._tokens(self.password)

    def disable(self):
        tokens = self._tokens(self.password)
        self.cognito.admin_disable_user(UserPoolId=self.pool_id, Username=self.username)
        self._dead(tokens, "AdminDisableUser")
        message = self._refused(self.password, "sign-in of a disabled user")
        expect_equal(message, "User is disabled.", "sign-in of a disabled user: message")

    def no_self_sign_up(self):
        pool = self.cognito.create_user_pool(
            PoolName="closed", AdminCreateUserConfig={"AllowAdminCreateUserOnly": True}
        )["UserPool"]["Id"]
        client = self.cognito.create_user_pool_client(UserPoolId=pool, ClientName="any")["UserPoolClient"]
        expect("ClientSecret" not in client, "a client without GenerateSecret has a secret")
        expect_error(
            "NotAuthorizedException",
            self.public.sign_up,
            "SignUp where only administrators may",
            ClientId=client["ClientId"],
            Username="someone",
            Password=new_password(),
        )

    def _hash(self):
        return secret_hash(self.client_id, self.secret, self.username)

    def _initiate(self, password):
        parameters = {"USERNAME": self.username, "PASSWORD": password, "SECRET_HASH": self._hash()}
        return self.public.initiate_auth(
            ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )

    def _tokens(self, password):
        answer = self._initiate(password)
        expect("AuthenticationResult" in answer, f"sign-in asks for {answer.get('ChallengeName')} instead")
        return answer["AuthenticationResult"]

    def _verify(self, tokens):
        at = {"pool_id": self.pool_id, "client_id": self.client_id, "iss": self.iss}
        return [self.system.verify(tokens["AccessToken"], "access", **at), self.system.verify(tokens["IdToken"], "id", **at)]

    def _refused(self, password, what):
        parameters = {"USERNAME": self.username, "PASSWORD": password, "SECRET_HASH": self._hash()}
        return expect_error(
            "NotAuthorizedException",
            self.public.initiate_auth,
            what,
            ClientId=self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters=parameters,
        )

    def _dead(self, tokens, after):
        expect_error(
            "NotAuthorizedException", self.public.get_user, f"GetUser after {after}", AccessToken=tokens["AccessToken"]
        )
        parameters = {"REFRESH_TOKEN": tokens["RefreshToken"], "SECRET_HASH": self._hash()}
        expect_error(
            "NotAuthorizedException",
            self.public.initiate_auth,
            f"refresh after {after}",
            ClientId=self.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters=parameters,
        )


def demo_pool_admin(system):
    """What an administrator does to a user of the demo pool reaches the edge."""
    for name in ("admin_user_global_sign_out", "admin_disable_user"):
        email, password, _ = system.sign_up()
        token = system.sign_in(email, password)["AccessToken"]
        system.expect_edge(token, 200, f"before {name}")
        getattr(system.admin, name)(UserPoolId=system.pool_id, Username=email)
        system.expect_refusal(token, f"a token after {name}")


run(check)
