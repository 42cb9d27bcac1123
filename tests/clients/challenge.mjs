// Challenges and captchas of web ACLs in Chromium: solved by script, by keyboard, and without scripts; axe-core looks at every page.
// Starts an edge of its own. Usage: node challenge.mjs UP_JSON|TOLLGATE [FOLDER]   (pictures of the pages go to FOLDER)

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBrowser, startEdge } from './own_edge.mjs';
import { expect, expectEqual, runWithProgram } from './system.mjs';

const LIMIT_MS = 30_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WAIT_S = 4;

const METRIC = { SampledRequestsEnabled: false, CloudWatchMetricsEnabled: false, MetricName: 'm' };
const rule = (name, action, priority) => ({
  Name: name,
  Priority: priority,
  Action: { [action]: {} },
  VisibilityConfig: METRIC,
  Statement: {
    ByteMatchStatement: {
      FieldToMatch: { UriPath: {} },
      SearchString: `/${name}`,
      PositionalConstraint: 'STARTS_WITH',
      TextTransformations: [{ Priority: 0, Type: 'NONE' }],
    },
  },
});
const ACL = {
  Name: 'acl',
  DefaultAction: { Allow: {} },
  VisibilityConfig: METRIC,
  Rules: [rule('challenge', 'Challenge', 0), rule('captcha', 'Captcha', 1)],
};

const settings = (upstream, challenge) => (port) => `[listen]
http = "127.0.0.1:${port}"
threads = 1
[log]
access = "off"
[challenge]
${challenge}
[[acl]]
name = "site"
file = "acl.json"
search_strings = "text"
[[upstream]]
name = "site"
servers = ["127.0.0.1:${upstream}"]
[[route]]
match = { path = "/*" }
upstream = "site"
acl = "site"
`;

class Site {
  looked = 0;

  constructor(browser, origin, pictures) {
    Object.assign(this, { browser, origin, pictures });
  }

  /** A page of a new visitor, and all that its console says beyond statuses. */
  async visitor(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 900, height: 600 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT_MS);
    Object.assign(page, { said: [], options, scripted: options.javaScriptEnabled ?? true });
    page.on('console', (message) => {
      if (!/status of (405|429|403)/.test(message.text())) page.said.push(message.text());
    });
    page.on('pageerror', (error) => page.said.push(String(error)));
    return page;
  }

  /**
   * What axe-core finds. Its text is evaluated by the debugger, which no policy of the page forbids. Where scripts are off its promises would stand
   * still: there it looks at the same elements in a page of its own.
   */
  async look(shown, what) {
    if (this.pictures) await shown.screenshot({ path: join(this.pictures, `${what.replaceAll(/[^a-z]+/g, '-').replace(/^-/, '')}.png`) });
    const page = shown.scripted ? shown : await this.copy(shown);
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
      const results = await axe.run(document, { resultTypes: ['violations', 'incomplete'] });
      const brief = (list) => list.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' ')}`);
      return { version: axe.version, passes: results.passes.length, found: brief([...results.violations, ...results.incomplete]) };
    });
    expect(found.passes > 5, `${what}: axe-core has looked at nothing`);
    expectEqual(found.found.join(' | '), '', `${what}: axe-core`);
    this.axe = found.version;
    this.looked += 1;
    if (page !== shown) await page.context().close();
  }

  async copy(shown) {
    const page = await this.visitor({ ...shown.options, javaScriptEnabled: true });
    await page.setContent((await shown.content()).replaceAll(/<\/?noscript>|<script>.*?<\/script>/gs, ''));
    return page;
  }
}

const inside = (page) => page.waitForFunction(() => document.title === 'Inside');
const heading = (page) => page.locator('h1').innerText();

await runWithProgram(async (program, [pictures]) => {
  const upstream = createServer((request, response) => {
    const page = `<!doctype html><html lang="en"><title>Inside</title><main><h1>${request.method} ${encodeURI(request.url)}</h1></main>`;
    response.writeHead(200, { 'content-type': 'text/html' }).end(page);
  });
  await new Promise((listening) => upstream.listen(0, '127.0.0.1', listening));
  const to = upstream.address().port;
  const start = (challenge) => startEdge(program, { 'acl.json': JSON.stringify(ACL) }, settings(to, challenge));
  const edge = await start(`without_scripts_wait = "${WAIT_S}s"\nwithout_scripts_limit = 100`);
  const strict = await start('without_scripts = false');
  const browser = await startBrowser(LIMIT_MS);
  try {
    const site = new Site(browser, `http://127.0.0.1:${edge.port}`, pictures);
    for (const scheme of ['light', 'dark']) {
      await challenge(site, scheme);
      await captcha(site, scheme);
      await withoutScripts(site, scheme, '/challenge');
      await withoutScripts(site, scheme, '/captcha');
      await withScriptsDemanded(new Site(browser, `http://127.0.0.1:${strict.port}`, pictures), scheme);
    }
    await challengeWithoutWorkers(site);
    await withoutCookies(site);
    await whenTheAnswerIsLost(site);
    for (const each of [edge, strict]) expect(!each.log().includes('panicked'), each.log().slice(-500));
    return `${site.looked} looks by axe-core ${site.axe}`;
  } finally {
    await browser.close();
    edge.stop();
    strict.stop();
    upstream.close();
  }
});

