"""Sessions, tokens of clients, exchanged tokens, auth events and linked identities by boto3; revocations at the edge.

    sessions.py UP_JSON

Works in pools of its own and deletes them; what edges refuse is tried in the demo pool, by users of its own.
"""

import json

import jwt
from system import expect, expect_equal, expect_error, new_email, new_password, run

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1"


def check(system, _arguments):
    admin = system.admin
    pool = {"UserPoolId": admin.create_user_pool(PoolName="sessions", UserPoolAddOns={"AdvancedSecurityMode": "AUDIT"})["UserPool"]["Id"]}
    try:
        named = {**pool, "Username": "jane"}
        password = new_password()
        admin.admin_create_user(**named, MessageAction="SUPPRESS")
        admin.admin_set_user_password(**named, Password=password, Permanent=True)
        client = admin.create_user_pool_client(
            **pool, ClientName="server", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        )["UserPoolClient"]["ClientId"]
        sign_in = signer_in(admin, {**pool, "ClientId": client}, password)
        sessions(admin, named, sign_in, client)
        events(admin, system.public, named, sign_in)
        service(admin, system, pool, sign_in)
        links(admin, pool, named)
    finally:
        admin.delete_user_pool(**pool)
    at_the_edge(system)


def signer_in(admin, named, password):
    def sign_in(password=password, address="192.0.2.7"):
        context = {
            "IpAddress": address,
            "ServerName": "app.example.com",
            "ServerPath": "/login",
            "HttpHeaders": [{"headerName": "User-Agent", "headerValue": PHONE}],
        }
        parameters = {"USERNAME": "jane", "PASSWORD": password}
        return admin.admin_initiate_auth(
            **named, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters, ContextData=context
        )["AuthenticationResult"]

    return sign_in


def sessions(admin, named, sign_in, client):
    pool = {"UserPoolId": named["UserPoolId"]}
    expect_error("OperationNotEnabledException", admin.admin_list_user_sessions, "without tracking", **named)
    setting = {**pool, "UserSessionTracking": "ENABLED", "TokenSession": {"MaxPerUser": 2}}
    admin.set_user_pool_session_configuration(**setting)
    found = admin.get_user_pool_session_configuration(**pool)
    expect_equal(found["TokenSession"], {"MaxPerUser": 2}, "the configuration")
    first, second = sign_in(), sign_in(address="192.0.2.8")
    listed = admin.list_user_sessions(AccessToken=second["AccessToken"])["Sessions"]
    expect_equal([one["IsCurrentSession"] for one in listed], [True, False], "the newest is the caller's")
    other = listed[1]
    expect_equal((other["LastIPAddress"], other["DeviceType"]), ("192.0.2.7", "Safari 18, iOS"), "where the other is")
    expect_equal((other["ClientId"], other["SessionType"]), (client, "TOKEN"), "what the other is")
    expect(len(other["SessionId"]) == 28 and other["SessionId"].startswith("tkn"), "the id is none of Cognito's form")
    own = {"AccessToken": second["AccessToken"], "SessionId": listed[0]["SessionId"]}
    expect_error("InvalidParameterException", admin.revoke_user_session, "the own session", **own)
    admin.revoke_user_session(AccessToken=second["AccessToken"], SessionId=other["SessionId"], RevokeAssociatedSessions="NONE")
    expect_error("NotAuthorizedException", admin.get_user, "a revoked session", AccessToken=first["AccessToken"])
    admin.get_user(AccessToken=second["AccessToken"])
    tokens = [second, sign_in(), sign_in()]
    expect_error("NotAuthorizedException", admin.get_user, "the least recently used", AccessToken=tokens[0]["AccessToken"])
    listed = admin.admin_list_user_sessions(**named)["Sessions"]
    expect_equal([one["IsCurrentSession"] for one in listed], [False, False], "an administrator's list")
    admin.admin_revoke_user_session(**named, SessionId=listed[0]["SessionId"])
    gone = {**named, "SessionId": listed[0]["SessionId"]}
    expect_error("ResourceNotFoundException", admin.admin_revoke_user_session, "revoked once", **gone)
    expect_equal(len(admin.admin_list_user_sessions(**named)["Sessions"]), 1, "sessions that are left")


