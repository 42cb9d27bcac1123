"""Users by boto3: attributes, codes, names that follow addresses, confirming, enabling and deleting, with inputs drawn at random.

Usage: users.py UP_JSON [SEED]. Operations and texts: Cognito's service model and documentation.
"""

import json
import random
import secrets
import unicodedata

from system import expect, expect_equal, expect_error, is_uuid, new_email, new_password, run

FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
UNAUTHORIZED = "A client attempted to write unauthorized attribute"
ABSENT = "User does not exist."
TEXT_ATTRIBUTES = ["address", "family_name", "gender", "given_name", "locale", "name", "nickname", "profile", "website", "zoneinfo"]
# Blocks of which words are drawn: Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai, kana, CJK, Hangul, emoji.
BLOCKS = [
    (0x21, 0x7E), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A), (0x904, 0x939),
    (0xE01, 0xE30), (0x3041, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF),
]  # fmt: skip


def check(system, arguments):
    seed = int(arguments[0]) if arguments else secrets.randbits(32)
    print(f"users.py: seed {seed}")
    draw = Draw(random.Random(seed))
    tokens_of_the_deleted_are_dead(system, system.public.delete_user, by_token=True)
    tokens_of_the_deleted_are_dead(system, system.admin.admin_delete_user, by_token=False)
    enabling_revives_nothing(system)
    people = People(system, draw)
    people.confirmed_by_an_administrator()
    people.attributes()
    people.what_users_may_not_write()
    people.codes()
    people.aliases()
    people.forced_aliases()
    people.administrators()
    people.nobody()
    addresses = Addresses(system, draw)
    addresses.old_value_stays_until_the_code()
    addresses.taken()
    addresses.new_password_required()
    return f"seed {seed}, {draw.count} values"


class Draw:
    """Values that nobody has chosen."""

    def __init__(self, source):
        self.source, self.count = source, 0

    def text(self, longest=40, alphabet=None):
        self.count += 1
        length = self.source.randint(1, longest)
        return "".join(self.letter() if alphabet is None else self.source.choice(alphabet) for _ in range(length))

    def letter(self):
        while True:
            letter = chr(self.source.randint(*self.source.choice(BLOCKS)))
            if unicodedata.category(letter)[0] in "LMSNP":
                return letter

    def username(self):
        # '@' and a leading '+' would make it look like an address; the hexadecimal tail makes it nobody else's.
        return self.text(24).replace("@", "a").replace("+", "p") + secrets.token_hex(4)

    def email(self):
        # Decomposed on purpose: names are compared in one form.
        return unicodedata.normalize("NFD", self.source.choice("äéñüçB")) + secrets.token_hex(6) + "@Example.com"

    def phone(self):
        self.count += 1
        return "+49151" + "".join(str(self.source.randint(0, 9)) for _ in range(8))


def as_map(attributes):
    return {attribute["Name"]: attribute["Value"] for attribute in attributes}


def as_list(attributes):
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


# Tokens, at the edge


def tokens_of_the_deleted_are_dead(system, delete, by_token):
    what = "DeleteUser" if by_token else "AdminDeleteUser"
    email, password, sub = system.sign_up()
    tokens, other = system.sign_in(email, password), system.sign_in(email, password)
    system.expect_edge(tokens["AccessToken"], 200, f"before {what}")
    named = {"AccessToken": tokens["AccessToken"]} if by_token else {"UserPoolId": system.pool_id, "Username": email}
    answer = delete(**named)
    expect_equal(set(answer), {"ResponseMetadata"}, f"{what}: an answer without members")
    for token in (tokens, other):
        system.expect_refusal(token["AccessToken"], f"token of who is gone by {what}")
        message = expect_error("UserNotFoundException", system.public.get_user, f"GetUser after {what}", AccessToken=token["AccessToken"])
        expect_equal(message, ABSENT, f"GetUser after {what}")
        refresh_is_refused(system, token, f"refresh after {what}")
    expect_error("UserNotFoundException", delete, f"{what}, again", **named)
    user = {"UserPoolId": system.pool_id, "Username": email}
    expect_error("UserNotFoundException", system.admin.admin_get_user, f"AdminGetUser after {what}", **user)
    expect_error("NotAuthorizedException", system.sign_in, f"sign-in after {what}", username=email, password=password)
    # The name is free, and who takes it is someone else.
    again = sign_up_again(system, email, password)
    expect(again != sub, f"the name of a deleted user came back with the old sub after {what}")
    fresh = system.sign_in(email, password)
    system.expect_edge(fresh["AccessToken"], 200, "token of who took the name")
    system.expect_edge(tokens["AccessToken"], 401, "old token under a name that is taken again")
    expect_error("UserNotFoundException", system.public.get_user, "GetUser by the old token", AccessToken=tokens["AccessToken"])
    expect_equal(as_map(system.public.get_user(AccessToken=fresh["AccessToken"])["UserAttributes"])["sub"], again, "sub of the new user")
    refresh_is_refused(system, tokens, "refresh by the old token under a name that is taken again")


