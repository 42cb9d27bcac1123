"""Forgotten, changed and reset passwords, and what they tell about who exists. Usage: recovery.py UP_JSON"""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from pycognito import Cognito

from system import Mismatch, expect, expect_equal, expect_error, new_email, new_password, run

LIMIT = "Attempt limit exceeded, please try after some time."
WRONG_CODE = "Invalid verification code provided, please try again."
NO_CODE = "Invalid code provided, please request a code again."
WRONG_PASSWORD = "Incorrect username or password."
VARYING_HEADERS = {"date", "x-amzn-requestid"}


def check(system, _):
    forgotten(system)
    changed(system)
    reset(system)
    recovery_settings(system)
    legacy_refusals(system)
    same_bytes(system)
    limits_of_sending(system)
    right_code_in_parallel(system)
    wrong_codes_in_parallel(system)


# One after the other


def forgotten(system):
    email, old, _ = system.sign_up()
    tokens = system.sign_in(email, old)
    system.expect_edge(tokens["AccessToken"], 200, "a token before the password is forgotten")
    details = forgot(system, email)
    wanted = {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "u***@e***"}
    expect_equal(details, wanted, "CodeDeliveryDetails of ForgotPassword")
    code = last_code(system, email, 2)
    message = system.messages_to(email)[-1]
    expect(message["kind"] == "forgot_password" and code in message["body"], f"the message: {message['kind']}")
    system.expect_edge(tokens["AccessToken"], 200, "a token while the code is on its way")

    new = new_password()
    weak = confirm_error(system, "InvalidPasswordException", email, code, "Short1!", "a weak password")
    expect_equal(weak, "Password did not conform with policy: Password not long enough", "a weak password")
    expect_equal(confirm_error(system, "CodeMismatchException", email, other(code), new, "a wrong code"), WRONG_CODE, "")
    confirm(system, email, code, new)
    confirm_error(system, "CodeMismatchException", email, code, new, "a code that was used")

    system.expect_refusal(tokens["AccessToken"], "a token of before the recovery")
    expect_error("NotAuthorizedException", system.public.get_user, "GetUser, old token", AccessToken=tokens["AccessToken"])
    expect_sign_in_error(system, "NotAuthorizedException", email, old, "the forgotten password")
    fresh = system.sign_in(email, new)
    system.expect_edge(fresh["AccessToken"], 200, "a token of after the recovery")


def changed(system):
    email, old, _ = system.sign_up()
    tokens = system.sign_in(email, old)
    token, new = tokens["AccessToken"], new_password()
    system.public.change_password(AccessToken=token, PreviousPassword=old, ProposedPassword=new)
    expect_sign_in_error(system, "NotAuthorizedException", email, old, "the changed password")
    system.sign_in(email, new)
    system.public.get_user(AccessToken=token)
    system.expect_edge(token, 200, "the token that changed the password (Cognito lets it live)")

    change = system.public.change_password
    weak = dict(AccessToken=token, PreviousPassword=new, ProposedPassword="alllowercase")
    expect_error("InvalidPasswordException", change, "a weak password", **weak)
    without = dict(AccessToken=token, ProposedPassword=old)
    expect_error("InvalidParameterException", change, "no previous password", **without)
    wrong = dict(AccessToken=token, PreviousPassword=old, ProposedPassword=new_password())
    for turn in range(5):
        text = expect_error("NotAuthorizedException", change, f"wrong password {turn}", **wrong)
        expect_equal(text, WRONG_PASSWORD, "a wrong previous password")
    expect_equal(expect_error("LimitExceededException", change, "wrong password 6", **wrong), LIMIT, "its text")
    right = dict(wrong, PreviousPassword=new)
    expect_error("LimitExceededException", change, "the right one, too late", **right)


