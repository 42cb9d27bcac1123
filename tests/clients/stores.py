"""Settings of pools and clients by boto3: made, read back, listed in pages, updated, deleted.

    stores.py UP_JSON

Works in a pool of its own and deletes it. Shapes: botocore's model, which also checks what is sent; texts: Cognito's documentation.
"""

from system import expect, expect_equal, expect_error, run

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
OIDC = {
    "client_id": "c",
    "client_secret": "s",
    "attributes_request_method": "GET",
    "oidc_issuer": "https://idp.example.com",
    "authorize_scopes": "openid email",
}


def check(system, _arguments):
    admin = system.admin
    made = admin.create_user_pool(PoolName="stores", UserPoolTags={"team": "a"})["UserPool"]
    pool = {"UserPoolId": made["Id"]}
    try:
        tags(admin, made["Arn"])
        attributes(admin, pool)
        resource_servers(admin, pool)
        providers(admin, pool)
        client = admin.create_user_pool_client(
            **pool,
            ClientName="server",
            GenerateSecret=True,
            AllowedOAuthScopes=["openid", "api-1/read"],
            SupportedIdentityProviders=["COGNITO", "Corp"],
        )["UserPoolClient"]
        named = {**pool, "ClientId": client["ClientId"]}
        client_secrets(admin, named)
        domains(admin, pool)
        appearance(admin, pool, named)
        terms(admin, pool, named)
        settings(admin, pool, named)
        imports(admin, pool)
        replicas(admin, pool)
        limits(admin)
        certificate = admin.get_signing_certificate(**pool)["Certificate"]
        expect(certificate.startswith("MII"), "the certificate is no DER")
    finally:
        for domain in ("prefix-of-stores", "auth.stores.example"):
            found = admin.describe_user_pool_domain(Domain=domain)["DomainDescription"]
            if found.get("UserPoolId") == pool["UserPoolId"]:
                admin.delete_user_pool_domain(**pool, Domain=domain)
        admin.delete_user_pool(**pool)
    expect_error("ResourceNotFoundException", admin.list_resource_servers, "a deleted pool", **pool)


def tags(admin, arn):
    admin.tag_resource(ResourceArn=arn, Tags={"team": "b", "stage": "prod"})
    admin.untag_resource(ResourceArn=arn, TagKeys=["team"])
    expect_equal(admin.list_tags_for_resource(ResourceArn=arn)["Tags"], {"stage": "prod"}, "tags")


def attributes(admin, pool):
    admin.add_custom_attributes(**pool, CustomAttributes=[{"Name": "tier", "AttributeDataType": "String"}])
    schema = admin.describe_user_pool(**pool)["UserPool"]["SchemaAttributes"]
    expect("custom:tier" in [attribute["Name"] for attribute in schema], "the attribute is not there")


def resource_servers(admin, pool):
    scopes = [{"ScopeName": "read", "ScopeDescription": "May read"}]
    for n in range(3):
        admin.create_resource_server(**pool, Identifier=f"api-{n}", Name=f"API {n}", Scopes=scopes)
    pages = admin.get_paginator("list_resource_servers").paginate(**pool, PaginationConfig={"PageSize": 2})
    listed = [server["Identifier"] for page in pages for server in page["ResourceServers"]]
    expect_equal(listed, ["api-0", "api-1", "api-2"], "resource servers")
    admin.update_resource_server(**pool, Identifier="api-0", Name="none")
    found = admin.describe_resource_server(**pool, Identifier="api-0")["ResourceServer"]
    expect_equal((found["Name"], found.get("Scopes")), ("none", None), "after an update")
    admin.delete_resource_server(**pool, Identifier="api-0")
    expect_error("ResourceNotFoundException", admin.describe_resource_server, "deleted", **pool, Identifier="api-0")


