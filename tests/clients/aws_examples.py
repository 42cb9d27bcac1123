"""The AWS CLI's own documented examples of `cognito-idp`: each command as it is printed, but for ids, names and secrets, and our answer
against the one that is printed with it.

    aws_examples.py UP_JSON [EXAMPLE]

A printed answer is the yardstick for members and their types, not for values: each member that it shows must be in ours, with that JSON
type. `ABSENT` names what ours does not have, each with its reason. The examples come with the AWS CLI (Apache-2.0) and are not copied
here: another CLI brings its own, and one that has no step here is a mismatch. With EXAMPLE its differences are printed too.
"""

import base64
import contextlib
import hashlib
import hmac
import io
import json
import os
import re
import shlex
import tempfile
import time
from importlib import resources

from awscli.clidriver import create_clidriver
from factors import register
from system import expect, run

FOLDER = resources.files("awscli") / "examples" / "cognito-idp"
COMMAND = re.compile(r"^[ \t]+(aws cognito-idp .*?)(?=\n[ \t]*\n|\nOutput|\Z)", re.S | re.M)
OUTPUT = re.compile(r"^[ \t]*Output:+[ \t]*\n+((?:[ \t]+.*\n|[ \t]*\n)+)", re.M)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PASSWORD = "My@Example$Password3!"
OTHER_PASSWORD = "MyExamplePassword1!"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]

# (example, member): why ours has no such member. One that turns up after all is a mismatch, too.
NO_SAML = "SAML providers are kept; what is read from their metadata, and the key that opens their answers, comes with federation"
NO_RISK = "no risk is judged yet, and no place is looked up"
MISPRINT = "the printed answer is not the one to the printed request"
ABSENT = {
    ("create-identity-provider", "IdentityProvider.ProviderDetails.ActiveEncryptionCertificate"): NO_SAML,
    ("create-identity-provider", "IdentityProvider.ProviderDetails.SLORedirectBindingURI"): NO_SAML,
    ("create-identity-provider", "IdentityProvider.ProviderDetails.SSORedirectBindingURI"): NO_SAML,
    ("create-identity-provider", "IdentityProvider.AttributeMapping.emailaddress"): MISPRINT,
    ("create-identity-provider", "IdentityProvider.AttributeMapping.phone"): MISPRINT,
    ("get-identity-provider-by-identifier", "IdentityProvider.ProviderDetails.ActiveEncryptionCertificate"): NO_SAML,
    ("get-identity-provider-by-identifier", "IdentityProvider.ProviderDetails.SLORedirectBindingURI"): NO_SAML,
    ("get-identity-provider-by-identifier", "IdentityProvider.ProviderDetails.SSORedirectBindingURI"): NO_SAML,
    ("create-user-pool-client", "UserPoolClient.AnalyticsConfiguration.RoleArn"): "no role is made: nothing is sent to Pinpoint",
    ("describe-user-pool-domain", "DomainDescription.S3Bucket"): "static files lie in no bucket",
    ("list-user-pools", "NextToken"): "they are on one page here: which three a shorter one has is chance",
    ("list-users", "PaginationToken"): "the CLI pages by itself here, and names its own token",
    ("admin-list-user-auth-events", "AuthEvents[].EventRisk.RiskLevel"): NO_RISK,
    ("admin-list-user-auth-events", "AuthEvents[].EventRisk.CompromisedCredentialsDetected"): NO_RISK,
    ("admin-list-user-auth-events", "AuthEvents[].EventContextData.City"): NO_RISK,
    ("admin-list-user-auth-events", "AuthEvents[].EventContextData.Country"): NO_RISK,
}


class Example:
    """One file: its commands, the files that they name, the answers that are printed."""

    def __init__(self, name):
        text = (FOLDER / f"{name}.rst").read_text(encoding="utf-8") + "\n"
        self.commands = [shlex.split(re.sub(r"\\\r?\n", " ", found))[2:] for found in COMMAND.findall(text)]
        self.inputs = [found for found in map(document, re.split(r"(?i)contents of ", text)[1:]) if found is not None]
        self.outputs = [found for found in map(document, OUTPUT.findall(text)) if found is not None]


