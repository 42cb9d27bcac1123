// Tokens bound to a key, by npm oauth4webapi: it signs its own proofs, takes up nonces by itself, and is refused as soon as anything differs.
// Starts an edge of its own, from the program of the running one. Usage: node dpop.mjs UP_JSON [TOLLGATE]

import { createServer } from 'node:http';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { startEdge } from './own_edge.mjs';
import { expect, expectEqual, run } from './system.mjs';

const ISS = 'https://login.example.com';
const CLIENT = { client_id: 'app' };
const INSECURE = { [oauth.allowInsecureRequests]: true };
const PROOF_ALGS = ['ES256', 'ES384', 'RS256', 'PS256', 'Ed25519'];

await run(async (up, [program]) => {
  const issuer = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(issuer.publicKey)), kid: 'k', alg: 'ES256' };
  const upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const edge = await startApi(program ?? `/proc/${up.pids.edge}/exe`, jwk, upstream.address().port);
  try {
    await discovery(edge);
    for (const alg of PROOF_ALGS) await passes(edge, issuer, alg);
    return await refusals(edge, issuer);
  } finally {
    edge.stop();
    upstream.close();
  }
});

/** RFC 9728: the resource says who gives out tokens and how they are used. */
async function discovery({ api }) {
  const asked = await oauth.resourceDiscoveryRequest(api, INSECURE);
  const server = await oauth.processResourceDiscoveryResponse(api, asked);
  expectEqual(server.authorization_servers?.join(), ISS, 'authorization_servers');
  expectEqual(server.dpop_bound_access_tokens_required, true, 'dpop_bound_access_tokens_required');
  for (const alg of PROOF_ALGS) {
    expect(server.dpop_signing_alg_values_supported.includes(alg), `${alg} is not among the algorithms for proofs`);
  }
  const challenge = (await fetch(api)).headers.get('www-authenticate');
  const metadata = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
  expectEqual((await (await fetch(metadata)).json()).resource, api.href, 'the document that the challenge names');
}

/** The library meets the demand for a nonce once, and goes on with the nonce that it got. */
async function passes({ api }, issuer, alg) {
  const keys = await oauth.generateKeyPair(alg);
  const DPoP = oauth.DPoP(CLIENT, keys);
  const token = await tokenFor(issuer, await DPoP.calculateThumbprint());
  const rounds = [];
  for (const [method, path] of [['GET', '?page=2'], ['GET', '/7'], ['POST', '/7?x=/..']]) {
    const url = new URL(api.href + path);
    const send = () => oauth.protectedResourceRequest(token, method, url, new Headers(), null, { DPoP, ...INSECURE });
    let response = await send().catch((error) => {
      if (!oauth.isDPoPNonceError(error)) throw error;
    });
    rounds.push(response ? 1 : 2);
    response ??= await send();
    expectEqual(response.status, 200, `${alg}: ${method} ${path}`);
    const seen = await response.json();
    expectEqual(seen['x-user-id'], 'ada', `${alg}: the identity upstream`);
    expectEqual(seen.dpop, undefined, `${alg}: the proof upstream`);
  }
  expectEqual(rounds.join(), '2,1,1', `${alg}: tries for each request`);
}