def reset(system):
    email, old, _ = system.sign_up()
    tokens = system.sign_in(email, old)
    system.admin.admin_reset_user_password(UserPoolId=system.pool_id, Username=email)
    system.expect_refusal(tokens["AccessToken"], "a token of before the reset")
    refresh = {"ClientId": system.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    refresh["AuthParameters"] = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    expect_error("NotAuthorizedException", system.public.initiate_auth, "a refresh after the reset", **refresh)
    text = expect_sign_in_error(system, "PasswordResetRequiredException", email, old, "the right password after a reset")
    expect_equal(text, "Password reset required for the user", "its text")
    expect_sign_in_error(system, "NotAuthorizedException", email, new_password(), "a wrong password after a reset")
    expect_equal(srp_error(system, email, old), "PasswordResetRequiredException", "SRP with the right password")
    expect_equal(srp_error(system, email, new_password()), "NotAuthorizedException", "SRP with a wrong password")

    new = new_password()
    confirm(system, email, last_code(system, email, 2), new)
    system.sign_in(email, new)
    missing = dict(UserPoolId=system.pool_id, Username=new_email())
    expect_error("UserNotFoundException", system.admin.admin_reset_user_password, "a reset of nobody", **missing)


def recovery_settings(system):
    phone_first = [("verified_phone_number", 1), ("verified_email", 2)]
    email_first = [("verified_phone_number", 2), ("verified_email", 1)]
    for mechanisms, wanted in [(None, "SMS"), (phone_first, "SMS"), (email_first, "EMAIL")]:
        pool, client = own_pool(system, mechanisms)
        known_user(system, pool, "jane", phone="+4915112345678")
        answer = system.public.forgot_password(ClientId=client, Username="jane")["CodeDeliveryDetails"]
        masked = {"SMS": "+*******5678", "EMAIL": "j***@e***"}[wanted]
        found = (answer["DeliveryMedium"], answer["Destination"])
        expect_equal(found, (wanted, masked), f"delivery by {mechanisms}")
    pool, client = own_pool(system, [("admin_only", 1)])
    known_user(system, pool, "jane")
    for name in ["jane", "nobody"]:
        request = dict(ClientId=client, Username=name)
        text = expect_error("NotAuthorizedException", system.public.forgot_password, "admin_only", **request)
        expect_equal(text, "Contact administrator to reset password.", "admin_only")


def legacy_refusals(system):
    pool, client = own_pool(system, None, "LEGACY")
    known_user(system, pool, "plain")
    known_user(system, pool, "disabled")
    system.admin.admin_disable_user(UserPoolId=pool, Username="disabled")
    system.admin.admin_create_user(UserPoolId=pool, Username="invited", MessageAction="SUPPRESS")
    system.admin.admin_create_user(UserPoolId=pool, Username="bare", MessageAction="SUPPRESS")
    permanent = dict(UserPoolId=pool, Username="bare", Password=new_password(), Permanent=True)
    system.admin.admin_set_user_password(**permanent)
    no_address = "Cannot reset password for the user as there is no registered/verified email or phone_number"
    for name, exception, wanted in [
        ("nobody", "UserNotFoundException", "Username/client id combination not found."),
        ("disabled", "NotAuthorizedException", "User is disabled."),
        ("invited", "NotAuthorizedException", "User password cannot be reset in the current state."),
        ("bare", "InvalidParameterException", no_address),
    ]:
        request = dict(ClientId=client, Username=name)
        text = expect_error(exception, system.public.forgot_password, f"ForgotPassword of {name}", **request)
        expect_equal(text, wanted, f"ForgotPassword of {name}")
    request = dict(ClientId=client, Username="plain", ConfirmationCode="123456", Password=new_password())
    text = expect_error("ExpiredCodeException", system.public.confirm_forgot_password, "a code never sent", **request)
    expect_equal(text, NO_CODE, "a code never sent")


# Known and unknown


def same_bytes(system):
    """Every unsigned operation that names a user: the same status, headers and bytes but for ids, try by try, to the limit."""
    operations = {
        "ForgotPassword": ({}, 7),
        "ConfirmForgotPassword": ({"ConfirmationCode": "000000", "Password": new_password()}, 12),
        "ConfirmSignUp": ({"ConfirmationCode": "000000"}, 17),
        "ResendConfirmationCode": ({}, 7),
    }
    for operation, (more, tries) in operations.items():
        people = {name: person(system) for name, person in PEOPLE.items()}
        answers = {}
        for name, email in people.items():
            body = {"ClientId": system.client_id, "Username": email, **more}
            answers[name] = [raw(system, operation, body) for _ in range(tries)]
        unknown = answers["nobody"]
        expect(b"LimitExceeded" in unknown[-1][2], f"{operation} has no limit for a name that is nobody's")
        for name, found in answers.items():
            for turn, (mine, nobodys) in enumerate(zip(found, unknown)):
                expect_equal(mine, nobodys, f"{operation}, try {turn}: {name} against nobody")


def confirmed(system):
    return system.sign_up()[0]


def waiting_for_a_code(system):
    email = confirmed(system)
    forgot(system, email)
    return email


def unconfirmed(system):
    email = new_email()
    attributes = [{"Name": "email", "Value": email}]
    system.public.sign_up(
        ClientId=system.client_id, Username=email, Password=new_password(), UserAttributes=attributes
    )
    return email


def disabled(system):
    email = confirmed(system)
    system.admin.admin_disable_user(UserPoolId=system.pool_id, Username=email)
    return email


def invited(system):
    email = new_email()
    system.admin.admin_create_user(
        UserPoolId=system.pool_id,
        Username=email,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )
    return email


def must_reset(system):
    email = confirmed(system)
    system.admin.admin_reset_user_password(UserPoolId=system.pool_id, Username=email)
    return email


PEOPLE = {
    "nobody": lambda _: new_email(),
    "nobody else": lambda _: new_email(),
    "confirmed": confirmed,
    "unconfirmed": unconfirmed,
    "disabled": disabled,
    "invited": invited,
    "must reset": must_reset,
}


def limits_of_sending(system):
    email = unconfirmed(system)
    request = dict(ClientId=system.client_id, Username=email)
    for _ in range(5):
        system.public.resend_confirmation_code(**request)
    text = expect_error("LimitExceededException", system.public.resend_confirmation_code, "the 6th code", **request)
    expect_equal(text, LIMIT, "the 6th code")
    expect_equal(len(system.codes_to(email, 6)), 6, "codes of a sign-up and five times more")
    wrong = dict(request, ConfirmationCode=other(last_code(system, email, 6)))
    for turn in range(14):
        text = expect_error("CodeMismatchException", system.public.confirm_sign_up, f"wrong code {turn}", **wrong)
    system.public.confirm_sign_up(**dict(request, ConfirmationCode=last_code(system, email, 6)))


# Many at once


def right_code_in_parallel(system):
    email, _, _ = system.sign_up()
    forgot(system, email)
    code, passwords = last_code(system, email, 2), [new_password() for _ in range(64)]
    outcomes = at_once([(email, code, password) for password in passwords], system)
    expect_equal(outcomes.count("ok"), 1, f"successes of 64 with the right code ({sorted(set(outcomes))})")
    system.sign_in(email, passwords[outcomes.index("ok")])


def wrong_codes_in_parallel(system):
    email, _, _ = system.sign_up()
    forgot(system, email)
    wrong = other(last_code(system, email, 2))
    outcomes = at_once([(email, wrong, new_password()) for _ in range(100)], system)
    seen = (outcomes.count("CodeMismatchException"), outcomes.count("LimitExceededException"))
    expect_equal(sum(seen), 100, f"outcomes of 100 wrong codes: {sorted(set(outcomes))}")
    expect(5 <= seen[0] <= 20, f"{seen[0]} of 100 wrong codes were looked at; Cognito: 5 to 20 an hour")


def at_once(tries, system):
    def one(email_code_password):
        try:
            confirm(system, *email_code_password)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "ok"

    with ThreadPoolExecutor(max_workers=len(tries)) as pool:
        return list(pool.map(one, tries))


# Calls


def forgot(system, name):
    answer = system.public.forgot_password(ClientId=system.client_id, Username=name)
    return answer["CodeDeliveryDetails"]


def confirm(system, name, code, password):
    system.public.confirm_forgot_password(
        ClientId=system.client_id, Username=name, ConfirmationCode=code, Password=password
    )


def confirm_error(system, exception, name, code, password, what):
    request = dict(ClientId=system.client_id, Username=name, ConfirmationCode=code, Password=password)
    return expect_error(exception, system.public.confirm_forgot_password, what, **request)


def expect_sign_in_error(system, exception, name, password, what):
    parameters = {"USERNAME": name, "PASSWORD": password}
    request = dict(ClientId=system.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    return expect_error(exception, system.public.initiate_auth, what, **request)


def srp_error(system, name, password):
    client = Cognito(
        system.pool_id,
        system.client_id,
        user_pool_region=system.region,
        username=name,
        access_key=system.access_key_id,
        secret_key=system.secret_access_key,
        boto3_client_kwargs={"endpoint_url": system.issuer},
    )
    try:
        client.authenticate(password)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise Mismatch("SRP signs in a user whose password was reset")


def own_pool(system, mechanisms, existence="ENABLED"):
    settings = {"PoolName": "recovery", "AutoVerifiedAttributes": ["email"]}
    if mechanisms:
        named = [{"Name": name, "Priority": priority} for name, priority in mechanisms]
        settings["AccountRecoverySetting"] = {"RecoveryMechanisms": named}
    pool = system.admin.create_user_pool(**settings)["UserPool"]["Id"]
    client = system.admin.create_user_pool_client(
        UserPoolId=pool, ClientName="recovery", PreventUserExistenceErrors=existence
    )
    return pool, client["UserPoolClient"]["ClientId"]


def known_user(system, pool, name, phone=None):
    pairs = [("email", f"{name}@example.com"), ("email_verified", "true")]
    pairs += [("phone_number", phone), ("phone_number_verified", "true")] if phone else []
    attributes = [{"Name": key, "Value": value} for key, value in pairs]
    system.admin.admin_create_user(
        UserPoolId=pool, Username=name, MessageAction="SUPPRESS", UserAttributes=attributes
    )
    system.admin.admin_set_user_password(UserPoolId=pool, Username=name, Password=new_password(), Permanent=True)


def raw(system, operation, body):
    """Status, headers that don't vary by themselves, and bytes."""
    address = urlsplit(system.issuer)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
    }
    try:
        connection.request("POST", "/", json.dumps(body), headers)
        response = connection.getresponse()
        kept = sorted((name.lower(), value) for name, value in response.getheaders())
        return response.status, [pair for pair in kept if pair[0] not in VARYING_HEADERS], response.read()
    finally:
        connection.close()


def last_code(system, email, count):
    return system.codes_to(email, count)[-1]


def other(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


run(check)