def document(text):
    """The first JSON document in a text. Some are printed with a comma too many."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        return json.JSONDecoder(strict=False).raw_decode(re.sub(r",(\s*[\]}])", r"\1", text[start:]))[0]
    except ValueError:
        return None


class Shell:
    """Types the printed commands, in this process: a start of the CLI for each would take a second."""

    def __init__(self, system, shown):
        config = self.config = tempfile.NamedTemporaryFile("w", suffix=".ini")
        # Older settings would have the CLI fetch each URL that is an option's value.
        print("[default]\ncli_follow_urlparam = false", file=config, flush=True)
        os.environ.update(
            AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=system.issuer,
            AWS_DEFAULT_REGION=system.region,
            AWS_ACCESS_KEY_ID=system.access_key_id,
            AWS_SECRET_ACCESS_KEY=system.secret_access_key,
            AWS_CONFIG_FILE=config.name,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_MAX_ATTEMPTS="1",
            AWS_PAGER="",
        )
        self.driver = create_clidriver()
        self.shown = shown
        self.run = set()
        self.absent = set()
        self.mismatches = []

    def type(self, name, *, number=0, fails=None, compare=True, **options):
        """The command with its options replaced; `fails` is the exception that it must end with."""
        example = Example(name)
        words = with_options(example, number, options)
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            status = self.driver.main(["cognito-idp", *words])
        self.run.add(name)
        if fails:
            if f"({fails})" not in said.getvalue():
                self.mismatches.append(f"{name}: expected {fails}, found {said.getvalue().strip() or 'success'}")
            return {}
        if status != 0:
            self.mismatches.append(f"{name}: {said.getvalue().strip()[:600]}")
            return {}
        answer = json.loads(out.getvalue()) if out.getvalue().strip() else {}
        if compare and number < len(example.outputs):
            self.compare(name, example.outputs[number], answer)
        return answer

    def compare(self, name, printed, ours):
        for path, why in differences(printed, ours):
            if (name, path) in ABSENT:
                self.absent.add((name, path))
            else:
                self.mismatches.append(f"{name}: {path}: {why}")
        if self.shown == name:
            print(json.dumps(ours, indent=2, default=str))


def with_options(example, number, options):
    """The printed words, where `option=value` replaces what follows `--option`; None leaves it out."""
    words = list(example.commands[number])
    if "--cli-input-json" in words:
        given = example.inputs[-1] | options.pop("cli_input_json", {})
        # Some files were printed from an answer, and have members of it.
        given = {name: value for name, value in given.items() if value is not None and not name.endswith("Date")}
        words[words.index("--cli-input-json") + 1] = json.dumps(given)
    for option, value in options.items():
        option = "--" + option.replace("_", "-")
        start = next((at for at, word in enumerate(words) if word.split("=")[0] == option), len(words))
        end = next((at for at in range(start + 1, len(words)) if words[at].startswith("--")), len(words))
        words[start:end] = [] if value is None else [option, *([value] if isinstance(value, str) else value)]
    return words


def differences(printed, ours, path=""):
    """(path, what) for each member of a printed answer that ours has not, or has with another type. Of a list of ours the item counts that is
    most like the first printed one."""
    if isinstance(printed, dict):
        if not isinstance(ours, dict):
            yield path, f"printed as an object, is {ours!r}"
            return
        for name, value in printed.items():
            where = f"{path}.{name}".lstrip(".")
            if name not in ours:
                yield where, "missing"
            else:
                yield from differences(value, ours[name], where)
    elif isinstance(printed, list):
        if not isinstance(ours, list):
            yield path, f"printed as a list, is {ours!r}"
        elif printed and not ours:
            yield path, "an empty list"
        elif printed:
            yield from named(printed, ours, path)
    elif kind(printed) != kind(ours):
        yield path, f"printed as {printed!r}, is {ours!r}"


def named(printed, ours, path):
    """Lists of attributes are compared by their names."""
    if isinstance(printed[0], dict) and set(printed[0]) == {"Name", "Value"}:
        names = {item["Name"] for item in ours}
        # Attributes of users are whatever these users have.
        wanted = {item["Name"] for item in printed} if "Device" in path else {"sub"} & {item["Name"] for item in printed}
        for name in sorted(wanted - names):
            yield f"{path}[{name}]", "missing"
    else:
        each = [list(differences(printed[0], item, f"{path}[]")) for item in ours]
        yield from min(each, key=len)


def kind(value):
    """Older examples print times as numbers, newer ones as text."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    moment = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value)
    return "number or moment" if number or moment else type(value).__name__