def sign_up_again(system, email, password):
    """The `sub` of a new user under a name that another had."""
    attributes = as_list({"email": email})
    request = {"ClientId": system.client_id, "Username": email}
    sub = system.public.sign_up(**request, Password=password, UserAttributes=attributes)["UserSub"]
    system.public.confirm_sign_up(**request, ConfirmationCode=system.codes_to(email, count=2)[-1])
    return sub


def enabling_revives_nothing(system):
    email, password, sub = system.sign_up()
    tokens = system.sign_in(email, password)
    system.expect_edge(tokens["AccessToken"], 200, "before AdminDisableUser")
    user = {"UserPoolId": system.pool_id, "Username": sub}
    system.admin.admin_disable_user(**user)
    expect_equal(system.admin.admin_get_user(**user)["Enabled"], False, "AdminGetUser: Enabled after AdminDisableUser")
    system.expect_refusal(tokens["AccessToken"], "token of a disabled user")
    message = expect_error("NotAuthorizedException", system.sign_in, "sign-in of a disabled user", username=email, password=password)
    expect_equal(message, "User is disabled.", "sign-in of a disabled user")
    for _ in range(2):
        system.admin.admin_enable_user(**user)
    expect_equal(system.admin.admin_get_user(**user)["Enabled"], True, "AdminGetUser: Enabled after AdminEnableUser")
    for _ in range(5):
        system.expect_edge(tokens["AccessToken"], 401, "old token after AdminEnableUser")
    expect_error("NotAuthorizedException", system.public.get_user, "GetUser, enabled again", AccessToken=tokens["AccessToken"])
    refresh_is_refused(system, tokens, "refresh after AdminEnableUser")
    system.expect_edge(system.sign_in(email, password)["AccessToken"], 200, "a new token after AdminEnableUser")


def refresh_is_refused(system, tokens, what):
    parameters = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    flow = {"ClientId": system.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters}
    expect_error("NotAuthorizedException", system.public.initiate_auth, what, **flow)


# Pools of this program's own


class Pool:
    def __init__(self, system, **settings):
        self.system, self.admin, self.public = system, system.admin, system.public
        made = self.admin.create_user_pool(PoolName=f"users {secrets.token_hex(4)}", **settings)["UserPool"]
        self.pool_id = made["Id"]
        self.client_id = self.client()

    def client(self, **settings):
        made = self.admin.create_user_pool_client(
            UserPoolId=self.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS, **settings
        )
        return made["UserPoolClient"]["ClientId"]

    def create(self, username, attributes, **settings):
        """A user with a permanent password; (sub, password)."""
        password = new_password()
        request = {"MessageAction": "SUPPRESS", "UserAttributes": as_list(attributes), **settings}
        made = self.admin.admin_create_user(UserPoolId=self.pool_id, Username=username, **request)["User"]
        self.admin.admin_set_user_password(UserPoolId=self.pool_id, Username=username, Password=password, Permanent=True)
        return as_map(made["Attributes"])["sub"], password

    def sign_in(self, username, password, client_id=None):
        answer = self.public.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
        return answer["AuthenticationResult"]["AccessToken"]

    def signs_nobody_in(self, username, password, what):
        expect_error("UserNotFoundException", self.sign_in, what, username=username, password=password)

    def get(self, username):
        return self.admin.admin_get_user(UserPoolId=self.pool_id, Username=username)

    def of(self, username):
        return as_map(self.get(username)["UserAttributes"])

    def set(self, username, **attributes):
        self.admin.admin_update_user_attributes(
            UserPoolId=self.pool_id, Username=username, UserAttributes=as_list(attributes)
        )

    def update(self, token, **attributes):
        answer = self.public.update_user_attributes(AccessToken=token, UserAttributes=as_list(attributes))
        return answer["CodeDeliveryDetailsList"]

    def wrong(self, *codes):
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in codes)

    def refused(self, name, call, what, wanted=None, **parameters):
        message = expect_error(name, call, what, **parameters)
        if wanted is not None:
            expect_equal(message, wanted, f"{what}: message")
        return message


