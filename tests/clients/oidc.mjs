// The code flow by relying parties that others wrote: npm openid-client and oauth4webapi. Each finds the domain by discovery, signs the demo user in by the
// pages' forms, gets, refreshes and shows tokens, reads UserInfo, and signs out, after which the edge refuses the access token. openid-client also pushes its
// request, and signs a device in. Usage: node oidc.mjs UP_JSON

import { CreateUserPoolClientCommand, DeleteUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { Pages } from './pages.mjs';
import { admin, expect, expectEqual, run } from './system.mjs';

const INSECURE = { [oauth.allowInsecureRequests]: true };
const SCOPE = 'openid email profile';

await run(async (up) => {
  const issuer = new URL(`${up.issuer}/${up.pool_id}`);
  await byOpenidClient(up, issuer);
  await byOauth4webapi(up, issuer);
  await aConfidentialClient(up, issuer);
  return `code flow, refresh, UserInfo and sign-out by openid-client and oauth4webapi at ${up.domain}`;
});

async function byOpenidClient(up, issuer) {
  const config = await client.discovery(issuer, up.client_id, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const pages = new Pages(up.domain);
  const signIn = async (more, build = client.buildAuthorizationUrl) => {
    const checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      idTokenExpected: true,
    };
    const url = await build(config, {
      redirect_uri: up.redirect_uri, scope: SCOPE, state: checks.expectedState, nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
    });
    const back = await pages.signIn(url, up.demo_user, up.demo_password);
    return client.authorizationCodeGrant(config, back, checks);
  };
  const tokens = await signIn({});
  const claims = tokens.claims();
  expectEqual(claims.email, up.demo_user, 'email of the ID token');
  const told = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  expectEqual(told.email, up.demo_user, 'email at UserInfo');
  const again = await client.refreshTokenGrant(config, tokens.refresh_token);
  expectEqual(again.claims().sub, claims.sub, 'sub after a refresh');
  const pushed = await signIn({ prompt: 'none' }, client.buildAuthorizationUrlWithPAR);
  expectEqual(pushed.claims().auth_time, claims.auth_time, 'auth_time of a silent sign-in');
  await passes(up, again.access_token, 200);

  const out = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token, post_logout_redirect_uri: new URL('/', up.redirect_uri).href, state: 'bye',
  });
  const left = await pages.open(out);
  expectEqual(left.location?.href, `${new URL('/', up.redirect_uri).href}?state=bye`, 'where the sign-out leads');
  for (const token of [tokens.access_token, again.access_token, pushed.access_token]) await passes(up, token, 401);
  await rejects('invalid_grant', () => client.refreshTokenGrant(config, tokens.refresh_token));
  await rejects('login_required', () => signIn({ prompt: 'none' }));
}

async function byOauth4webapi(up, issuer) {
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  const app = { client_id: up.client_id };
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    ...app, redirect_uri: up.redirect_uri, response_type: 'code', scope: SCOPE, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const back = await new Pages(up.domain).signIn(url, up.demo_user, up.demo_password);
  const parameters = oauth.validateAuthResponse(server, app, back, state);
  const redeem = () => oauth.authorizationCodeGrantRequest(server, app, oauth.None(), parameters, up.redirect_uri, verifier, INSECURE);
  const result = await oauth.processAuthorizationCodeResponse(server, app, await redeem(), { expectedNonce: nonce, requireIdToken: true });
  const claims = oauth.getValidatedIdTokenClaims(result);
  const asked = await oauth.userInfoRequest(server, app, result.access_token, INSECURE);
  const told = await oauth.processUserInfoResponse(server, app, claims.sub, asked);
  expectEqual(told.email, up.demo_user, 'email at UserInfo');
  const second = await redeem();
  expectEqual((await second.json()).error, 'invalid_grant', 'a code again');
  await passes(up, result.access_token, 401);
}

/** A client with a secret, by Basic and by form. */
async function aConfidentialClient(up, issuer) {
  const api = admin(up);
  const pool = { UserPoolId: up.pool_id };
  const made = (await api.send(new CreateUserPoolClientCommand({
    ...pool, ClientName: 'web', GenerateSecret: true, AllowedOAuthFlows: ['code'], AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthScopes: ['openid', 'email'], CallbackURLs: ['https://app.example.com/cb'], SupportedIdentityProviders: ['COGNITO'],
  }))).UserPoolClient;
  try {
    for (const by of [client.ClientSecretBasic, client.ClientSecretPost]) {
      const config = await client.discovery(issuer, made.ClientId, undefined, by(made.ClientSecret), {
        execute: [client.allowInsecureRequests],
      });
      const state = client.randomState();
      const url = client.buildAuthorizationUrl(config, { redirect_uri: 'https://app.example.com/cb', scope: 'openid', state });
      const back = await new Pages(up.domain).signIn(url, up.demo_user, up.demo_password);
      const tokens = await client.authorizationCodeGrant(config, back, { expectedState: state, idTokenExpected: true });
      expect(tokens.claims().sub, 'no sub');
      await client.tokenRevocation(config, tokens.refresh_token);
      await passes(up, tokens.access_token, 401);
    }
  } finally {
    await api.send(new DeleteUserPoolClientCommand({ ...pool, ClientId: made.ClientId }));
  }
}

/** The protected path, until the edge says so: what has just ended is ended there within milliseconds. */
async function passes(up, token, status) {
  const limit = Date.now() + 5_000;
  for (;;) {
    const answer = await fetch(up.edge + up.protected_path, { headers: { authorization: `Bearer ${token}` } });
    if (answer.status === status || Date.now() > limit) return expectEqual(answer.status, status, 'the edge');
  }
}

async function rejects(error, work) {
  try {
    await work();
  } catch (refused) {
    return expectEqual(refused.error ?? refused.code, error, 'the refusal');
  }
  return expect(false, `${error} was expected`);
}