def events(admin, public, named, sign_in):
    before = admin.admin_list_user_auth_events(**named)["AuthEvents"]
    expect_error("NotAuthorizedException", lambda: sign_in(password="Wrong-Horse-1"), "a wrong password")
    newest = admin.admin_list_user_auth_events(**named, MaxResults=1)
    expect(newest["NextToken"], "there are more")
    event = newest["AuthEvents"][0]
    expect_equal((event["EventType"], event["EventResponse"]), ("SignIn", "Fail"), "a failure")
    expect_equal(event["ChallengeResponses"], [{"ChallengeName": "Password", "ChallengeResponse": "Failure"}], "the challenge")
    expect_equal(event["EventContextData"], {"IpAddress": "192.0.2.7", "DeviceName": "Safari 18, iOS"}, "the context")
    pages = admin.get_paginator("admin_list_user_auth_events").paginate(**named, PaginationConfig={"PageSize": 2})
    listed = [one["EventId"] for page in pages for one in page["AuthEvents"]]
    expect_equal((len(listed), len(set(listed))), (len(before) + 1,) * 2, "events in pages")
    admin.admin_update_auth_event_feedback(**named, EventId=event["EventId"], FeedbackValue="Invalid")
    feedback = admin.admin_list_user_auth_events(**named, MaxResults=1)["AuthEvents"][0]["EventFeedback"]
    expect_equal((feedback["FeedbackValue"], feedback["Provider"]), ("Invalid", "Admin"), "feedback")
    own = {**named, "EventId": event["EventId"], "FeedbackToken": "forged", "FeedbackValue": "Valid"}
    expect_error("NotAuthorizedException", public.update_auth_event_feedback, "a forged token", **own)


def service(admin, system, pool, sign_in):
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
    admin.create_resource_server(**pool, Identifier="orders", Name="orders", Scopes=scopes)
    machine = admin.create_user_pool_client(
        **pool,
        ClientName="machine",
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_CLIENT_TOKEN_AUTH"],
        AllowedOAuthScopes=["orders/read", "orders/write"],
    )["UserPoolClient"]
    credentials = {"ClientId": machine["ClientId"], "Secret": machine["ClientSecret"]}
    issuer = pool_claims(system, pool)
    for caller in (system.public, admin):
        result = caller.get_client_token(**credentials)["ClientAuthenticationResult"]
        claims = issuer(result["AccessToken"], None)
        expect_equal((claims["sub"], claims["client_id"]), (machine["ClientId"],) * 2, "whose the token is")
        expect_equal((claims["scope"], "username" in claims), ("orders/read orders/write", False), "what it may")
    narrow = system.public.get_client_token(**credentials, Scopes=["orders/read"])["ClientAuthenticationResult"]
    expect_equal(issuer(narrow["AccessToken"], None)["scope"], "orders/read", "a narrower token")
    wrong = {**credentials, "Secret": machine["ClientSecret"][::-1]}
    expect_error("NotAuthorizedException", system.public.get_client_token, "a wrong secret", **wrong)

    user = sign_in()
    broker = admin.create_user_pool_client(
        **pool,
        ClientName="broker",
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_TOKEN_EXCHANGE_IMPERSONATION", "ALLOW_TOKEN_EXCHANGE_DELEGATION"],
    )["UserPoolClient"]
    asked = {"ClientId": broker["ClientId"], "SubjectToken": user["AccessToken"], "SubjectTokenType": "ACCESS_TOKEN"}
    expect_error("NotAuthorizedException", system.public.get_derived_token, "without the secret", **asked)
    # A signature does in the place of the secret.
    for caller, proof in ((admin, {}), (system.public, {"ClientSecret": broker["ClientSecret"]})):
        acting = {"ActorToken": narrow["AccessToken"], "ActorTokenType": "ACCESS_TOKEN", "Resources": ["orders"]}
        derived = caller.get_derived_token(**asked, **proof, **acting)
        expect_equal((derived["IssuedTokenType"], derived["TokenType"]), ("ACCESS_TOKEN", "Bearer"), "what was issued")
        claims = issuer(derived["IssuedToken"], "orders")
        expect_equal((claims["username"], claims["client_id"]), ("jane", broker["ClientId"]), "whose the token is")
        expect_equal(claims["act"], {"sub": machine["ClientId"]}, "who acts")
        expect_error("NotAuthorizedException", admin.get_user, "a token for another service", AccessToken=derived["IssuedToken"])
    identity = system.public.get_derived_token(**asked, ClientSecret=broker["ClientSecret"], RequestedTokenType="ID_TOKEN")
    expect_equal((identity["IssuedTokenType"], identity["TokenType"]), ("ID_TOKEN", "N_A"), "an ID token")
    expect_equal(issuer(identity["IssuedToken"], broker["ClientId"])["token_use"], "id", "an ID token's use")