def check(system, arguments):
    shell = Shell(system, arguments[0] if arguments else None)
    admin = system.admin
    pools = []
    try:
        pools.extend(pools_and_clients(shell, admin))
        pool = pools[0]
        groups(shell, admin, pool)
        settings(shell, admin, pool)
        people(shell, system, pool)
        removals(shell, admin, pool, pools)
    finally:
        for pool in pools:
            remove(admin, pool)
    there = {file.name.removesuffix(".rst") for file in FOLDER.iterdir() if file.name.endswith(".rst")}
    shell.mismatches.extend(f"{name}: has no step here" for name in sorted(there - shell.run))
    there_after_all = sorted(set(ABSENT) - shell.absent)
    shell.mismatches.extend(f"{name}: {member} is there: it leaves ABSENT" for name, member in there_after_all)
    expect(not shell.mismatches, "\n  ".join(["", *shell.mismatches]))
    return f"{len(shell.run)} of {len(there)} examples"


def remove(admin, pool):
    found = admin.describe_user_pool(UserPoolId=pool)["UserPool"]
    for domain in filter(None, [found.get("Domain"), found.get("CustomDomain")]):
        admin.delete_user_pool_domain(UserPoolId=pool, Domain=domain)
    admin.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
    admin.delete_user_pool(UserPoolId=pool)


