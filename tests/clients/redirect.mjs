// Single-page apps that sign in by redirect, in Chromium, by libraries as they are published: oidc-client-ts, and aws-amplify's signInWithRedirect at the
// edge's TLS. Each signs the demo user in by the page's form, gets tokens that the edge takes, refreshes, and signs out, after which the edge refuses them.
// Usage: node redirect.mjs UP_JSON   (CHROMIUM names the browser, else chromium or google-chrome in PATH)

import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateUserPoolClientCommand, DeleteUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import { build } from 'esbuild';
import { startBrowser } from './own_edge.mjs';
import { admin, expect, expectEqual, run } from './system.mjs';

const LIMIT_MS = 30_000;
const HERE = fileURLToPath(new URL('.', import.meta.url));

await run(async (up) => {
  const script = await bundle();
  const settings = {};
  const server = createServer((request, response) => {
    const library = new URL(request.url, 'http://app').pathname.match(/^\/(oidc|amplify)$/)?.[1];
    const page = `<!doctype html><meta charset="utf-8"><title>An app</title><script src="/app.js"></script>
      <script>app.use('${library}', ${JSON.stringify(settings)})</script>`;
    const [type, body] = library ? ['text/html', page] : ['text/javascript', script];
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
  });
  await new Promise((listening) => server.listen(0, 'localhost', listening));
  const origin = `http://localhost:${server.address().port}`;
  const api = admin(up);
  const uris = [`${origin}/oidc`, `${origin}/amplify`];
  const made = await api.send(new CreateUserPoolClientCommand({
    UserPoolId: up.pool_id, ClientName: 'spa', AllowedOAuthFlows: ['code'], AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthScopes: ['openid', 'email', 'aws.cognito.signin.user.admin'], CallbackURLs: uris, LogoutURLs: uris,
    SupportedIdentityProviders: ['COGNITO'],
  }));
  const client = made.UserPoolClient.ClientId;
  Object.assign(settings, {
    issuer: `${up.issuer}/${up.pool_id}`, pool: up.pool_id, client, endpoint: up.issuer, domain: new URL(up.domain_tls).host, origin,
  });
  const browser = await startBrowser(LIMIT_MS);
  try {
    await live(up, browser, origin, 'oidc');
    await live(up, browser, origin, 'amplify');
  } finally {
    await browser.close();
    server.close();
    await api.send(new DeleteUserPoolClientCommand({ UserPoolId: up.pool_id, ClientId: client }));
  }
  return 'sign-in by redirect with oidc-client-ts and aws-amplify';
});

async function bundle() {
  const built = await build({
    entryPoints: [join(HERE, 'redirect_page.js')], bundle: true, write: false, format: 'iife', platform: 'browser',
    define: { global: 'globalThis' }, logLevel: 'silent',
  });
  return built.outputFiles[0].text;
}

async function live(up, browser, origin, library) {
  const is = (what) => `${library}: ${what}`;
  // The local CA is not the system's.
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const call = async (name) => {
    const answer = await page.evaluate((name) => window.app.call(name), name);
    expect(!answer.error, is(`${name}: ${answer.error}`));
    return answer.value;
  };
  const leave = (name) => page.evaluate((name) => void window.app.call(name), name);
  const back = () => page.waitForURL((url) => url.origin === origin && url.pathname === `/${library}`);

  await page.goto(`${origin}/${library}`);
  await leave('begin');
  await page.waitForSelector('input[name=password]');
  await page.fill('input[name=username]', up.demo_user);
  await page.fill('input[name=password]', up.demo_password);
  await page.click('button');
  await back();
  const first = await call('end');
  expectEqual(first.email, up.demo_user, is('email'));
  expectEqual(await atEdge(up, first.access), 200, is('the token at the edge'));
  const second = await call('refresh');
  expect(second.access !== first.access, is('a refresh gives another token'));
  if (library === 'amplify') expectEqual((await call('attributes')).email, up.demo_user, is('attributes by the API'));

  await leave('signOut');
  await page.waitForURL((url) => url.origin === origin);
  for (const token of [first.access, second.access]) {
    const limit = Date.now() + 5_000;
    while ((await atEdge(up, token)) !== 401) expect(Date.now() < limit, is('the edge takes a token after the sign-out'));
  }
  await context.close();
}

async function atEdge(up, access) {
  return (await fetch(up.edge + up.protected_path, { headers: { authorization: `Bearer ${access}` } })).status;
}
