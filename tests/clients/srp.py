"""SRP by pycognito: N random users and passwords (300 unless told), Unicode included. Usage: srp.py UP_JSON [N]"""

import random
import secrets
import unicodedata

from botocore.exceptions import ClientError
from pycognito import Cognito
from pycognito.exceptions import TokenVerificationException

from system import Mismatch, expect, expect_equal, run

# Letters, marks, numbers, symbols and punctuation of several scripts, some beyond the BMP, some that change under NFC.
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "-_.+!#$%&*=?^~|@/\\\"'`<>()[]{},;:",
    "äöüßéèñçøåÆŁżğıİ",
    "ΑΩαωςЖжЯяЇїאבגדשاحخية",
    "日本語漢字かなカナ한국어ไทยनमस्ते",
    "e\u0301A\u030ao\u0308\u1e9b\u0323ﬁΩÅ",
    "😀🔑🧪𝒜𝔘𠮷€£¥",
]


def check(system, arguments):
    count = int(arguments[0]) if arguments else 300
    pool = system.admin.create_user_pool(
        PoolName="srp",
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 6,
                "RequireUppercase": False,
                "RequireLowercase": False,
                "RequireNumbers": False,
                "RequireSymbols": False,
            }
        },
        UsernameConfiguration={"CaseSensitive": True},
    )["UserPool"]["Id"]
    client = system.admin.create_user_pool_client(
        UserPoolId=pool, ClientName="srp", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    seed = secrets.randbits(64)
    dice = random.Random(seed)
    names = set()
    for turn in range(count):
        username, password = random_text(dice, 1, 40), random_text(dice, 6, 80)
        if unicodedata.normalize("NFKC", username).casefold() in names:
            continue  # which names count as one is another test's business
        names.add(unicodedata.normalize("NFKC", username).casefold())
        where = f"seed {seed}, user {turn}, name {username!r}, password {password!r}"
        try:
            one(system, pool, client, username, password, wrong_too=turn % 10 == 0)
        except (Mismatch, ClientError, TokenVerificationException) as error:
            raise Mismatch(f"{where}: {error}") from None
    return f"{len(names)} users"


def one(system, pool, client, username, password, wrong_too):
    system.admin.admin_create_user(UserPoolId=pool, Username=username, MessageAction="SUPPRESS")
    system.admin.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)
    person = cognito(system, pool, client, username)
    person.authenticate(password)  # pycognito verifies both tokens by the JWKS
    expect_equal(person.access_claims["username"], username, "username in the access token")
    expect_equal(person.id_claims["cognito:username"], username, "cognito:username in the ID token")
    if wrong_too:
        refuses_wrong_passwords(system, pool, client, username, password)


def refuses_wrong_passwords(system, pool, client, username, password):
    for wrong in (password + "x", password[:-1] + ("a" if password[-1] != "a" else "b"), "another-Password-1"):
        try:
            cognito(system, pool, client, username).authenticate(wrong)
        except ClientError as error:
            expect_equal(error.response["Error"]["Code"], "NotAuthorizedException", "SRP with a wrong password")
        else:
            expect(False, f"SRP accepts the wrong password {wrong!r}")


def cognito(system, pool, client, username):
    return Cognito(
        pool,
        client,
        user_pool_region=system.region,
        username=username,
        access_key=system.access_key_id,
        secret_key=system.secret_access_key,
        boto3_client_kwargs={"endpoint_url": system.issuer},
    )


def random_text(dice, least, most):
    """Text within Cognito's patterns: no white space, nothing unassigned."""
    alphabets = dice.sample(ALPHABETS, dice.randint(1, len(ALPHABETS)))
    letters = [letter for letter in "".join(alphabets) if unicodedata.category(letter)[0] in "LMNSP"]
    return "".join(dice.choice(letters) for _ in range(dice.randint(least, most)))


run(check)