def pools_and_clients(shell, admin):
    made = [shell.type("create-user-pool", number=number)["UserPool"]["Id"] for number in (0, 1)]
    pool = admin.create_user_pool(
        PoolName="examples",
        AliasAttributes=["email", "phone_number"],
        Schema=[{"Name": name, "AttributeDataType": "String", "Mutable": True} for name in ("111", "department")],
    )["UserPool"]["Id"]
    arn = admin.describe_user_pool(UserPoolId=pool)["UserPool"]["Arn"]
    sender = "SourceArn=arn:aws:ses:us-west-2:123456789012:identity/example.com,EmailSendingAccount=DEVELOPER,From=admin@example.com,ConfigurationSet=set"
    policies = json.dumps({"PasswordPolicy": {"MinimumLength": 6}, "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}})
    shell.type("update-user-pool", user_pool_id=pool, email_configuration=sender, policies=policies)
    shell.type("add-custom-attributes", user_pool_id=pool)
    described(shell, admin, made[0])
    shell.type("tag-resource", resource_arn=arn)
    shell.type("list-tags-for-resource", resource_arn=arn)
    shell.type("untag-resource", resource_arn=arn)
    shell.type("get-csv-header", user_pool_id=pool)
    shell.type("get-signing-certificate", user_pool_id=pool)
    shell.type("create-resource-server", user_pool_id=pool)
    admin.create_resource_server(UserPoolId=pool, Identifier="weather.example.com", Name="Weather")
    admin.create_resource_server(UserPoolId=pool, Identifier="third.example.com", Name="Third")
    shell.type("update-resource-server", user_pool_id=pool)
    shell.type("describe-resource-server", user_pool_id=pool)
    shell.type("list-resource-servers", user_pool_id=pool)
    return [pool, *made]


def described(shell, admin, pool):
    """A pool that has set whatever the printed descriptions show."""
    function = "arn:aws:lambda:us-west-2:123456789012:function:f"
    newer = {"LambdaVersion": "V1_0", "LambdaArn": function}
    triggers = "PreSignUp CustomMessage PostConfirmation PreAuthentication PostAuthentication DefineAuthChallenge CreateAuthChallenge"
    triggers = dict.fromkeys([*triggers.split(), "VerifyAuthChallengeResponse", "UserMigration"], function)
    of_senders = {"CustomSMSSender": newer, "CustomEmailSender": newer, "KMSKeyID": "arn:aws:kms:us-west-2:123456789012:key/k"}
    texts = {"SmsMessage": "{####}", "EmailMessage": "{####}", "EmailSubject": "s", "EmailMessageByLink": "{##here##}", "EmailSubjectByLink": "s"}
    admin.update_user_pool(
        UserPoolId=pool,
        LambdaConfig={**triggers, **of_senders, "PreTokenGenerationConfig": newer},
        AutoVerifiedAttributes=["email"],
        SmsVerificationMessage="{####}",
        EmailVerificationMessage="{####}",
        EmailVerificationSubject="s",
        VerificationMessageTemplate={**texts, "DefaultEmailOption": "CONFIRM_WITH_CODE"},
        SmsAuthenticationMessage="{####}",
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
        DeviceConfiguration={"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True},
        EmailConfiguration={"SourceArn": "arn:aws:ses:us-west-2:123456789012:identity/a@example.com", "ReplyToEmailAddress": "a@example.com"},
        SmsConfiguration={"SnsCallerArn": "arn:aws:iam::123456789012:role/r", "ExternalId": "x", "SnsRegion": "us-west-2"},
        AdminCreateUserConfig={"InviteMessageTemplate": {name: "{username} {####}" for name in ("SMSMessage", "EmailMessage", "EmailSubject")}},
        UserPoolAddOns={"AdvancedSecurityMode": "ENFORCED", "AdvancedSecurityAdditionalFlows": {"CustomAuthMode": "AUDIT"}},
        UserPoolTags={"a": "b"},
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
        MfaConfiguration="OPTIONAL",
    )
    shell.type("create-user-pool-domain", number=1, user_pool_id=pool, domain="prefix-of-examples", compare=False)
    shell.type("create-user-pool-domain", user_pool_id=pool, domain="login.of-examples.example.com")
    shell.type("describe-user-pool", user_pool_id=pool)
    listed = shell.type("list-user-pools", compare=False)
    expect("NextToken" in listed and len(listed["UserPools"]) == 3, f"a page of three of four pools or more: {listed}")
    shell.type("list-user-pools", max_results="60")


def groups(shell, admin, pool):
    for number in (0, 1):
        shell.type("create-group", user_pool_id=pool, number=number)
    for name in ("MyGroup", "SampleGroup", "MyGroupName"):
        admin.create_group(UserPoolId=pool, GroupName=name, Description="d", RoleArn="arn:aws:iam::111111111111:role/R", Precedence=1)
    shell.type("update-group", user_pool_id=pool)
    shell.type("get-group", user_pool_id=pool)
    shell.type("list-groups", user_pool_id=pool)


def settings(shell, admin, pool):
    """Identity providers, clients, domains, pages, risks, logs, imports."""
    shell.type("create-identity-provider", user_pool_id=pool)
    shell.type("create-identity-provider", number=1, cli_input_json={"UserPoolId": pool})
    for name, details in (
        ("Google", {"authorize_scopes": "openid"}),
        ("Facebook", {"authorize_scopes": "email", "api_version": "v17.0"}),
        ("LoginWithAmazon", {"authorize_scopes": "profile"}),
    ):
        details = {"client_id": "c", "client_secret": "s", **details}
        admin.create_identity_provider(UserPoolId=pool, ProviderName=name, ProviderType=name, ProviderDetails=details)
    oidc = {
        "client_id": "c",
        "client_secret": "s",
        "attributes_request_method": "GET",
        "oidc_issuer": "https://idp.example.com",
        "authorize_scopes": "openid",
    }
    for name in ("MyOIDC", "MyOIDCIdP"):
        admin.create_identity_provider(UserPoolId=pool, ProviderName=name, ProviderType="OIDC", ProviderDetails=oidc)
    shell.type("update-identity-provider", cli_input_json={"UserPoolId": pool})
    shell.type("describe-identity-provider", user_pool_id=pool)
    shell.type("get-identity-provider-by-identifier", user_pool_id=pool, idp_identifier="CorpSAML")
    shell.type("list-identity-providers", user_pool_id=pool)

    client = shell.type("create-user-pool-client", user_pool_id=pool)["UserPoolClient"]["ClientId"]
    named = {"user_pool_id": pool, "client_id": client}
    shell.type("update-user-pool-client", **named)
    shell.type("describe-user-pool-client", **named)
    for number in range(3):
        admin.create_user_pool_client(UserPoolId=pool, ClientName=f"more-{number}")
    shell.type("list-user-pool-clients", user_pool_id=pool)

    shell.type("create-user-pool-domain", user_pool_id=pool, domain="auth.of-examples.example.com")
    shell.type("update-user-pool-domain", user_pool_id=pool, domain="auth.of-examples.example.com")
    shell.type("describe-user-pool-domain", domain="auth.of-examples.example.com")

    css = ".logo-customizable {\n\tmax-width: 60%;\n}\n.banner-customizable {\n\tbackground-color: lightgray;\n}\n"
    with tempfile.NamedTemporaryFile() as image:
        # As text the picture would be encoded twice.
        image.write(PNG)
        image.flush()
        picture = {"css": css, "image_file": f"fileb://{image.name}"}
        shell.type("set-ui-customization", **named, **picture)
        shell.type("set-ui-customization", number=1, user_pool_id=pool, **picture)
    shell.type("get-ui-customization", **named)
    shell.type("delete-user-pool-domain", user_pool_id=pool, domain="auth.of-examples.example.com")
    branding = admin.create_managed_login_branding(UserPoolId=pool, ClientId=client, UseCognitoProvidedValues=True)
    asset = Example("update-managed-login-branding").inputs[-1]["Assets"][0]
    asset["Bytes"] = base64.b64decode(asset["Bytes"]).decode()
    style = {"Assets": [asset], "UserPoolId": pool, "ManagedLoginBrandingId": branding["ManagedLoginBranding"]["ManagedLoginBrandingId"]}
    shell.type("update-managed-login-branding", cli_input_json=style)

    shell.type("set-user-pool-mfa-config", user_pool_id=pool)
    shell.type("get-user-pool-mfa-config", user_pool_id=pool)
    shell.type("set-risk-configuration", cli_input_json={"UserPoolId": pool, "ClientId": client})
    shell.type("describe-risk-configuration", **named)
    shell.type("set-log-delivery-configuration", user_pool_id=pool)
    stream = {"StreamArn": "arn:aws:firehose:us-west-2:123456789012:deliverystream/s"}
    group = {"LogGroupArn": "arn:aws:logs:us-west-2:123456789012:log-group:g"}
    logs = [
        {"LogLevel": "INFO", "EventSource": "userAuthEvents", "FirehoseConfiguration": stream},
        {"LogLevel": "ERROR", "EventSource": "userNotification", "CloudWatchLogsConfiguration": group},
    ]
    admin.set_log_delivery_configuration(UserPoolId=pool, LogConfigurations=logs)
    shell.type("get-log-delivery-configuration", user_pool_id=pool)

    jobs = [shell.type("create-user-import-job", user_pool_id=pool)["UserImportJob"]["JobId"] for _ in range(4)]
    shell.type("describe-user-import-job", user_pool_id=pool, job_id=jobs[0])
    for job in jobs:
        shell.type("start-user-import-job", user_pool_id=pool, job_id=job)
        shell.type("stop-user-import-job", user_pool_id=pool, job_id=job)
    shell.type("list-user-import-jobs", user_pool_id=pool)


def people(shell, system, pool):
    admin = system.admin
    made = admin.create_user_pool_client(UserPoolId=pool, ClientName="people", ExplicitAuthFlows=FLOWS)
    client = made["UserPoolClient"]["ClientId"]
    shell.type("admin-create-user", user_pool_id=pool)
    diego = {"user_pool_id": pool, "username": "diego"}
    shell.type("admin-set-user-password", **diego, password=PASSWORD)
    shell.type("admin-get-user", **diego)
    shell.type("admin-update-user-attributes", **diego)
    shell.type("admin-delete-user-attributes", **diego)
    shell.type("admin-add-user-to-group", **diego)
    shell.type("admin-list-groups-for-user", **diego)
    shell.type("list-users-in-group", user_pool_id=pool)
    shell.type("admin-remove-user-from-group", **diego, group_name="MyGroup")
    for number in range(5):
        email = [{"Name": "email", "Value": f"testuser{number}@example.com"}]
        admin.admin_create_user(
            UserPoolId=pool, Username=f"testuser{number}", UserAttributes=email, MessageAction="SUPPRESS"
        )
    shell.type("list-users", user_pool_id=pool, filter='email ^= "testuser"')
    shell.type("list-users", number=1, user_pool_id=pool, query="Users[*].Attributes[]", compare=False)
    mailbox = sign_ups(shell, system, pool, client)
    profile(shell, system, pool, client, mailbox)
    devices(shell, system, pool, client)
    factors(shell, system, pool, client)
    links_and_events(shell, system, pool)
    ends(shell, system, pool, client)


def sign_ups(shell, system, pool, client):
    mailbox = Mailbox(system, f"jane-{pool[-6:].lower()}@example.com")
    attributes = [f"Name=email,Value={mailbox.address}", "Name=name,Value=Jane"]
    shell.type("sign-up", client_id=client, username="jane", password=PASSWORD, user_attributes=attributes)
    mailbox.code()
    shell.type("resend-confirmation-code", client_id=client, username="jane")
    jane = {"client_id": client, "username": "jane"}
    shell.type("confirm-sign-up", **jane, confirmation_code=mailbox.code())
    shell.type("sign-up", client_id=client, username="joe", password=PASSWORD, compare=False)
    shell.type("admin-confirm-sign-up", user_pool_id=pool, username="joe")
    shell.type("forgot-password", **jane)
    shell.type("confirm-forgot-password", **jane, password=OTHER_PASSWORD, confirmation_code=mailbox.code())
    return mailbox


def profile(shell, system, pool, client, mailbox):
    """What jane does with a token of hers."""
    answer = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("jane", OTHER_PASSWORD))
    token = answer["AuthenticationResult"]["AccessToken"]
    shell.type("get-user", access_token=token)
    shell.type("update-user-attributes", access_token=token)
    shell.type("delete-user-attributes", access_token=token)
    system.admin.admin_update_user_attributes(
        UserPoolId=pool, Username="jane", UserAttributes=[{"Name": "email_verified", "Value": "false"}]
    )
    shell.type("get-user-attribute-verification-code", access_token=token)
    shell.type("verify-user-attribute", access_token=token, code=mailbox.code())
    shell.type("change-password", access_token=token, previous_password=OTHER_PASSWORD, proposed_password=PASSWORD)


def devices(shell, system, pool, client):
    answer = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("jane", PASSWORD))
    token, device = (answer["AuthenticationResult"][name] for name in ("AccessToken", "NewDeviceMetadata"))
    key = device["DeviceKey"]
    verifier = f"PasswordVerifier={base64.b64encode(bytes(range(1, 200))).decode()},Salt={base64.b64encode(bytes(range(1, 17))).decode()}"
    mine = {"access_token": token, "device_key": key}
    shell.type("confirm-device", **mine, device_secret_verifier_config=verifier, device_name="MyDevice")
    shell.type("update-device-status", **mine, device_remembered_status="remembered")
    shell.type("get-device", **mine)
    shell.type("list-devices", access_token=token)
    hers = {"user_pool_id": pool, "username": "jane"}
    shell.type("admin-list-devices", **hers)
    shell.type("admin-get-device", **hers, device_key=key)
    shell.type("admin-update-device-status", **hers, device_key=key)
    shell.type("admin-forget-device", **hers, device_key=key)
    shell.type("forget-device", **mine, fails="NotAuthorizedException")


def factors(shell, system, pool, client):
    sign_in = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("diego", PASSWORD))
    token = sign_in["AuthenticationResult"]["AccessToken"]
    seed = shell.type("associate-software-token", access_token=token)["SecretCode"]
    now = iter(range(int(time.time()) // 30 - 1, 1 << 40))  # a code counts once; one step of drift is allowed
    shell.type("verify-software-token", access_token=token, user_code=totp(seed, next(now)), friendly_device_name="MyAuthenticatorApp")
    shell.type("set-user-mfa-preference", access_token=token)
    shell.type("get-user-auth-factors", access_token=token)
    for _ in range(2):
        options = shell.type("start-web-authn-registration", access_token=token, compare=False)["CredentialCreationOptions"]
        passkey = register(options, origin="https://" + options["rp"]["id"])
        system.public.complete_web_authn_registration(AccessToken=token, Credential=passkey)
    shell.type("start-web-authn-registration", access_token=token)
    shell.type("list-web-authn-credentials", access_token=token)
    named = {"client_id": client, "user_pool_id": pool}
    asked = shell.type("admin-initiate-auth", **named, auth_parameters=by_password("diego", PASSWORD))
    answers = f"USERNAME=diego,SOFTWARE_TOKEN_MFA_CODE={totp(seed, next(now))}"
    shell.type("admin-respond-to-auth-challenge", **named, session=asked["Session"], challenge_responses=answers)
    asked = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("diego", PASSWORD), compare=False)
    answers = f"USERNAME=diego,SOFTWARE_TOKEN_MFA_CODE={totp(seed, next(now))}"
    shell.type("respond-to-auth-challenge", number=2, client_id=client, session=asked["Session"], challenge_responses=answers)
    shell.type("admin-set-user-mfa-preference", user_pool_id=pool, username="diego")

    # A factor of each kind, and none preferred: the user is asked which.
    enabled = {"Enabled": True, "PreferredMfa": False}
    both = {"SoftwareTokenMfaSettings": enabled, "EmailMfaSettings": enabled}
    verified = [{"Name": f"{name}_verified", "Value": "true"} for name in ("email", "phone_number")]
    system.admin.admin_update_user_attributes(UserPoolId=pool, Username="diego", UserAttributes=verified)
    system.admin.admin_set_user_mfa_preference(UserPoolId=pool, Username="diego", **both)
    asked = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("diego", PASSWORD), compare=False)
    answers = "USERNAME=diego,ANSWER=SOFTWARE_TOKEN_MFA"
    shell.type("respond-to-auth-challenge", number=1, client_id=client, session=asked["Session"], challenge_responses=answers)

    system.admin.admin_create_user(UserPoolId=pool, Username="new", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
    asked = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("new", PASSWORD), compare=False)
    answers = f"USERNAME=new,NEW_PASSWORD={OTHER_PASSWORD}"
    shell.type("respond-to-auth-challenge", client_id=client, session=asked["Session"], challenge_responses=answers)
    # Both are documented for SMS alone, whatever the example says.
    shell.type("set-user-settings", access_token=token, fails="InvalidParameterException")
    shell.type("set-user-settings", access_token=token, mfa_options="DeliveryMedium=SMS,AttributeName=phone_number")
    shell.type("admin-set-user-settings", user_pool_id=pool, username="diego", fails="InvalidParameterException")


