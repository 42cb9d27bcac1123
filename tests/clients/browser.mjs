// A page on another origin signs in by SRP in Chromium, with amazon-cognito-identity-js as it is published: CORS, and SRP on the
// browser's own crypto. Usage: node browser.mjs UP_JSON   (CHROMIUM names the browser, else chromium or google-chrome in PATH)

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { startBrowser } from './own_edge.mjs';
import { expect, expectEqual, run } from './system.mjs';

const LIMIT_MS = 30_000;
const LIBRARY = createRequire(import.meta.url).resolve('amazon-cognito-identity-js/dist/amazon-cognito-identity.min.js');

const PAGE = `<!doctype html><meta charset="utf-8"><title>Another origin</title><script src="/library.js"></script><script>
window.signIn = ({ endpoint, pool, client, username, password }) => new Promise((resolve) => {
  const { CognitoUserPool, CognitoUser, AuthenticationDetails } = AmazonCognitoIdentity;
  const userPool = new CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint });
  const user = new CognitoUser({ Username: username, Pool: userPool });
  user.authenticateUser(new AuthenticationDetails({ Username: username, Password: password }), {
    onSuccess: (session) => user.getUserAttributes((error, attributes) => resolve({
      access: session.getAccessToken().getJwtToken(),
      attributes: attributes?.map((attribute) => attribute.getName()),
      error: error?.code,
    })),
    onFailure: (error) => resolve({ error: error.code ?? String(error), message: error.message }),
    newPasswordRequired: () => resolve({ error: 'newPasswordRequired' }),
  });
});
</script>`;

await run(async (up) => {
  const files = new Map([
    ['/', ['text/html', PAGE]],
    ['/library.js', ['text/javascript', readFileSync(LIBRARY)]],
  ]);
  const server = createServer((request, response) => {
    const [type, body] = files.get(request.url) ?? ['text/plain', ''];
    response.writeHead(files.has(request.url) ? 200 : 404, { 'content-type': `${type}; charset=utf-8` }).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${server.address().port}`;
  expect(origin !== new URL(up.issuer).origin, 'the page must be on another origin');
  const browser = await startBrowser(LIMIT_MS);
  try {
    await check(up, browser, origin);
  } finally {
    await browser.close();
    server.close();
  }
});

async function check(up, browser, origin) {
  const page = await browser.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto(origin);
  const person = { endpoint: up.issuer, pool: up.pool_id, client: up.client_id, username: up.demo_user };
  const signIn = (password) => page.evaluate((words) => window.signIn(words), { ...person, password });

  const good = await signIn(up.demo_password);
  expect(good.access, `sign-in in the browser: ${good.error} ${good.message ?? ''} ${said.join(' | ')}`);
  expectEqual(good.error, undefined, 'GetUser in the browser');
  expect(good.attributes.includes('email'), `GetUser in the browser: attributes ${good.attributes}`);
  const bad = await signIn(`${up.demo_password}x`);
  // The page must be able to read the error too, so it needs the CORS headers on refusals.
  expectEqual(bad.error, 'NotAuthorizedException', 'a wrong password in the browser');

  const answer = await fetch(up.edge + up.protected_path, { headers: { authorization: `Bearer ${good.access}` } });
  expectEqual(answer.status, 200, "the browser's token at the edge");
}
