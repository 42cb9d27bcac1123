"""Devices by boto3 and pycognito: given a key, confirmed, read, listed in pages, proven, updated, forgotten; dead at the edge.

    devices.py UP_JSON

Works in pools of its own and deletes them; at the edge in the demo pool, whose settings it puts back.
"""

from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP, generate_hash_device

from system import Mismatch, expect, expect_equal, expect_error, new_password, run

UNKNOWN = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def check(system, _arguments):
    for configuration in ({"ChallengeRequiredOnNewDevice": True}, {"DeviceOnlyRememberedOnUserPrompt": True}):
        with Pool(system, configuration) as pool:
            from_its_key_to_its_end(system, pool, asks="DeviceOnlyRememberedOnUserPrompt" in configuration)
    with Pool(system, {"ChallengeRequiredOnNewDevice": False, "DeviceOnlyRememberedOnUserPrompt": False}) as pool:
        in_pages(system, pool)
        whose_it_is(system, pool)
        proven_by_pycognito(system, pool)
    at_the_edge(system)


class Pool:
    """A pool that remembers devices, with the user jane."""

    def __init__(self, system, configuration):
        self.system, self.configuration = system, configuration

    def __enter__(self):
        admin = self.system.admin
        made = admin.create_user_pool(PoolName="devices", DeviceConfiguration=self.configuration)["UserPool"]
        self.id = made["Id"]
        expect_equal(made["DeviceConfiguration"], self.configuration, "DeviceConfiguration")
        client = admin.create_user_pool_client(UserPoolId=self.id, ClientName="app", ExplicitAuthFlows=FLOWS)
        self.client = client["UserPoolClient"]["ClientId"]
        self.password = new_password()
        self.add("jane")
        return self

    def __exit__(self, *_):
        self.system.admin.delete_user_pool(UserPoolId=self.id)

    def add(self, name):
        user = {"UserPoolId": self.id, "Username": name}
        self.system.admin.admin_create_user(**user, MessageAction="SUPPRESS")
        self.system.admin.admin_set_user_password(**user, Password=self.password, Permanent=True)

    def sign_in(self, name="jane", key=None):
        """AuthenticationResult, or the next challenge's whole answer."""
        parameters = {"USERNAME": name, "PASSWORD": self.password, **({"DEVICE_KEY": key} if key else {})}
        answer = self.system.public.initiate_auth(
            ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        return answer.get("AuthenticationResult", answer)

    def settle(self, name="jane", secret=True, **more):
        """A sign-in from a new device that is confirmed: (tokens, key, what pycognito keeps of it)."""
        tokens = self.sign_in(name)
        return (tokens, *confirm(self.system, tokens, secret, **more))

    def verify(self, token):
        iss = self.system.iss.replace(self.system.pool_id, self.id)
        return self.system.verify(token, "access", self.id, self.client, iss=iss)

    def srp(self, name="jane", **device):
        return AWSSRP(name, self.password, self.id, self.client, client=self.system.public, **device)


def confirm(system, tokens, secret=True, **more):
    given = tokens["NewDeviceMetadata"]
    key, group = given["DeviceKey"], given["DeviceGroupKey"]
    password, config = generate_hash_device(group, key)
    if secret:
        more["DeviceSecretVerifierConfig"] = config
    system.public.confirm_device(AccessToken=tokens["AccessToken"], DeviceKey=key, **more)
    return key, {"device_key": key, "device_group_key": group, "device_password": password}


def attributes(device):
    return {attribute["Name"]: attribute["Value"] for attribute in device["DeviceAttributes"]}


def from_its_key_to_its_end(system, pool, asks):
    public, admin = system.public, system.admin
    tokens = pool.sign_in()
    key = tokens["NewDeviceMetadata"]["DeviceKey"]
    expect(key.startswith(f"{system.region}_"), f"the key {key} does not begin with the region")
    mine = {"AccessToken": tokens["AccessToken"], "DeviceKey": key}
    expect_error("ResourceNotFoundException", public.get_device, "before it is confirmed", **mine)
    _, config = generate_hash_device(tokens["NewDeviceMetadata"]["DeviceGroupKey"], key)
    bad = {**config, "Salt": "***"}
    expect_error("InvalidParameterException", public.confirm_device, "a bad verifier", **mine, DeviceSecretVerifierConfig=bad)
    confirmed = public.confirm_device(**mine, DeviceSecretVerifierConfig=config, DeviceName="Jane's phone 📱")
    expect_equal(confirmed["UserConfirmationNecessary"], asks, "UserConfirmationNecessary")
    expect_error("DeviceKeyExistsException", public.confirm_device, "again", **mine, DeviceSecretVerifierConfig=config)

    device = public.get_device(**mine)["Device"]
    shown = attributes(device)
    expect_equal(
        [shown["device_status"], shown["device_name"], shown["last_ip_used"]],
        ["valid", "Jane's phone 📱", "127.0.0.1"],
        "attributes",
    )
    remembered = "dev:device_remembered_status"
    expect_equal(shown[remembered], "not_remembered" if asks else "remembered", "status")
    for date in ("DeviceCreateDate", "DeviceLastModifiedDate", "DeviceLastAuthenticatedDate"):
        expect(device[date], f"no {date}")
    named = {"UserPoolId": pool.id, "Username": "jane", "DeviceKey": key}
    expect_equal(admin.admin_get_device(**named)["Device"], device, "the administrator's view")

    public.update_device_status(**mine, DeviceRememberedStatus="remembered")
    expect_equal(attributes(public.get_device(**mine)["Device"])[remembered], "remembered", "updated")
    expect_equal(pool.sign_in(key=key).get("ChallengeName"), "DEVICE_SRP_AUTH", "a remembered device")
    admin.admin_update_device_status(**named, DeviceRememberedStatus="not_remembered")
    expect_equal(attributes(public.get_device(**mine)["Device"])[remembered], "not_remembered", "updated by an administrator")
    again = pool.sign_in(key=key)
    expect("NewDeviceMetadata" not in again, "a known device is given another key")
    claims = pool.verify(again["AccessToken"])
    expect_equal(claims["device_key"], key, "the claim device_key")

    other = pool.sign_in()
    public.forget_device(AccessToken=other["AccessToken"], DeviceKey=key)
    expect_error("NotAuthorizedException", public.get_user, "a token of it", AccessToken=again["AccessToken"])
    expect_error("NotAuthorizedException", public.get_device, "its own token", **mine)
    gone = {"AccessToken": other["AccessToken"], "DeviceKey": key}
    expect_error("ResourceNotFoundException", public.get_device, "forgotten", **gone)
    expect_error("ResourceNotFoundException", public.forget_device, "forgotten twice", **gone)
    expect_error("ResourceNotFoundException", admin.admin_get_device, "forgotten", **named)
    public.get_user(AccessToken=other["AccessToken"])


def in_pages(system, pool):
    keys = sorted(pool.settle(secret=False, DeviceName=f"device {n}")[1] for n in range(5))
    token = pool.sign_in()["AccessToken"]
    named = {"UserPoolId": pool.id, "Username": "jane"}
    calls = ((system.public.list_devices, {"AccessToken": token}), (system.admin.admin_list_devices, named))
    for call, whose in calls:
        listed, page = [], call(**whose, Limit=2)
        while True:
            expect(len(page["Devices"]) <= 2, "a page is longer than it may be")
            listed += [device["DeviceKey"] for device in page["Devices"]]
            if "PaginationToken" not in page:
                break
            page = call(**whose, Limit=2, PaginationToken=page["PaginationToken"])
        expect_equal(listed, keys, f"{call.__name__} in pages")
        expect_equal(len(call(**whose)["Devices"]), 5, f"{call.__name__} at once")
        message = expect_error("InvalidParameterException", call, "a token that is none", **whose, PaginationToken="x")
        expect(message.startswith("Paging marker"), message)
    for key in keys:
        system.admin.admin_forget_device(**named, DeviceKey=key)
    expect_equal(system.admin.admin_list_devices(**named)["Devices"], [], "after all were forgotten")


def whose_it_is(system, pool):
    """Other users' devices, tokens of other pools, keys of nobody."""
    public, admin = system.public, system.admin
    pool.add("joan")
    jane, joan = pool.sign_in(), pool.sign_in("joan")
    joans, _ = confirm(system, joan)
    token = jane["AccessToken"]
    for key in (joans, f"{system.region}_{UNKNOWN}"):
        strange = {"AccessToken": token, "DeviceKey": key}
        message = expect_error("InvalidParameterException", public.confirm_device, "a strange key", **strange)
        expect_equal(message, "Invalid device key given.", "text")
        for call in (public.get_device, public.forget_device, public.update_device_status):
            message = expect_error("ResourceNotFoundException", call, "a strange device", **strange)
            expect_equal(message, "Device does not exist.", "text")
        named = {"UserPoolId": pool.id, "Username": "jane", "DeviceKey": key}
        for call in (admin.admin_get_device, admin.admin_forget_device, admin.admin_update_device_status):
            expect_error("ResourceNotFoundException", call, "a strange device", **named)
        parameters = {"USERNAME": "jane", "PASSWORD": "Wrong-password-1", "DEVICE_KEY": key}
        wrong = {"ClientId": pool.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        expect_error("NotAuthorizedException", public.initiate_auth, "a wrong password goes first", **wrong)
    expect_error("InvalidParameterException", public.get_device, "no key", AccessToken=token, DeviceKey="no key")
    email, password, _ = system.sign_up()
    elsewhere = system.sign_in(email, password)["AccessToken"]
    expect_error("ResourceNotFoundException", public.get_device, "a token of another pool", AccessToken=elsewhere, DeviceKey=joans)
    expect_error("NotAuthorizedException", public.get_device, "no token", AccessToken="a.b.c", DeviceKey=joans)
    public.get_device(AccessToken=joan["AccessToken"], DeviceKey=joans)


def proven_by_pycognito(system, pool):
    """pycognito names no Session in the challenges of devices."""
    _, key, device = pool.settle(DeviceName="pycognito")
    for _ in range(3):
        tokens = pool.srp(**device).authenticate_user()["AuthenticationResult"]
        expect("NewDeviceMetadata" not in tokens, "a proven device is given another key")
        claims = pool.verify(tokens["AccessToken"])
        expect_equal(claims["device_key"], key, "the claim device_key")
    refresh = {"ClientId": pool.client, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    parameters = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    expect_error("NotAuthorizedException", system.public.initiate_auth, "a refresh that names no device", **refresh, AuthParameters=parameters)
    system.public.initiate_auth(**refresh, AuthParameters={**parameters, "DEVICE_KEY": key})
    wrong = {**device, "device_password": "not the secret"}
    refused("NotAuthorizedException", pool.srp(**wrong).authenticate_user, "a wrong secret")
    new = pool.srp().authenticate_user()["AuthenticationResult"]
    expect("NewDeviceMetadata" in new, "SRP without a device is given no key")
    system.public.forget_device(AccessToken=tokens["AccessToken"], DeviceKey=key)
    refused("ResourceNotFoundException", pool.srp(**device).authenticate_user, "a forgotten device")


def refused(name, call, what):
    try:
        call()
    except ClientError as error:
        expect_equal(error.response["Error"]["Code"], name, what)
        return
    raise Mismatch(f"{what}: expected {name}, but the call succeeded")


def at_the_edge(system):
    """What came from a forgotten device is refused there, and nothing else."""
    admin = system.admin
    settings = admin.describe_user_pool(UserPoolId=system.pool_id)["UserPool"]
    members = admin.meta.service_model.operation_model("UpdateUserPool").input_shape.members
    settings = {name: value for name, value in settings.items() if name in members}
    settings.get("AdminCreateUserConfig", {}).pop("UnusedAccountValidityDays", None)
    update = {**settings, "UserPoolId": system.pool_id}
    admin.update_user_pool(**update, DeviceConfiguration={})
    try:
        email, password, _ = system.sign_up()
        first = system.sign_in(email, password)
        key, _ = confirm(system, first, secret=False)
        other = system.sign_in(email, password)
        for tokens in (first, other):
            system.expect_edge(tokens["AccessToken"], 200, "before the device is forgotten")
        system.public.forget_device(AccessToken=other["AccessToken"], DeviceKey=key)
        system.expect_refusal(first["AccessToken"], "a token of a forgotten device")
        system.expect_edge(other["AccessToken"], 200, "a token of another device")
    finally:
        admin.update_user_pool(**update)


run(check)