def links_and_events(shell, system, pool):
    shell.type("admin-link-provider-for-user", user_pool_id=pool)
    shell.type("admin-disable-provider-for-user", user_pool_id=pool)
    diego = {"user_pool_id": pool, "username": "diego"}
    events = shell.type("admin-list-user-auth-events", **diego)["AuthEvents"]
    shell.type("admin-update-auth-event-feedback", **diego, event_id=events[0]["EventId"])
    # The token is in the mail about a risk, which nobody judges yet.
    shell.type("update-auth-event-feedback", **diego, event_id=events[0]["EventId"], fails="NotAuthorizedException")


def ends(shell, system, pool, client):
    answer = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("jane", PASSWORD))
    token = answer["AuthenticationResult"]
    shell.type("revoke-token", client_id=client, token=token["RefreshToken"])
    answer = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("jane", PASSWORD))
    shell.type("global-sign-out", access_token=answer["AuthenticationResult"]["AccessToken"])
    jane = {"user_pool_id": pool, "username": "jane"}
    shell.type("admin-user-global-sign-out", **jane)
    shell.type("admin-disable-user", **jane)
    shell.type("admin-enable-user", **jane)
    answer = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("jane", PASSWORD))
    shell.type("admin-reset-user-password", **jane)
    shell.type("admin-delete-user", user_pool_id=pool, username="diego")
    answer = shell.type("initiate-auth", client_id=client, auth_parameters=by_password("new", OTHER_PASSWORD))
    shell.type("delete-user", access_token=answer["AuthenticationResult"]["AccessToken"])