class People(Pool):
    """A pool with aliases, own attributes, and e-mail addresses and phone numbers that are verified by code."""

    def __init__(self, system, draw):
        own = [
            {"Name": "note", "AttributeDataType": "String", "StringAttributeConstraints": {"MaxLength": "256"}},
            {"Name": "count", "AttributeDataType": "Number", "NumberAttributeConstraints": {"MinValue": "-5", "MaxValue": "5"}},
            {"Name": "fixed", "AttributeDataType": "String", "Mutable": False},
            {"Name": "inner", "AttributeDataType": "String", "DeveloperOnlyAttribute": True},
            {"Name": "name", "AttributeDataType": "String", "Required": True, "Mutable": True},
        ]
        super().__init__(
            system,
            AliasAttributes=["email", "phone_number", "preferred_username"],
            AutoVerifiedAttributes=["email", "phone_number"],
            Schema=own,
        )
        self.draw = draw

    def person(self, **attributes):
        username = self.draw.username()
        sub, password = self.create(username, {"name": self.draw.text(), **attributes})
        return username, password, sub

    def confirmed_by_an_administrator(self):
        username, password, email = self.draw.username(), new_password(), self.draw.email()
        answer = self.public.sign_up(
            ClientId=self.client_id,
            Username=username,
            Password=password,
            UserAttributes=as_list({"name": self.draw.text(), "email": email}),
        )
        code = self.system.codes_to(email)[-1]
        user = {"UserPoolId": self.pool_id, "Username": username}
        expect_equal(self.get(username)["UserStatus"], "UNCONFIRMED", "AdminGetUser: UserStatus after SignUp")
        self.refused("UserNotConfirmedException", self.sign_in, "sign-in before confirmation", username=username, password=password)
        self.admin.admin_confirm_sign_up(**user)
        found = self.get(answer["UserSub"])
        expect_equal((found["Username"], found["UserStatus"], found["Enabled"]), (username, "CONFIRMED", True), "AdminGetUser")
        expect(as_map(found["UserAttributes"]).get("email_verified") != "true", "AdminConfirmSignUp verified an address")
        expect(found["UserLastModifiedDate"] >= found["UserCreateDate"], "AdminGetUser: dates")
        text = "User cannot be confirmed. Current status is CONFIRMED"
        self.refused("NotAuthorizedException", self.admin.admin_confirm_sign_up, "AdminConfirmSignUp, again", text, **user)
        confirm = {"ClientId": self.client_id, "Username": username, "ConfirmationCode": code}
        self.refused("NotAuthorizedException", self.public.confirm_sign_up, "ConfirmSignUp after the administrator", text, **confirm)
        self.sign_in(username, password)

    def attributes(self):
        username, password, sub = self.person(**{"custom:fixed": self.draw.text()})
        token = self.sign_in(username, password)
        for _ in range(8):
            names = self.draw.source.sample(TEXT_ATTRIBUTES, 4)
            values = {name: self.draw.text(200) for name in names}
            values["custom:note"] = self.draw.text(256)
            values["custom:count"] = str(self.draw.source.randint(-5, 5))
            expect_equal(self.update(token, **values), [], "UpdateUserAttributes without an address: CodeDeliveryDetailsList")
            mine = as_map(self.public.get_user(AccessToken=token)["UserAttributes"])
            expect_equal({name: mine.get(name) for name in values}, values, "GetUser after UpdateUserAttributes")
            expect_equal(mine["sub"], sub, "GetUser: sub")
            expect_equal(self.of(username), mine, "AdminGetUser and GetUser")
        modified = self.get(username)["UserLastModifiedDate"]
        gone = ["custom:note", self.draw.source.choice([name for name in mine if name in TEXT_ATTRIBUTES and name != "name"])]
        self.public.delete_user_attributes(AccessToken=token, UserAttributeNames=gone)
        self.public.delete_user_attributes(AccessToken=token, UserAttributeNames=gone)  # a second time is no error
        expect(not set(gone) & set(self.of(username)), "DeleteUserAttributes left an attribute")
        expect(self.get(username)["UserLastModifiedDate"] >= modified, "UserLastModifiedDate went back")
        self.update(token, **{"custom:count": ""})
        expect("custom:count" not in self.of(username), "a blank value removes the attribute")
        # What a client may not read is not shown to its users.
        reader = self.client(ReadAttributes=["name"], WriteAttributes=["name"])
        shown = as_map(self.public.get_user(AccessToken=self.sign_in(username, password, reader))["UserAttributes"])
        expect_equal(set(shown), {"sub", "name"}, "GetUser by a client that may read one attribute")

    def what_users_may_not_write(self):
        username, password, _ = self.person(**{"custom:fixed": "x", "email": self.draw.email(), "email_verified": "true"})
        token, before = self.sign_in(username, password), self.of(username)
        narrow = self.sign_in(username, password, self.client(WriteAttributes=["name", "email"]))
        update, delete = self.public.update_user_attributes, self.public.delete_user_attributes
        parameter, authorized = "InvalidParameterException", "NotAuthorizedException"
        cases = [
            (token, "email_verified", "true", authorized),
            (token, "email_verified", "false", authorized),
            (token, "phone_number_verified", "true", authorized),
            (token, "dev:custom:inner", "x", authorized),
            (token, "identities", "[]", authorized),
            (token, "sub", before["sub"], parameter),
            (token, "cognito:groups", "admin", parameter),
            (token, "cognito:user_status", "CONFIRMED", parameter),
            (token, "custom:fixed", self.draw.text(), parameter),
            (token, "custom:absent", self.draw.text(), parameter),
            (token, "custom:count", "6", parameter),
            (token, "custom:count", "ten", parameter),
            (token, "custom:note", "n" * 257, parameter),
            (token, "email", "no address", parameter),
            (token, "phone_number", "0151", parameter),
            (token, "name", "", parameter),
            (narrow, "nickname", self.draw.text(), authorized),
            (narrow, "custom:note", self.draw.text(), authorized),
        ]
        for caller, name, value, exception in cases:
            request = {"AccessToken": caller, "UserAttributes": as_list({"nickname" if caller == token else "name": "good", name: value})}
            message = self.refused(exception, update, f"UpdateUserAttributes of {name}", **request)
            if exception == authorized:
                expect_equal(message, UNAUTHORIZED, f"UpdateUserAttributes of {name}")
        fixed = {"AccessToken": token, "UserAttributes": as_list({"custom:fixed": "y"})}
        self.refused(parameter, update, "a fixed attribute", "user.custom:fixed: Attribute cannot be updated.\n", **fixed)
        for caller, name, exception in [
            (token, "name", parameter),
            (token, "sub", parameter),
            (token, "custom:fixed", parameter),
            (token, "email_verified", authorized),
            (token, "custom:absent", parameter),
            (narrow, "nickname", authorized),
        ]:
            request = {"AccessToken": caller, "UserAttributeNames": [name]}
            self.refused(exception, delete, f"DeleteUserAttributes of {name}", **request)
        twice = {"AccessToken": token, "UserAttributes": as_list({"nickname": "a"}) * 2}
        self.refused(parameter, update, "an attribute twice", **twice)
        expect_equal(self.of(username), before, "attributes after all refusals")

    def codes(self):
        username, password, _ = self.person()
        token, first, second = self.sign_in(username, password), self.draw.email(), self.draw.email()
        verify = self.public.verify_user_attribute
        mail = {"AccessToken": token, "AttributeName": "email"}
        self.refused("ExpiredCodeException", verify, "VerifyUserAttribute without a code", **mail, Code="123456")
        (sent,) = self.update(token, email=first)
        expect_equal((sent["AttributeName"], sent["DeliveryMedium"]), ("email", "EMAIL"), "CodeDeliveryDetailsList")
        expect("***@" in sent["Destination"] and first not in sent["Destination"], f"Destination is {sent['Destination']}")
        old = self.system.codes_to(first)[-1]
        self.update(token, email=second)
        new = self.system.codes_to(second)[-1]
        if old != new:
            self.refused("CodeMismatchException", verify, "the code of another address", **mail, Code=old)
        text = "Invalid verification code provided, please try again."
        self.refused("CodeMismatchException", verify, "a wrong code", text, **mail, Code=self.wrong(old, new))
        expect_equal(self.of(username)["email_verified"], "false", "email_verified before the code")
        verify(**mail, Code=new)
        expect_equal(self.of(username)["email_verified"], "true", "email_verified after the code")
        text = "Invalid code provided, please request a code again."
        self.refused("ExpiredCodeException", verify, "a code a second time", text, **mail, Code=new)
        # A code that is asked for goes to the present address; the newest counts.
        ask = self.public.get_user_attribute_verification_code
        expect_equal(ask(**mail)["CodeDeliveryDetails"]["AttributeName"], "email", "GetUserAttributeVerificationCode")
        again = self.system.codes_to(second, count=2)[-1]
        self.set(username, email_verified="false")
        verify(**mail, Code=again)
        phone = self.draw.phone()
        (sent,) = self.update(token, phone_number=phone)
        expect_equal((sent["AttributeName"], sent["DeliveryMedium"]), ("phone_number", "SMS"), "CodeDeliveryDetailsList")
        number = {"AccessToken": token, "AttributeName": "phone_number"}
        self.refused("CodeMismatchException", verify, "a code for another attribute", **number, Code=self.wrong(self.system.codes_to(phone)[-1]))
        verify(**number, Code=self.system.codes_to(phone)[-1])
        expect_equal(self.of(username)["phone_number_verified"], "true", "phone_number_verified after the code")
        # Guesses have an end, even with the right code.
        ask(**mail)
        right = self.system.codes_to(second, count=3)[-1]
        names = self.guess(verify, mail, self.wrong(right))
        expect_equal(names[-1], "LimitExceededException", f"guesses at a code: {names}")
        limit = "Attempt limit exceeded, please try after some time."
        self.refused("LimitExceededException", verify, "the right code after too many guesses", limit, **mail, Code=right)
        for _ in range(3):
            ask(**mail)
        self.refused("LimitExceededException", ask, "codes without end", limit, **mail)
        for name in ("sub", "nickname", "custom:note"):
            other = {"AccessToken": token, "AttributeName": name}
            self.refused("InvalidParameterException", ask, f"a code for {name}", **other)
            self.refused("InvalidParameterException", verify, f"verifying {name}", **other, Code="123456")
        self.public.delete_user_attributes(AccessToken=token, UserAttributeNames=["phone_number"])
        expect("phone_number_verified" not in self.of(username), "DeleteUserAttributes left phone_number_verified")
        self.refused("InvalidParameterException", ask, "a code for an address that is not there", **number)

    def guess(self, verify, request, code):
        names = []
        for _ in range(40):
            try:
                verify(**request, Code=code)
                expect(False, "a wrong code was taken")
            except self.public.exceptions.ClientError as error:
                names.append(error.response["Error"]["Code"])
            if names[-1] == "LimitExceededException":
                break
        expect(set(names) <= {"CodeMismatchException", "LimitExceededException"}, f"guesses at a code: {names}")
        return names

    def aliases(self):
        username, password, sub = self.person()
        token, email, preferred = self.sign_in(username, password), self.draw.email(), self.draw.username()
        self.update(token, email=email, preferred_username=preferred)
        self.signs_nobody_in(email, password, "sign-in by an address that is not verified")
        code = self.system.codes_to(email)[-1]
        self.public.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)
        for name in (username, email, unicodedata.normalize("NFC", email), preferred, sub):
            expect_equal(self.get(name)["Username"], username, f"AdminGetUser by {name!r}")
            if name != sub:
                self.sign_in(name, password)
        # Somebody else can have the address, but not verify it.
        other, other_password, _ = self.person()
        other_token = self.sign_in(other, other_password)
        self.update(other_token, email=email)
        stolen = self.system.codes_to(email, count=2)[-1]
        verify = {"AccessToken": other_token, "AttributeName": "email", "Code": stolen}
        text = "An account with the given email already exists."
        self.refused("AliasExistsException", self.public.verify_user_attribute, "verifying another's alias", text, **verify)
        set_by_admin = {"UserPoolId": self.pool_id, "Username": other, "UserAttributes": as_list({"email_verified": "true"})}
        self.refused("AliasExistsException", self.admin.admin_update_user_attributes, "another's alias", text, **set_by_admin)
        taken = {"AccessToken": other_token, "UserAttributes": as_list({"preferred_username": preferred})}
        text = "Already found an entry for the provided username."
        self.refused("AliasExistsException", self.public.update_user_attributes, "another's preferred_username", text, **taken)
        looks = {"AccessToken": other_token, "UserAttributes": as_list({"preferred_username": new_email()})}
        self.refused("InvalidParameterException", self.public.update_user_attributes, "an address as preferred_username", **looks)
        # The alias goes with the attribute.
        self.update(token, email=self.draw.email())
        self.signs_nobody_in(email, password, "sign-in by an address that was given up")
        self.public.verify_user_attribute(**verify)
        expect_equal(self.get(email)["Username"], other, "the alias that was given up")
        self.public.delete_user_attributes(AccessToken=token, UserAttributeNames=["preferred_username"])
        self.signs_nobody_in(preferred, password, "sign-in by a preferred_username that was deleted")
        self.update(other_token, preferred_username=preferred)
        expect_equal(self.get(preferred)["Username"], other, "the preferred_username that was given up")

    def forced_aliases(self):
        email = self.draw.email()
        loser, password, _ = self.person(email=email, email_verified="true")
        attributes = {"name": self.draw.text(), "email": email, "email_verified": "true"}
        make = {"UserPoolId": self.pool_id, "MessageAction": "SUPPRESS", "UserAttributes": as_list(attributes)}
        winner = self.draw.username()
        self.refused("AliasExistsException", self.admin.admin_create_user, "AdminCreateUser, taken alias", Username=winner, **make)
        self.admin.admin_create_user(Username=winner, ForceAliasCreation=True, **make)
        expect_equal(self.get(email)["Username"], winner, "who has a forced alias")
        left = self.of(loser)
        expect_equal((left["email"], left["email_verified"]), (email, "false"), "the address of who lost the alias")
        self.sign_in(loser, password)

    def administrators(self):
        username, password, sub = self.person()
        email, phone = self.draw.email(), self.draw.phone()
        self.set(username, **{"email": email, "email_verified": "true", "dev:custom:inner": self.draw.text(), "nickname": self.draw.text()})
        expect_equal(self.of(email)["email_verified"], "true", "AdminUpdateUserAttributes: email_verified")
        expect(not self.system.messages_to(email), "a code was sent to an address that the administrator vouched for")
        self.set(sub, phone_number=phone)
        expect_equal(self.of(username)["phone_number_verified"], "false", "AdminUpdateUserAttributes: phone_number_verified")
        code = self.system.codes_to(phone)[-1]
        token = self.sign_in(username, password)
        self.public.verify_user_attribute(AccessToken=token, AttributeName="phone_number", Code=code)
        self.set(username, email=self.draw.email())
        expect_equal(self.of(username)["email_verified"], "false", "email_verified after another address")
        update, delete = self.admin.admin_update_user_attributes, self.admin.admin_delete_user_attributes
        user = {"UserPoolId": self.pool_id, "Username": username}
        for name, value in [("sub", sub), ("custom:fixed", "x"), ("identities", "[]"), ("cognito:x", "y"), ("email_verified", "yes")]:
            self.refused("InvalidParameterException", update, f"AdminUpdateUserAttributes of {name}", **user, UserAttributes=as_list({name: value}))
        text = "Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n"
        self.refused("InvalidParameterException", update, "an unknown attribute", text, **user, UserAttributes=as_list({"custom:foo": "x"}))
        self.refused("InvalidParameterException", delete, "an unknown attribute", text, **user, UserAttributeNames=["custom:foo"])
        text = "user.name: Required attribute cannot be deleted.\n"
        self.refused("InvalidParameterException", delete, "a required attribute", text, **user, UserAttributeNames=["name"])
        delete(**user, UserAttributeNames=["nickname", "phone_number", "dev:custom:inner"])
        left = set(self.of(username))
        expect(not left & {"nickname", "phone_number", "phone_number_verified", "dev:custom:inner"}, f"left: {left}")
        self.signs_nobody_in(phone, password, "sign-in by a deleted phone number")

    def nobody(self):
        admin, unknown = self.admin, self.draw.username()
        calls = {
            admin.admin_get_user: {},
            admin.admin_confirm_sign_up: {},
            admin.admin_enable_user: {},
            admin.admin_delete_user: {},
            admin.admin_update_user_attributes: {"UserAttributes": as_list({"name": "x"})},
            admin.admin_delete_user_attributes: {"UserAttributeNames": ["nickname"]},
        }
        for call, members in calls.items():
            what = call.__name__
            self.refused("UserNotFoundException", call, f"{what}, unknown user", ABSENT, UserPoolId=self.pool_id, Username=unknown, **members)
            pool = f"{self.system.region}_Unknown00"
            self.refused("ResourceNotFoundException", call, f"{what}, unknown pool", UserPoolId=pool, Username=unknown, **members)
        public = self.public
        for call, members in {
            public.update_user_attributes: {"UserAttributes": as_list({"name": "x"})},
            public.delete_user_attributes: {"UserAttributeNames": ["nickname"]},
            public.get_user_attribute_verification_code: {"AttributeName": "email"},
            public.verify_user_attribute: {"AttributeName": "email", "Code": "123456"},
            public.delete_user: {},
        }.items():
            self.refused("NotAuthorizedException", call, f"{call.__name__}, no token of ours", AccessToken="e30.e30.e30", **members)


