// The sign-in pages of a pool's domain as a browser without scripts uses them: forms are read out of the page, cookies are kept, redirects followed as
// long as they stay on the domain.

import { expect } from './system.mjs';

export class Pages {
  #cookies = new Map();

  /** `base`: the domain, such as up.domain. */
  constructor(base, fetcher = fetch) {
    this.base = new URL(base).origin;
    this.fetch = fetcher;
  }

  /** What a URL leads to: a page of the domain, or `{ location }` where it leads elsewhere. */
  async open(url, init = {}) {
    let next = new URL(url, this.base);
    let options = init;
    for (let hops = 0; hops < 10; hops += 1) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { ...options.headers, ...(cookie ? { cookie } : {}) };
      const answer = await this.fetch(next, { ...options, headers, redirect: 'manual' });
      this.#keep(answer);
      const location = answer.headers.get('location');
      if (!location) return { status: answer.status, url: next, body: await answer.text() };
      const target = new URL(location, next);
      if (target.origin !== this.base) return { status: answer.status, location: target };
      next = target;
      options = {};
    }
    throw new Error(`${url} leads in a circle`);
  }

  /** Sends the page's form with these fields beside its hidden ones. */
  submit(page, fields) {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1].replaceAll('&amp;', '&');
    expect(action, `no form on ${page.url}: ${page.status} ${page.body?.slice(-200)}`);
    const hidden = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
    const body = new URLSearchParams([...hidden.map(([, name, value]) => [name, value]), ...Object.entries(fields)]);
    return this.open(new URL(action, page.url), { method: 'POST', body });
  }

  /** Signs in where a URL leads, and allows what is asked for; where that leads to. */
  async signIn(url, username, password) {
    let page = await this.open(url);
    if (page.location) return page.location;
    if (page.body.includes('name="password"')) page = await this.submit(page, { username, password });
    if (!page.location && page.body.includes('value="allow"')) page = await this.submit(page, { decision: 'allow' });
    expect(page.location, `the sign-in does not lead back: ${page.status} ${page.body?.slice(-300)}`);
    return page.location;
  }

  #keep(answer) {
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = /^([^=]*)=([^;]*)/.exec(line).slice(1);
      if (/Max-Age=0\b/.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}
