// What people build apps with, as it is published, on a page of another origin in Chromium: sign-up, confirmation, sign-in, attributes, a forgotten
// password, sessions over a reload and a refresh, sign-out everywhere; by aws-amplify and by amazon-cognito-identity-js.
// Usage: node amplify.mjs UP_JSON   (CHROMIUM names the browser, else chromium or google-chrome in PATH)

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { startBrowser } from './own_edge.mjs';
import { expect, expectEqual, newPassword, run } from './system.mjs';

const LIMIT_MS = 30_000;
const CODE_LIMIT_MS = 10_000;
const HERE = fileURLToPath(new URL('.', import.meta.url));

await run(async (up) => {
  const script = await bundle();
  const server = createServer((request, response) => {
    const library = request.url.match(/^\/(amplify|identity)$/)?.[1];
    const page = `<!doctype html><meta charset="utf-8"><title>An app</title><script src="/app.js"></script>
      <script>app.use('${library}', ${JSON.stringify({ endpoint: up.issuer, pool: up.pool_id, client: up.client_id })})</script>`;
    const [type, body] = library ? ['text/html', page] : ['text/javascript', script];
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await startBrowser(LIMIT_MS);
  try {
    for (const library of ['amplify', 'identity']) {
      await live(up, browser, `${origin}/${library}`, library);
    }
  } finally {
    await browser.close();
    server.close();
  }
});

/** The page's script: both libraries behind the same few functions. */
async function bundle() {
  const built = await build({
    entryPoints: [join(HERE, 'amplify_page.js')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    define: { global: 'globalThis' },
    logLevel: 'silent',
  });
  return built.outputFiles[0].text;
}

/** One person's life with an app. */
async function live(up, browser, address, library) {
  const is = (what) => `${library}: ${what}`;
  const phone = await open(browser, address);
  const laptop = await open(browser, address);
  const username = `${library}-${crypto.randomUUID().slice(0, 8)}`;
  const email = `${username}@example.com`;
  const [password, next] = [newPassword(), newPassword()];

  expectEqual((await phone('signUp', username, password, email)).confirmed, false, is('signUp'));
  await refused('UsernameExistsException', phone('signUp', username, password, email), is('signing up twice'));
  await refused('UserNotConfirmedException', phone('signIn', username, password), is('signing in before confirmation'));
  const code = await codeOf(up, username, 'sign_up');
  await refused('CodeMismatchException', phone('confirm', username, code === '000000' ? '000001' : '000000'), is('a wrong code'));
  await phone('confirm', username, code);
  await refused('NotAuthorizedException', phone('signIn', username, next), is('a wrong password'));
  const first = await phone('signIn', username, password);
  expectEqual(await atEdge(up, first.access), 200, is('the token at the edge'));

  const found = await phone('attributes');
  expectEqual(found.email, email, is('attribute email'));
  expectEqual(found.email_verified, 'true', is('attribute email_verified'));
  await phone('setAttribute', 'name', 'Ada Lovelace');
  expectEqual((await phone('attributes')).name, 'Ada Lovelace', is('attribute name, changed'));

  // A reload finds the session where the library has kept it, and a refresh makes another token of it.
  await phone.reload();
  const kept = await phone('session', false);
  expectEqual(kept.access, first.access, is('the session after a reload'));
  const refreshed = await phone('session', true);
  expect(refreshed.access !== first.access, is('a refresh gives another token'));
  expectEqual(await atEdge(up, refreshed.access), 200, is('the refreshed token at the edge'));

  const other = await laptop('signIn', username, password);
  await laptop('forgot', username);
  const recovery = await codeOf(up, username, 'forgot_password');
  await refused('CodeMismatchException', laptop('recover', username, recovery === '000000' ? '000001' : '000000', next), is('a wrong recovery code'));
  await laptop('recover', username, recovery, next);
  for (const [device, token] of [['phone', refreshed.access], ['laptop', other.access]]) {
    expectEqual(await becomes(() => atEdge(up, token), 401), 401, is(`the ${device}'s token after the recovery`));
  }
  await phone('forget');
  await laptop('forget');
  await refused('NotAuthorizedException', phone('signIn', username, password), is('the forgotten password'));
  const [one, two] = [await phone('signIn', username, next), await laptop('signIn', username, next)];
  expectEqual(await atEdge(up, two.access), 200, is("the laptop's token"));

  await phone('signOutEverywhere');
  for (const [device, token] of [['phone', one.access], ['laptop', two.access]]) {
    expectEqual(await becomes(() => atEdge(up, token), 401), 401, is(`the ${device}'s token after the sign-out everywhere`));
  }
  expectEqual(await phone('session', false), null, is('the session after the sign-out'));
  await refused('NotAuthorizedException', laptop('attributes'), is("the laptop's attributes after the sign-out everywhere"));
  const again = await laptop('session', true);
  expectEqual(again?.access, undefined, is("the laptop's refresh after the sign-out everywhere"));
  expectEqual(await atEdge(up, (await fresh(browser, address, username, next)).access), 200, is('a sign-in after it'));
  await phone.close();
  await laptop.close();
}

async function fresh(browser, address, username, password) {
  const device = await open(browser, address);
  const session = await device('signIn', username, password);
  await device.close();
  return session;
}

/** A browser of its own, with the app open: calls its functions. What the app throws comes back as `{ error, message }`. */
async function open(browser, address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  await page.goto(address);
  const call = async (name, ...words) => {
    const answer = await page.evaluate(([name, words]) => window.app.call(name, words), [name, words]);
    if (answer.error) throw Object.assign(new Error(`${name}: ${answer.error}: ${answer.message}`), { name: answer.error });
    return answer.value;
  };
  call.reload = () => page.reload();
  call.close = () => context.close();
  return call;
}

async function refused(name, promise, what) {
  const error = await promise.then(() => undefined, (error) => error);
  expectEqual(error?.name, name, what);
}

async function atEdge(up, access) {
  return (await fetch(up.edge + up.protected_path, { headers: { authorization: `Bearer ${access}` } })).status;
}

/** What is revoked is refused as soon as the edge has heard of it. */
async function becomes(ask, wanted) {
  for (let tries = 0; tries < 50 && (await ask()) !== wanted; tries += 1) await sleep(20);
  return ask();
}

/** The newest code for a user: by developer mode's outbox, else from the folder. */
async function codeOf(up, username, kind) {
  const until = Date.now() + CODE_LIMIT_MS;
  for (;;) {
    const messages = up.dev_token ? await asked(up, username, kind) : inFolder(up, username, kind);
    if (messages.length > 0) return messages.at(-1).code;
    expect(Date.now() < until, `no ${kind} message for ${username}`);
    await sleep(20);
  }
}

async function asked(up, username, kind) {
  const answer = await fetch(`${up.issuer}/dev/outbox?${new URLSearchParams({ username, kind, wait: '5' })}`, {
    headers: { authorization: `Bearer ${up.dev_token}` },
  });
  expectEqual(answer.status, 200, 'GET /dev/outbox');
  return answer.json();
}

function inFolder(up, username, kind) {
  const files = readdirSync(up.outbox).filter((name) => name.endsWith('.json')).sort();
  const messages = files.map((name) => JSON.parse(readFileSync(join(up.outbox, name), 'utf8')));
  return messages.filter((message) => message.username === username && message.kind === kind);
}
