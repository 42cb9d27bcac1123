// Tokens of the demo user, verified by npm jose from the pool's JWKS. Usage: node jose.mjs UP_JSON

import { InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { admin, expect, expectEqual, expectError, run } from './system.mjs';

await run(async (up) => {
  const configuration = await json(`${up.issuer}/${up.pool_id}/.well-known/openid-configuration`);
  const answer = await admin(up).send(
    new InitiateAuthCommand({
      ClientId: up.client_id,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: up.demo_user, PASSWORD: up.demo_password },
    }),
  );
  const { AccessToken: access, IdToken: id } = answer.AuthenticationResult;
  const keys = createRemoteJWKSet(new URL(configuration.jwks_uri));
  const known = { issuer: configuration.issuer, algorithms: ['RS256'] };

  const verifiedAccess = await jwtVerify(access, keys, known);
  expectEqual(verifiedAccess.payload.token_use, 'access', 'token_use of the access token');
  expectEqual(verifiedAccess.payload.client_id, up.client_id, 'client_id of the access token');
  const verifiedId = await jwtVerify(id, keys, { ...known, audience: up.client_id });
  expectEqual(verifiedId.payload.token_use, 'id', 'token_use of the ID token');
  expect(verifiedAccess.protectedHeader.kid !== verifiedId.protectedHeader.kid, 'one key signs both kinds of tokens');

  const refused = [
    ['ERR_JWT_CLAIM_VALIDATION_FAILED', 'another audience', id, { ...known, audience: 'someone-else' }],
    ['ERR_JWT_CLAIM_VALIDATION_FAILED', 'another issuer', id, { ...known, issuer: 'https://example.com' }],
    ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'a changed signature', tampered(access), known],
    ['ERR_JOSE_ALG_NOT_ALLOWED', 'another algorithm', access, { ...known, algorithms: ['ES256'] }],
  ];
  for (const [code, what, token, options] of refused) {
    await expectError(code, () => jwtVerify(token, keys, options), `jose, ${what}`);
  }
});

async function json(url) {
  const response = await fetch(url);
  expectEqual(response.status, 200, url);
  expectEqual(response.headers.get('access-control-allow-origin'), '*', `${url}: CORS`);
  return response.json();
}

/** One changed character in the middle of the signature. */
function tampered(token) {
  const at = token.length - 100;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}