def providers(admin, pool):
    identity = {**pool, "ProviderName": "Corp"}
    admin.create_identity_provider(
        **identity,
        ProviderType="OIDC",
        ProviderDetails=OIDC,
        AttributeMapping={"email": "email"},
        IdpIdentifiers=["corp.example"],
    )
    by_identifier = admin.get_identity_provider_by_identifier(**pool, IdpIdentifier="corp.example")
    expect_equal(by_identifier["IdentityProvider"], admin.describe_identity_provider(**identity)["IdentityProvider"], "Corp")
    admin.update_identity_provider(**identity, AttributeMapping={"name": "name"})
    admin.create_identity_provider(
        **pool,
        ProviderName="SAML2",
        ProviderType="SAML",
        ProviderDetails={"MetadataURL": "https://idp.example.com/metadata"},
    )
    pages = admin.get_paginator("list_identity_providers").paginate(**pool, PaginationConfig={"PageSize": 1})
    listed = [provider["ProviderName"] for page in pages for provider in page["Providers"]]
    expect_equal(listed, ["Corp", "SAML2"], "providers")
    admin.delete_identity_provider(**pool, ProviderName="SAML2")


def client_secrets(admin, named):
    added = admin.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]
    listed = admin.list_user_pool_client_secrets(**named)["ClientSecrets"]
    expect_equal(len(listed), 2, "secrets")
    expect_error("LimitExceededException", admin.add_user_pool_client_secret, "a third secret", **named)
    old = next(one["ClientSecretId"] for one in listed if one["ClientSecretId"] != added["ClientSecretId"])
    admin.delete_user_pool_client_secret(**named, ClientSecretId=old)
    shown = admin.describe_user_pool_client(**named)["UserPoolClient"]["ClientSecret"]
    expect_equal(shown, added["ClientSecretValue"], "the secret that is left")


def domains(admin, pool):
    admin.create_user_pool_domain(**pool, Domain="prefix-of-stores", ManagedLoginVersion=2)
    custom = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/a1b2c3d4"}
    made = admin.create_user_pool_domain(**pool, Domain="auth.stores.example", CustomDomainConfig=custom)
    expect("CloudFrontDomain" in made, "no name to point the domain at")
    found = admin.describe_user_pool(**pool)["UserPool"]
    expect_equal((found["Domain"], found["CustomDomain"]), ("prefix-of-stores", "auth.stores.example"), "domains")
    expect_error("InvalidParameterException", admin.delete_user_pool, "a pool with domains", **pool)


def appearance(admin, pool, named):
    css = ".logo-customizable { max-width: 60%; }"
    admin.set_ui_customization(**pool, CSS=css, ImageFile=PNG)
    found = admin.get_ui_customization(**named)["UICustomization"]
    expect_equal((found["ClientId"], found["CSS"]), ("ALL", css), "the customization of all clients")
    asset = {"Category": "FORM_LOGO", "ColorMode": "LIGHT", "Extension": "PNG", "Bytes": PNG}
    style = {"components": {"form": {"borderRadius": 8.0}}}
    made = admin.create_managed_login_branding(**named, Settings=style, Assets=[asset])["ManagedLoginBranding"]
    expect_equal(made["Assets"][0]["Bytes"], PNG, "the image")
    branding = {**pool, "ManagedLoginBrandingId": made["ManagedLoginBrandingId"]}
    expect_equal(admin.describe_managed_login_branding(**branding)["ManagedLoginBranding"], made, "the branding")
    admin.update_managed_login_branding(**branding, UseCognitoProvidedValues=True)
    by_client = admin.describe_managed_login_branding_by_client(**named)["ManagedLoginBranding"]
    expect(by_client["UseCognitoProvidedValues"], "the branding is not Cognito's")
    admin.delete_managed_login_branding(**branding)


def terms(admin, pool, named):
    common = {"TermsSource": "LINK", "Enforcement": "NONE", "Links": {"cognito:default": "https://example.com/terms"}}
    made = admin.create_terms(**named, TermsName="terms-of-use", **common)["Terms"]
    admin.create_terms(**named, TermsName="privacy-policy", **common)
    expect_equal(len(admin.list_terms(**pool, MaxResults=1)["Terms"]), 1, "a page of terms")
    expect_equal(admin.describe_terms_by_client(**named, TermsName="terms-of-use")["Terms"], made, "terms by client")
    admin.update_terms(**pool, TermsId=made["TermsId"], Links={"cognito:default": "https://example.com/new"})
    expect_equal(admin.describe_terms(**pool, TermsId=made["TermsId"])["Terms"]["TermsName"], "terms-of-use", "the name")
    admin.delete_terms(**pool, TermsId=made["TermsId"])