class Mailbox:
    """The codes to an address, one after the other. Messages of one moment have no order, so each is asked for before the next is sent."""

    def __init__(self, system, address):
        self.system, self.address, self.told = system, address, []

    def code(self):
        codes = self.system.codes_to(self.address, len(self.told) + 1)
        for code in self.told:
            codes.remove(code)
        expect(len(codes) == 1, f"{len(codes)} codes to {self.address} at once")
        self.told.append(codes[0])
        return codes[0]


def by_password(username, password):
    return f"USERNAME={username},PASSWORD={password}"


def totp(seed, step):
    """RFC 6238: six digits of HMAC-SHA-1 over the step of 30 s."""
    digest = hmac.new(base64.b32decode(seed), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def removals(shell, admin, pool, pools):
    shell.type("delete-group", user_pool_id=pool)
    shell.type("delete-identity-provider", user_pool_id=pool)
    shell.type("delete-resource-server", user_pool_id=pool)
    client = admin.create_user_pool_client(UserPoolId=pool, ClientName="short")["UserPoolClient"]["ClientId"]
    shell.type("delete-user-pool-client", user_pool_id=pool, client_id=client)
    shell.type("delete-user-pool", user_pool_id=pool, fails="InvalidParameterException")
    shell.type("delete-user-pool", user_pool_id=pools.pop())


run(check)
