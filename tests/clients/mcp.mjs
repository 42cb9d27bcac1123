// From 401 to 200 by the MCP client of @modelcontextprotocol/sdk, unmodified: a protected MCP server stands behind an edge of the test's own; the client finds
// the issuer by the edge's document (RFC 9728), registers (RFC 7591), signs the demo user in by the pages' forms, gets a token for that resource (RFC 8707) and
// calls a tool. A token for another resource does not pass. Usage: node mcp.mjs UP_JSON [TOLLGATE]

import { createServer } from 'node:http';
import {
  CreateResourceServerCommand, DeleteResourceServerCommand, UpdateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { startEdge } from './own_edge.mjs';
import { Pages } from './pages.mjs';
import { admin, expect, expectEqual, run } from './system.mjs';

const REDIRECT = 'http://localhost:3334/callback';

/** What an app keeps for the SDK. */
class App {
  redirectUrl = REDIRECT;
  clientMetadata = {
    client_name: 'MCP test', redirect_uris: [REDIRECT], grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'], token_endpoint_auth_method: 'none',
  };
  clientInformation() { return this.registered; }
  saveClientInformation(registered) { this.registered = registered; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  redirectToAuthorization(url) { this.asked = url; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
}

await run(async (up, [program]) => {
  const api = admin(up);
  const upstream = await startServer();
  const jwks = await (await fetch(`${up.issuer}/${up.pool_id}/.well-known/jwks.json`)).text();
  const settings = (port) => edgeSettings(up, port, upstream.address().port);
  const edge = await startEdge(program ?? `/proc/${up.pids.edge}/exe`, { 'jwks.json': jwks }, settings);
  const resource = `http://localhost:${edge.port}/mcp`;
  const scope = `${resource}/call`;
  const servers = [resource, `${resource}2`];
  try {
    for (const Identifier of servers) {
      const Scopes = [{ ScopeName: 'call', ScopeDescription: 'Call tools' }];
      await api.send(new CreateResourceServerCommand({ UserPoolId: up.pool_id, Identifier, Name: 'mcp', Scopes }));
    }
    const registration = { EnableStatus: 'Enabled', OpenDcrEnabled: true, AllowedScopes: ['openid', 'email', scope, `${resource}2/call`] };
    await update(api, up, registration);
    await passes(up, resource, scope);
    await anotherResource(up, `${resource}2`, resource);
  } finally {
    await update(api, up, { EnableStatus: 'Disabled' });
    for (const Identifier of servers) {
      await api.send(new DeleteResourceServerCommand({ UserPoolId: up.pool_id, Identifier })).catch(() => {});
    }
    edge.stop();
    upstream.close();
  }
  return `from 401 to a tool's answer at ${resource}`;
});

/** Registration by strangers, as the pool's administrator switches it. */
function update(api, up, DcrConfiguration) {
  return api.send(new UpdateUserPoolCommand({ UserPoolId: up.pool_id, AutoVerifiedAttributes: ['email'], DcrConfiguration }));
}

/** The first try is refused and leads to the browser; the second one has the tokens. */
async function passes(up, resource, scope) {
  const app = new App();
  const connect = async () => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: app });
    await client.connect(transport);
    return client;
  };
  const first = new StreamableHTTPClientTransport(new URL(resource), { authProvider: app });
  const refused = await new Client({ name: 'test', version: '1.0.0' }).connect(first).then(() => null, (error) => error);
  expect(refused instanceof UnauthorizedError, `without a token: ${refused}`);
  expectEqual(app.asked.searchParams.get('resource'), resource, 'the resource that the client asks for');
  const back = await new Pages(up.domain).signIn(app.asked, up.demo_user, up.demo_password);
  expectEqual(back.origin + back.pathname, REDIRECT, 'where the sign-in leads');
  await first.finishAuth(back.searchParams.get('code'));
  const claims = payload(app.kept.access_token);
  expectEqual(claims.aud, resource, 'aud');
  expectEqual(claims.scope, scope, 'scope');
  const client = await connect();
  const answer = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } });
  expectEqual(answer.content[0].text, '5', "the tool's answer");
  await client.close();
}

/** What is for one resource opens no other. */
async function anotherResource(up, asked, protectedOne) {
  const app = new App();
  const registered = await (await fetch(`${up.domain}/oauth2/register`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(app.clientMetadata),
  })).json();
  expect(registered.client_id, `registration: ${JSON.stringify(registered)}`);
  const verifier = 'v'.repeat(43);
  const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url');
  const url = new URL(`${up.domain}/oauth2/authorize`);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: registered.client_id, redirect_uri: REDIRECT, code_challenge: challenge,
    code_challenge_method: 'S256', resource: asked,
  });
  const back = await new Pages(up.domain).signIn(url, up.demo_user, up.demo_password);
  const redeem = async (more) => (await fetch(`${up.domain}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', client_id: registered.client_id, redirect_uri: REDIRECT, code_verifier: verifier, ...more,
    }),
  })).json();
  const tokens = await redeem({ code: back.searchParams.get('code'), resource: asked });
  expectEqual(payload(tokens.access_token).aud, asked, 'aud of the other');
  const answer = await fetch(protectedOne, { method: 'POST', headers: { authorization: `Bearer ${tokens.access_token}` } });
  expectEqual(answer.status, 401, 'a token for another resource');
}

/** An MCP server with one tool, and no idea of tokens. */
async function startServer() {
  const server = createServer(async (request, response) => {
    const mcp = new McpServer({ name: 'sums', version: '1.0.0' });
    const { z } = await import('zod');
    mcp.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
    }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on('close', () => transport.close());
    await mcp.connect(transport);
    await transport.handleRequest(request, response);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

function edgeSettings(up, port, upstream) {
  const resource = `http://localhost:${port}/mcp`;
  return `
[listen]
http = "127.0.0.1:${port}"
[[issuer]]
name = "pool"
iss = "${up.issuer}/${up.pool_id}"
jwks = { file = "jwks.json" }
profile = "cognito"
[[upstream]]
name = "mcp"
servers = ["127.0.0.1:${upstream}"]
[[route]]
match = { path = "/mcp" }
upstream = "mcp"
token = { issuers = ["pool"], use = "access", audiences = ["${resource}"], scopes_all = ["${resource}/call"] }
resource = { url = "${resource}", scopes_supported = ["${resource}/call"] }
`;
}

function payload(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}