/** Holds requests back until the function that it returns is called. */
async function hold(page, pattern) {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await page.route(pattern, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

async function challenge(site, colorScheme) {
  const page = await site.visitor({ colorScheme });
  const release = await hold(page, '**/.tollgate/**');
  const answer = await page.goto(`${site.origin}/challenge?id=1#part`);
  expectEqual(answer.status(), 202, 'challenge: status');
  expectEqual(await answer.headerValue('x-amzn-waf-action'), 'challenge', 'challenge: x-amzn-waf-action');
  await page.getByText('Done. One moment…').waitFor();
  await site.look(page, `challenge, ${colorScheme}`);
  release();
  await inside(page);
  expectEqual(page.url(), `${site.origin}/challenge?id=1#part`, 'challenge: where it leads');
  expectEqual(await heading(page), 'GET /challenge?id=1', 'challenge: what the upstream got');
  expectEqual((await page.goto(`${site.origin}/challenge/other`)).status(), 200, 'challenge: another page after it');
  expectEqual((await page.goto(`${site.origin}/captcha`)).status(), 405, 'challenge: a captcha after it');
  expectEqual(page.said.join(), '', 'challenge: console');
  await page.context().close();
}

/** By keyboard alone. */
async function captcha(site, colorScheme) {
  const page = await site.visitor({ colorScheme, reducedMotion: 'reduce' });
  const answer = await page.goto(`${site.origin}/captcha?id=1`);
  expectEqual(answer.status(), 405, 'captcha: status');
  expectEqual(await answer.headerValue('x-amzn-waf-action'), 'captcha', 'captcha: x-amzn-waf-action');
  await site.look(page, `captcha, ${colorScheme}`);
  await sleep(500);
  expectEqual(await page.getByRole('progressbar').count(), 0, 'captcha: works before it is told to');
  const release = await hold(page, '**/.tollgate/**');
  await page.keyboard.press('Tab');
  expectEqual(await page.evaluate(() => document.activeElement.textContent), 'Continue', 'captcha: first stop of the tab key');
  await page.keyboard.press('Space');
  await page.getByRole('progressbar', { name: 'Progress of the calculation' }).waitFor();
  expect((await page.getByRole('status').innerText()) !== '', 'captcha: nothing is told aloud');
  await page.getByText('Done. One moment…').waitFor();
  await site.look(page, `captcha at work, ${colorScheme}`);
  release();
  await inside(page);
  expectEqual(page.url(), `${site.origin}/captcha?id=1`, 'captcha: where it leads');
  expectEqual((await page.goto(`${site.origin}/challenge`)).status(), 200, 'captcha: a challenge after it');
  expectEqual(page.said.join(), '', 'captcha: console');
  await page.context().close();
}

async function withoutScripts(site, colorScheme, path) {
  const page = await site.visitor({ colorScheme, javaScriptEnabled: false, viewport: { width: 340, height: 640 } });
  const press = () => page.getByRole('button', { name: 'Continue' }).click();
  // At once: looking at a page takes longer than one has to wait.
  await page.goto(`${site.origin}${path}?id=1`);
  await press();
  await page.getByText('That was a little early.').waitFor();
  await site.look(page, `too early, ${colorScheme}`);
  await page.goto(`${site.origin}${path}?id=1`);
  // Locators leave `noscript` out.
  const shown = await page.locator('main').innerText();
  expect(shown.includes('Scripts are switched off in your browser'), `${path} without scripts: it says ${shown}`);
  await page.getByText(`please wait ${WAIT_S} seconds, then press Continue`).waitFor();
  await site.look(page, `${path} without scripts, ${colorScheme}`);
  await sleep(WAIT_S * 1000);
  await press();
  expectEqual(await heading(page), `GET ${path}?id=1`, `${path} without scripts: what the upstream got`);
  expectEqual((await page.goto(site.origin + path)).status(), 200, `${path} without scripts: the next page`);
  await page.context().close();
}

async function withScriptsDemanded(site, colorScheme) {
  const page = await site.visitor({ colorScheme, javaScriptEnabled: false });
  await page.goto(`${site.origin}/challenge`);
  await page.getByText("Switch scripts on for this site in your browser's settings").waitFor();
  expectEqual(await page.getByRole('button').count(), 0, 'without scripts where they are demanded: buttons');
  await site.look(page, `scripts demanded, ${colorScheme}`);
  const scripted = await site.visitor();
  await scripted.goto(`${site.origin}/challenge`);
  await inside(scripted);
  await scripted.context().close();
  await page.context().close();
}

async function challengeWithoutWorkers(site) {
  const page = await site.visitor();
  await page.addInitScript(() => { delete window.Worker; });
  await page.goto(`${site.origin}/challenge`);
  await inside(page);
  await page.context().close();
}

async function withoutCookies(site) {
  const page = await site.visitor();
  await page.route('**/.tollgate/**', async (route) => {
    const response = await route.fetch();
    await page.context().clearCookies(); // the fetch has kept it, before the page could look
    await route.fulfill({ response, headers: { ...response.headers(), 'set-cookie': '' } });
  });
  await page.goto(`${site.origin}/challenge`);
  await page.getByText('Your browser keeps no cookies for this site.').waitFor();
  expectEqual(await page.getByRole('button').count(), 0, 'no cookies: ways that lead back here');
  await site.look(page, 'no cookies');
  await page.context().close();
}

async function whenTheAnswerIsLost(site) {
  const page = await site.visitor();
  await page.route('**/.tollgate/**', (route) => route.abort());
  await page.goto(`${site.origin}/challenge`);
  await page.getByText('The site could not be reached.').waitFor();
  await site.look(page, 'answer lost');
  // Answers that are never taken must not load the page for ever.
  const other = await site.visitor();
  let loads = 0;
  other.on('framenavigated', () => { loads += 1; });
  await other.route('**/.tollgate/**', (route) => route.fulfill({ status: 403, json: { error_description: 'No.' } }));
  await other.goto(`${site.origin}/challenge`);
  await other.getByText('No. Load the page again to try once more.').waitFor();
  expect(loads <= 6, `loaded ${loads} times`);
  await site.look(other, 'refused again and again');
  await other.context().close();
  await page.context().close();
}
