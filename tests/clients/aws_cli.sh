#!/bin/sh
# The AWS CLI, unmodified, against a running `tollgate up`. Usage: aws_cli.sh UP_JSON   (aws and python3 in PATH)
set -eu
[ $# -ge 1 ] || { echo "usage: aws_cli.sh UP_JSON" >&2; exit 2; }
up=$1

fail() {
    echo "aws_cli.sh: MISMATCH: $*" >&2
    exit 1
}
setting() {
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$up" "$1"
}
# Exactly the configuration that the documentation shows: an endpoint and a key, nothing from this machine.
export AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER="$(setting issuer)" AWS_DEFAULT_REGION="$(setting region)"
export AWS_ACCESS_KEY_ID="$(setting access_key_id)" AWS_SECRET_ACCESS_KEY="$(setting secret_access_key)"
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=1 AWS_PAGER=
idp() {
    aws cognito-idp "$@" --output text
}
refused() {
    wanted=$1
    shift
    if said=$(idp "$@" 2>&1); then
        fail "$1: expected $wanted, but it succeeded"
    fi
    case $said in *"($wanted)"*) ;; *) fail "$1: expected $wanted, found: $said" ;; esac
}

pool=$(idp create-user-pool --pool-name from-the-cli --query UserPool.Id)
[ "$(idp describe-user-pool --user-pool-id "$pool" --query UserPool.Name)" = from-the-cli ] || fail "describe-user-pool"
client=$(idp create-user-pool-client --user-pool-id "$pool" --client-name cli --query UserPoolClient.ClientId \
    --explicit-auth-flows ALLOW_USER_PASSWORD_AUTH ALLOW_REFRESH_TOKEN_AUTH)

user="cli-$$" password='Correct-Horse-1' other='Battery-Staple-2'
status=$(idp admin-create-user --user-pool-id "$pool" --username "$user" --temporary-password "$password" \
    --message-action SUPPRESS --query User.UserStatus)
[ "$status" = FORCE_CHANGE_PASSWORD ] || fail "admin-create-user: UserStatus $status"
session=$(idp initiate-auth --client-id "$client" --auth-flow USER_PASSWORD_AUTH \
    --auth-parameters "USERNAME=$user,PASSWORD=$password" --query Session)
access=$(idp respond-to-auth-challenge --client-id "$client" --challenge-name NEW_PASSWORD_REQUIRED --session "$session" \
    --challenge-responses "USERNAME=$user,NEW_PASSWORD=$other" --query AuthenticationResult.AccessToken)
[ "$(idp get-user --access-token "$access" --query Username)" = "$user" ] || fail "get-user: Username"

idp create-group --user-pool-id "$pool" --group-name staff >/dev/null
idp admin-add-user-to-group --user-pool-id "$pool" --username "$user" --group-name staff
idp admin-set-user-password --user-pool-id "$pool" --username "$user" --password "$password" --permanent
refused NotAuthorizedException get-user --access-token "$access"

tokens=$(idp initiate-auth --client-id "$client" --auth-flow USER_PASSWORD_AUTH \
    --auth-parameters "USERNAME=$user,PASSWORD=$password" --query 'AuthenticationResult.[AccessToken,RefreshToken]')
access=$(echo "$tokens" | cut -f1)
refresh=$(echo "$tokens" | cut -f2)
idp revoke-token --client-id "$client" --token "$refresh"
refused NotAuthorizedException initiate-auth --client-id "$client" --auth-flow REFRESH_TOKEN_AUTH \
    --auth-parameters "REFRESH_TOKEN=$refresh"
idp admin-user-global-sign-out --user-pool-id "$pool" --username "$user"
idp admin-disable-user --user-pool-id "$pool" --username "$user"
refused NotAuthorizedException initiate-auth --client-id "$client" --auth-flow USER_PASSWORD_AUTH \
    --auth-parameters "USERNAME=$user,PASSWORD=$password"
refused ResourceNotFoundException describe-user-pool --user-pool-id "${AWS_DEFAULT_REGION}_NoSuchPool"
export AWS_SECRET_ACCESS_KEY=wrong
if aws cognito-idp describe-user-pool --user-pool-id "$pool" >/dev/null 2>&1; then
    fail "a call with a wrong secret key succeeded"
fi
echo "aws_cli.sh: ok"