/** Everything that a thief, or a client with a fault, could send: first a good request, then the same with one change. */
async function refusals({ api }, issuer) {
  const keys = await oauth.generateKeyPair('ES256');
  const others = await oauth.generateKeyPair('ES256');
  const othersJwk = await exportJWK(others.publicKey);
  const bound = (pair) => oauth.DPoP(CLIENT, pair).calculateThumbprint().then((jkt) => tokenFor(issuer, jkt));
  const [token, unbound] = [await bound(keys), await tokenFor(issuer)];
  const invalid = 'invalid_dpop_proof (invalid proof)';
  const claim = (change) => ({ change: (_, claims) => change(claims) });
  const cases = [
    ['another key', 'invalid_token (proof by another key)', { pair: others, first: await bound(others) }],
    ['a token that is not bound', 'invalid_token (token is not bound)', { second: unbound }],
    ['another method', invalid, claim((claims) => { claims.htm = 'POST'; })],
    ['another path', invalid, claim((claims) => { claims.htu += 's'; })],
    ['another host', invalid, claim((claims) => { claims.htu = 'https://api.example.com/api'; })],
    ['another token', invalid, claim((claims) => { claims.ath = claims.ath.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')); })],
    ['no token', invalid, claim((claims) => { delete claims.ath; })],
    ['no jti', invalid, claim((claims) => { delete claims.jti; })],
    ['no iat', invalid, claim((claims) => { delete claims.iat; })],
    ['another typ', invalid, { change: (header) => { header.typ = 'JWT'; } }],
    ["another's key in the header", invalid, { change: (header) => { header.jwk = othersJwk; } }],
    ['no nonce', 'use_dpop_nonce (nonce required)', claim((claims) => { delete claims.nonce; })],
    ['a made-up nonce', 'use_dpop_nonce (nonce required)', claim((claims) => { claims.nonce = 'AAAAAAAAAAAAAAAAAAAAAA'; })],
    ['a used proof', 'invalid_dpop_proof (proof was used)', { change: (_, claims, before) => { claims.jti = before; } }],
  ];
  for (const [what, error, { pair = keys, first = token, second = token, change = () => {} }] of cases) {
    let [before, tamper] = [undefined, (_, claims) => { before = claims.jti; }];
    const DPoP = oauth.DPoP(CLIENT, pair, { [oauth.modifyAssertion]: (header, claims) => tamper(header, claims) });
    const ask = (token) => oauth.protectedResourceRequest(token, 'GET', api, new Headers(), null, { DPoP, ...INSECURE });
    await ask(first).catch(() => {}); // takes up the nonce
    expectEqual((await ask(first)).status, 200, `before: ${what}`);
    tamper = (header, claims) => change(header, claims, before);
    const refused = await ask(second).then(() => undefined, (error) => error);
    expect(refused instanceof oauth.WWWAuthenticateChallengeError, `${what}: ${refused ?? 'it passes'}`);
    expectEqual(`${refused.status}, ${refused.cause.length} challenge`, '401, 1 challenge', what);
    const { scheme, parameters } = refused.cause[0];
    expectEqual(`${scheme} ${parameters.error} (${parameters.error_description})`, `dpop ${error}`, what);
  }
  const plain = await fetch(api, { headers: { authorization: `Bearer ${token}` } });
  expectEqual(plain.status, 401, 'the bound token as a bearer');
  expect(plain.headers.get('www-authenticate').includes('bound token without proof'), 'the challenge to a bearer');
  return `${PROOF_ALGS.length} algorithms, ${cases.length + 1} refusals`;
}

async function tokenFor(issuer, jkt) {
  return new SignJWT({ client_id: 'app', ...(jkt && { cnf: { jkt } }) })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
    .setIssuer(ISS)
    .setSubject('ada')
    .setAudience('https://api.example.com')
    .setIssuedAt()
    .setExpirationTime('10m')
    .setJti(crypto.randomUUID())
    .sign(issuer.privateKey);
}

/** An edge before `upstream`, with one route that wants proofs with nonces. */
async function startApi(program, jwk, upstream) {
  const href = (port) => `http://127.0.0.1:${port}/api`;
  const edge = await startEdge(program, { 'jwks.json': JSON.stringify({ keys: [jwk] }) }, (port) => `[listen]
http = "127.0.0.1:${port}"
threads = 1
[[issuer]]
name = "login"
iss = "${ISS}"
profile = "rfc9068"
jwks = { file = "jwks.json" }
[[upstream]]
name = "echo"
servers = ["127.0.0.1:${upstream}"]
[[route]]
match = { path = "/*" }
upstream = "echo"
token = { issuers = ["login"], audiences = ["https://api.example.com"], dpop = { required = true, nonce = true } }
resource = { url = "${href(port)}" }
headers = { add = { "x-user-id" = "{sub}" } }
`);
  return { api: new URL(href(edge.port)), stop: edge.stop };
}
