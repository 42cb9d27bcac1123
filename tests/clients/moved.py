"""People of an imported pool sign in by boto3 with their passwords and by pycognito with SRP, and are who they were. Usage: moved.py UP_JSON PEOPLE_JSON"""

import json
from pathlib import Path

from botocore.exceptions import ClientError
from pycognito import Cognito

from system import expect, expect_equal, run


def check(system, arguments):
    people = json.loads(Path(arguments[0]).read_text())
    for username, password, sub in people:
        answer = system.public.initiate_auth(
            ClientId=system.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )["AuthenticationResult"]
        attributes = system.public.get_user(AccessToken=answer["AccessToken"])["UserAttributes"]
        expect_equal({a["Name"]: a["Value"] for a in attributes}["sub"], sub, f"sub of {username}")
        person = cognito(system, username)
        person.authenticate(password)  # by SRP; pycognito verifies both tokens by the JWKS
        expect_equal(person.id_claims["sub"], sub, f"sub of {username} by SRP")
        try:
            cognito(system, username).authenticate(password + "x")
        except ClientError as error:
            expect_equal(error.response["Error"]["Code"], "NotAuthorizedException", "SRP with a wrong password")
        else:
            expect(False, "SRP accepts a wrong password")
    return f"{len(people)} people"


def cognito(system, username):
    return Cognito(
        system.pool_id,
        system.client_id,
        user_pool_region=system.region,
        username=username,
        access_key=system.access_key_id,
        secret_key=system.secret_access_key,
        boto3_client_kwargs={"endpoint_url": system.issuer},
    )


run(check)