def pool_claims(system, pool):
    """The claims of a token of the pool, verified against its keys."""
    keys = jwt.PyJWKClient(f"{system.issuer}/{pool['UserPoolId']}/.well-known/jwks.json")

    def claims(token, audience):
        key = keys.get_signing_key_from_jwt(token).key
        return jwt.decode(token, key, algorithms=["RS256"], audience=audience, options={"verify_aud": audience is not None})

    return claims


def links(admin, pool, named):
    details = {"client_id": "c", "client_secret": "s", "authorize_scopes": "openid"}
    admin.create_identity_provider(**pool, ProviderName="Google", ProviderType="Google", ProviderDetails=details)
    google = {"ProviderName": "Google", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "108"}
    jane = {"ProviderName": "Cognito", "ProviderAttributeValue": "jane"}
    admin.admin_link_provider_for_user(**pool, DestinationUser=jane, SourceUser=google)
    attributes = {one["Name"]: one["Value"] for one in admin.admin_get_user(**named)["UserAttributes"]}
    [identity] = json.loads(attributes["identities"])
    expect_equal((identity["userId"], identity["providerName"], identity["primary"]), ("108", "Google", False), "the identity")
    again = {**pool, "DestinationUser": jane, "SourceUser": google}
    expect_error("InvalidParameterException", admin.admin_link_provider_for_user, "a second link", **again)
    admin.admin_create_user(**pool, Username="joan", MessageAction="SUPPRESS")
    joan = {**again, "DestinationUser": {**jane, "ProviderAttributeValue": "joan"}}
    expect_error("AliasExistsException", admin.admin_link_provider_for_user, "another user", **joan)
    admin.admin_disable_provider_for_user(**pool, User=google)
    expect("identities" not in str(admin.admin_get_user(**named)["UserAttributes"]), "the identity is still there")
    local = {"ProviderName": "Cognito", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "jane"}
    admin.admin_disable_provider_for_user(**pool, User=local)
    expect_equal(admin.admin_get_user(**named)["UserStatus"], "EXTERNAL_PROVIDER", "a user without a password")


def at_the_edge(system):
    """A revoked session's tokens are refused by the edge, others of the same user are not."""
    admin, pool = system.admin, {"UserPoolId": system.pool_id}
    before = admin.get_user_pool_session_configuration(**pool)
    setting = {key: before[key] for key in ("UserSessionTracking", "TokenSession")}
    email, password = new_email(), new_password()
    named = {**pool, "Username": email}
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    admin.admin_create_user(**named, UserAttributes=attributes, MessageAction="SUPPRESS")
    try:
        admin.admin_set_user_password(**named, Password=password, Permanent=True)
        admin.set_user_pool_session_configuration(**pool, UserSessionTracking="ENABLED", TokenSession={"MaxPerUser": 20})
        parameters = {"USERNAME": email, "PASSWORD": password}
        flow = {"ClientId": system.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        first, second = (system.public.initiate_auth(**flow)["AuthenticationResult"]["AccessToken"] for _ in range(2))
        for token in (first, second):
            system.expect_edge(token, 200, "before the revocation")
        other = next(one for one in admin.list_user_sessions(AccessToken=second)["Sessions"] if not one["IsCurrentSession"])
        admin.revoke_user_session(AccessToken=second, SessionId=other["SessionId"])
        system.expect_refusal(first, "a revoked session")
        system.expect_edge(second, 200, "the other session")
    finally:
        admin.set_user_pool_session_configuration(**pool, **setting)
        admin.admin_delete_user(**named)


if __name__ == "__main__":
    run(check)