class Addresses(Pool):
    """A pool that signs in by e-mail address; a new address must be proven before it takes the place of the old one."""

    def __init__(self, system, draw):
        super().__init__(
            system,
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
        )
        self.draw = draw

    def person(self):
        email = self.draw.email()
        sub, password = self.create(email, {"email": email, "email_verified": "true"})
        expect(is_uuid(self.get(email)["Username"]), "where addresses sign in the user name is a UUID")
        return email, password, sub

    def old_value_stays_until_the_code(self):
        old, password, sub = self.person()
        token, mistyped, new = self.sign_in(old, password), self.draw.email(), self.draw.email()
        self.update(token, email=mistyped)
        lost = self.system.codes_to(mistyped)[-1]
        (sent,) = self.update(token, email=new)
        expect_equal(sent["AttributeName"], "email", "CodeDeliveryDetailsList of an address that waits")
        first = self.system.codes_to(new)[-1]
        shown = as_map(self.public.get_user(AccessToken=token)["UserAttributes"])
        expect_equal((shown["email"], shown["email_verified"]), (old, "true"), "the address before the code")
        self.sign_in(old, password)
        self.signs_nobody_in(new, password, "sign-in by an address that waits")
        expect_equal(self.get(old)["Username"], sub, "AdminGetUser by the old address")
        self.update(token, email=new)  # asked for again, a code is sent again
        second = self.system.codes_to(new, count=2)[-1]
        verify = {"AccessToken": token, "AttributeName": "email"}
        for code in {lost, first} - {second}:
            self.refused("CodeMismatchException", self.public.verify_user_attribute, "an older code", **verify, Code=code)
        self.public.verify_user_attribute(**verify, Code=second)
        shown = as_map(self.public.get_user(AccessToken=token)["UserAttributes"])
        expect_equal((shown["email"], shown["email_verified"]), (new, "true"), "the address after the code")
        self.sign_in(new.upper() if new.upper().lower() == new.lower() else new, password)
        self.signs_nobody_in(old, password, "sign-in by the old address")
        again, _ = self.create(old, {"email": old})
        expect(again != sub, "the old address is free for somebody else")
        # The present address gives up the one that waits; an administrator's word needs no code.
        self.update(token, email=mistyped)
        waiting = self.system.codes_to(mistyped, count=2)[-1]
        expect_equal(self.update(token, email=new), [], "the present address again: CodeDeliveryDetailsList")
        self.refused("ExpiredCodeException", self.public.verify_user_attribute, "a code that was given up", **verify, Code=waiting)
        self.set(sub, email=mistyped)
        expect_equal(self.of(sub)["email"], new, "an administrator's change waits, too")
        self.set(sub, email=mistyped, email_verified="true")
        expect_equal(self.get(mistyped)["Username"], sub, "an administrator's word needs no code")
        gone = {"AccessToken": token, "UserAttributeNames": ["email"]}
        self.refused("InvalidParameterException", self.public.delete_user_attributes, "deleting the address that signs in", **gone)

    def taken(self):
        (email, password, _), (other, *_) = self.person(), self.person()
        token = self.sign_in(email, password)
        request = {"AccessToken": token, "UserAttributes": as_list({"email": other.lower()})}
        text = "An account with the given email already exists."
        self.refused("AliasExistsException", self.public.update_user_attributes, "another's address", text, **request)
        by_admin = {"UserPoolId": self.pool_id, "Username": email, "UserAttributes": as_list({"email": other, "email_verified": "true"})}
        self.refused("AliasExistsException", self.admin.admin_update_user_attributes, "another's address", text, **by_admin)
        # Two ask for one address; the first who proves it has it.
        third, wanted = self.person(), self.draw.email()
        rival = self.sign_in(third[0], third[1])
        self.update(token, email=wanted)
        mine = self.system.codes_to(wanted)[-1]
        self.update(rival, email=wanted)
        theirs = self.system.codes_to(wanted, count=2)[-1]
        self.public.verify_user_attribute(AccessToken=rival, AttributeName="email", Code=theirs)
        late = {"AccessToken": token, "AttributeName": "email", "Code": mine}
        self.refused("AliasExistsException", self.public.verify_user_attribute, "an address that was taken meanwhile", text, **late)
        self.sign_in(email, password)

    def new_password_required(self):
        """The address given with the first own password is the one that signs in."""
        plain = Pool(self.system, UsernameAttributes=["email"])
        old, new, temporary, password = self.draw.email(), self.draw.email(), new_password(), new_password()
        make = {"UserPoolId": plain.pool_id, "MessageAction": "SUPPRESS", "TemporaryPassword": temporary}
        plain.admin.admin_create_user(Username=old, UserAttributes=as_list({"email": old}), **make)
        challenge = plain.public.initiate_auth(
            ClientId=plain.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": old, "PASSWORD": temporary},
        )
        expect_equal(challenge.get("ChallengeName"), "NEW_PASSWORD_REQUIRED", "sign-in by a temporary password")
        sub = challenge["ChallengeParameters"]["USER_ID_FOR_SRP"]
        json.loads(challenge["ChallengeParameters"]["userAttributes"])
        respond = {"ClientId": plain.client_id, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": challenge["Session"]}
        answers = {"USERNAME": old, "NEW_PASSWORD": password}
        vouching = {**answers, "userAttributes.email_verified": "true"}
        plain.refused(
            "NotAuthorizedException", plain.public.respond_to_auth_challenge, "a newcomer's word", **respond, ChallengeResponses=vouching
        )
        answers["userAttributes.email"] = new
        plain.public.respond_to_auth_challenge(**respond, ChallengeResponses=answers)
        plain.sign_in(new, password)
        plain.signs_nobody_in(old, password, "sign-in by the address before")
        again, _ = plain.create(old, {"email": old})
        expect(again != sub, "the address before is free for somebody else")


run(check)
