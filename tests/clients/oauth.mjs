// The token endpoint and revocation on a pool's domain, by npm oauth4webapi: found by discovery, a client's own tokens, refresh, and what is refused.
// Usage: node oauth.mjs UP_JSON

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import {
  AdminCreateUserCommand, AdminDeleteUserCommand, AdminSetUserPasswordCommand, CreateResourceServerCommand, CreateUserPoolClientCommand,
  DeleteResourceServerCommand, DeleteUserPoolClientCommand, InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import * as oauth from 'oauth4webapi';
import { admin, expect, expectEqual, expectError, newPassword, run } from './system.mjs';

const INSECURE = { [oauth.allowInsecureRequests]: true };
const SCOPES = ['orders/read', 'orders/write'];

await run(async (up) => {
  const api = admin(up);
  const pool = { UserPoolId: up.pool_id };
  const scopes = SCOPES.map((scope) => ({ ScopeName: scope.split('/')[1], ScopeDescription: scope }));
  await api.send(new CreateResourceServerCommand({ ...pool, Identifier: 'orders', Name: 'orders', Scopes: scopes }));
  const made = await api.send(new CreateUserPoolClientCommand({
    ...pool, ClientName: 'worker', GenerateSecret: true, AllowedOAuthFlows: ['client_credentials'],
    AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthScopes: SCOPES,
  }));
  const machine = { client_id: made.UserPoolClient.ClientId, secret: made.UserPoolClient.ClientSecret };
  try {
    const server = await discovered(up);
    const token = await ofItsOwn(up, server, machine);
    await throughTheEdge(up, machine);
    await ofUsers(up, api, server, machine);
    return `${token.length} bytes of a client's own token, refresh and revocation by discovery at ${up.domain}`;
  } finally {
    await api.send(new DeleteUserPoolClientCommand({ ...pool, ClientId: machine.client_id }));
    await api.send(new DeleteResourceServerCommand({ ...pool, Identifier: 'orders' }));
  }
});

/** The issuer's document leads to the domain. */
async function discovered(up) {
  const issuer = new URL(`${up.issuer}/${up.pool_id}`);
  const asked = await oauth.discoveryRequest(issuer, INSECURE);
  const server = await oauth.processDiscoveryResponse(issuer, asked);
  expectEqual(server.token_endpoint, `${up.domain}/oauth2/token`, 'token_endpoint');
  const own = await (await fetch(`${up.domain}/.well-known/oauth-authorization-server`)).json();
  expectEqual(own.issuer, server.issuer, 'issuer of the document on the domain');
  return server;
}

async function ofItsOwn(up, server, { client_id, secret }) {
  const client = { client_id };
  const ask = async (auth, scope) => {
    const asked = await oauth.clientCredentialsGrantRequest(server, client, auth, scope ? { scope } : {}, INSECURE);
    return oauth.processClientCredentialsResponse(server, client, asked);
  };
  for (const auth of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
    const one = await ask(auth, SCOPES[0]);
    expectEqual(payload(one.access_token).scope, SCOPES[0], 'scope of one');
  }
  const refused = async (auth, scope, error) => {
    const found = await expectError('OAUTH_RESPONSE_BODY_ERROR', () => ask(auth, scope), `${scope} by ${error}`);
    expectEqual(found.error, error, 'error');
  };
  await refused(oauth.ClientSecretPost('wrong'), undefined, 'invalid_client');
  await refused(oauth.ClientSecretPost(secret), 'openid', 'invalid_scope');
  const challenged = await expectError('OAUTH_WWW_AUTHENTICATE_CHALLENGE', () => ask(oauth.ClientSecretBasic('wrong')), 'Basic with a wrong secret');
  expectEqual(challenged.status, 401, 'status');
  const all = await ask(oauth.ClientSecretBasic(secret));
  const { sub, scope, client_id: named } = payload(all.access_token);
  expect(sub === client_id && named === client_id && scope === SCOPES.join(' '), 'claims of a client\'s token');
  const answer = await fetch(up.edge + up.protected_path, { headers: { authorization: `Bearer ${all.access_token}` } });
  expectEqual(answer.status, 200, 'the edge takes it');
  return all.access_token;
}

/** The edge leads the domain's endpoints to the issuer, with its word for them. */
async function throughTheEdge(up, { client_id, secret }) {
  const ca = readFileSync(join(dirname(process.argv[2]), 'ca.pem'));
  const said = await new Promise((resolve, reject) => {
    const asked = request(`${up.domain_tls}/oauth2/token`, { method: 'POST', ca, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let body = '';
      response.on('data', (part) => { body += part; });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    asked.end(new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret: secret }).toString());
  });
  expectEqual(said.status, 200, `through the edge: ${said.body}`);
}

/** A sign-in through the API is refreshed by the library, and ended by it. */
async function ofUsers(up, api, server, machine) {
  const user = { UserPoolId: up.pool_id, Username: `oauth-${Date.now()}@example.com` };
  const client = { client_id: up.client_id };
  const password = newPassword();
  await api.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));
  try {
    await api.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
    const AuthParameters = { USERNAME: user.Username, PASSWORD: password };
    const signIn = new InitiateAuthCommand({ ClientId: up.client_id, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters });
    const token = (await api.send(signIn)).AuthenticationResult.RefreshToken;
    const refresh = async () => {
      const asked = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, INSECURE);
      return oauth.processRefreshTokenResponse(server, client, asked);
    };
    const tokens = await refresh();
    await introspected(server, machine, tokens.access_token, true);
    expectEqual(payload(tokens.id_token).aud, up.client_id, 'aud of the ID token, which the library has checked');
    const revoked = await oauth.revocationRequest(server, client, oauth.None(), token, INSECURE);
    await oauth.processRevocationResponse(revoked);
    await introspected(server, machine, tokens.access_token, false);
    const dead = await expectError('OAUTH_RESPONSE_BODY_ERROR', refresh, 'a refresh after the end');
    expectEqual(dead.error, 'invalid_grant', 'error after the end');
  } finally {
    await api.send(new AdminDeleteUserCommand(user));
  }
}

/** A resource server asks, as a client with a secret. */
async function introspected(server, { client_id, secret }, token, active) {
  const client = { client_id };
  const asked = await oauth.introspectionRequest(server, client, oauth.ClientSecretBasic(secret), token, INSECURE);
  expectEqual((await oauth.processIntrospectionResponse(server, client, asked)).active, active, 'active');
}

function payload(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}
