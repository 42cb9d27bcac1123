// The samples of docs/samples, in Chromium: the single-page app and the server app sign the demo user in, and out.
// Usage: node samples.mjs UP_JSON   (CHROMIUM names the browser, else chromium or google-chrome in PATH)

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateUserPoolClientCommand, DeleteUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import { startBrowser } from './own_edge.mjs';
import { admin, expect, expectEqual, run } from './system.mjs';

const LIMIT_MS = 30_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SAMPLES = `${ROOT}docs/samples`;

await run(async (up) => {
  const browser = await startBrowser(LIMIT_MS);
  try {
    await singlePage(up, browser);
    await server(up, browser);
  } finally {
    await browser.close();
  }
  return 'the single-page app and the server app of docs/samples';
});

async function singlePage(up, browser) {
  const settings = {};
  const files = createServer((request, response) => {
    const name = new URL(request.url, 'http://app').pathname.slice(1) || 'index.html';
    const types = { 'index.html': 'text/html', 'app.js': 'text/javascript', 'settings.json': 'application/json' };
    const body = name === 'settings.json' ? JSON.stringify(settings) : types[name] && readFileSync(`${SAMPLES}/spa/${name}`);
    response.writeHead(types[name] ? 200 : 404, { 'content-type': `${types[name] ?? 'text/plain'}; charset=utf-8` }).end(body);
  });
  await new Promise((listening) => files.listen(0, 'localhost', listening));
  const here = `http://localhost:${files.address().port}/`;
  await withClient(up, { CallbackURLs: [here], LogoutURLs: [here] }, async (client) => {
    Object.assign(settings, { issuer: `${up.issuer}/${up.pool_id}`, client_id: client.ClientId, api: `${up.domain}/oauth2/userInfo` });
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(LIMIT_MS);
    await page.goto(here);
    await page.click('#in');
    await signIn(page, up);
    await page.waitForFunction((email) => document.getElementById('who')?.textContent.includes(email), up.demo_user);
    await page.click('#api');
    await page.waitForFunction(() => document.getElementById('said').textContent.startsWith('200 '));
    await page.click('#out');
    await page.waitForURL(here);
    await page.click('#in');
    await page.waitForSelector('input[name=password]');
    await page.context().close();
  });
  files.close();
}

async function server(up, browser) {
  const port = await freePort();
  const here = `http://localhost:${port}`;
  const asked = { GenerateSecret: true, CallbackURLs: [`${here}/callback`], LogoutURLs: [`${here}/`] };
  await withClient(up, asked, async (client) => {
    const issuer = `${up.issuer}/${up.pool_id}`;
    const app = spawn(`${ROOT}.venv/bin/python`, [`${SAMPLES}/server/app.py`, issuer, client.ClientId, String(port)], {
      env: { ...process.env, CLIENT_SECRET: client.ClientSecret }, stdio: ['ignore', 'inherit', 'inherit'],
    });
    try {
      for (let tries = 0; !(await fetch(here).then(() => true, () => false)); tries += 1) {
        expect(app.exitCode === null && tries < 200, 'the server app does not start');
        await sleep(50);
      }
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(LIMIT_MS);
      await page.goto(`${here}/sign-in`);
      await signIn(page, up);
      await page.waitForURL(`${here}/`);
      expectEqual(await page.textContent('#who'), `Signed in: ${up.demo_user}`, 'who is signed in');
      await page.click('text=Sign out');
      await page.waitForURL(`${here}/`);
      expectEqual(await page.textContent('#who'), 'Nobody is signed in.', 'who is signed in afterwards');
      const forged = await fetch(`${here}/callback?code=x&state=y&iss=${encodeURIComponent(issuer)}`);
      expectEqual(forged.status, 400, "somebody else's answer");
    } finally {
      app.kill('SIGKILL');
    }
  });
}

async function withClient(up, more, work) {
  const api = admin(up);
  const made = await api.send(new CreateUserPoolClientCommand({
    UserPoolId: up.pool_id, ClientName: 'sample', AllowedOAuthFlows: ['code'], AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthScopes: ['openid', 'email'], SupportedIdentityProviders: ['COGNITO'], ...more,
  }));
  try {
    await work(made.UserPoolClient);
  } finally {
    await api.send(new DeleteUserPoolClientCommand({ UserPoolId: up.pool_id, ClientId: made.UserPoolClient.ClientId }));
  }
}

async function signIn(page, up) {
  await page.waitForSelector('input[name=password]');
  await page.fill('input[name=username]', up.demo_user);
  await page.fill('input[name=password]', up.demo_password);
  await page.click('button');
}

function freePort() {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}