def settings(admin, pool, named):
    expect_equal(admin.get_user_pool_mfa_config(**pool)["MfaConfiguration"], "OFF", "MFA")
    passkeys = {"RelyingPartyId": "auth.stores.example", "UserVerification": "preferred"}
    set_to = admin.set_user_pool_mfa_config(**pool, MfaConfiguration="OFF", WebAuthnConfiguration=passkeys)
    expect_equal(set_to["WebAuthnConfiguration"], passkeys, "passkeys")
    on = {"MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
    expect_equal(admin.set_user_pool_mfa_config(**pool, **on)["MfaConfiguration"], "ON", "MFA")
    torn = {"MfaConfiguration": "OFF", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
    expect_error("InvalidParameterException", admin.set_user_pool_mfa_config, "a factor of no use", **pool, **torn)
    admin.set_user_pool_mfa_config(**pool, MfaConfiguration="OFF")
    ranges = {"BlockedIPRangeList": ["192.0.2.0/24"]}
    admin.set_risk_configuration(**pool, RiskExceptionConfiguration=ranges)
    risk = admin.describe_risk_configuration(**named)["RiskConfiguration"]
    expect_equal(risk["RiskExceptionConfiguration"], ranges, "ranges")
    group = {"LogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:errors"}
    logs = [{"EventSource": "userNotification", "LogLevel": "ERROR", "CloudWatchLogsConfiguration": group}]
    admin.set_log_delivery_configuration(**pool, LogConfigurations=logs)
    found = admin.get_log_delivery_configuration(**pool)["LogDeliveryConfiguration"]["LogConfigurations"]
    expect_equal(found, logs, "log delivery")
    admin.set_user_pool_session_configuration(**pool, TokenSession={"MaxPerUser": 3}, UserSessionTracking="ENABLED")
    expect_equal(admin.get_user_pool_session_configuration(**pool)["TokenSession"], {"MaxPerUser": 3}, "sessions")
    admin.set_user_pool_client_session_configuration(**named, SSOSession={"MaxValidityMinutes": 5})
    sso = admin.get_user_pool_client_session_configuration(**named)["SSOSession"]
    expect_equal(sso, {"MaxValidityMinutes": 5}, "the client's sessions")


def imports(admin, pool):
    expect("custom:tier" in admin.get_csv_header(**pool)["CSVHeader"], "a column is missing")
    role = "arn:aws:iam::123456789012:role/CognitoCloudWatchLogsRole"
    made = admin.create_user_import_job(**pool, JobName="autumn", CloudWatchLogsRoleArn=role)["UserImportJob"]
    job = {**pool, "JobId": made["JobId"]}
    expect_equal(admin.start_user_import_job(**job)["UserImportJob"]["Status"], "Pending", "a job that was started")
    admin.stop_user_import_job(**job)
    expect_equal(admin.describe_user_import_job(**job)["UserImportJob"]["Status"], "Stopped", "a job that was stopped")
    expect_equal(len(admin.list_user_import_jobs(**pool, MaxResults=60)["UserImportJobs"]), 1, "jobs")
    expect_error("PreconditionNotMetException", admin.start_user_import_job, "a stopped job", **job)


def replicas(admin, pool):
    there = {**pool, "RegionName": "eu-other-1"}
    admin.create_user_pool_replica(**there)
    admin.update_user_pool_replica(**there, Status="ACTIVE")
    roles = [replica["Role"] for replica in admin.list_user_pool_replicas(**pool)["UserPoolReplicas"]]
    expect_equal(roles, ["PRIMARY", "SECONDARY"], "replicas")
    admin.delete_user_pool_replica(**there)


def limits(admin):
    definition = {"LimitClass": "API_CATEGORY", "Attributes": {"Category": "UserCreation"}}
    before = admin.get_provisioned_limit(LimitDefinition=definition)["Limit"]["ProvisionedLimitValue"]
    admin.update_provisioned_limit(LimitDefinition=definition, RequestedLimitValue=before + 1)
    after = admin.get_provisioned_limit(LimitDefinition=definition)["Limit"]["ProvisionedLimitValue"]
    expect_equal(after, before + 1, "the limit")


if __name__ == "__main__":
    run(check)
