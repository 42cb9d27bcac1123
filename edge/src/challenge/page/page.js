(() => {
  'use strict';
  const id = (name) => document.getElementById(name);
  const { puzzle, seed, bits, count, wait, life, verify, start } = id('main').dataset;
  const loaded = performance.now();
  const say = (text) => { id('status').textContent = text; };

  // SHA-256 of 40 bytes (seed, search, number): only its first 32 bits are looked at.
  const solver = () => {
    const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
    const primes = [];
    for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
    const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
    const H = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
    const W = new Int32Array(64);
    const first = () => {
      for (let i = 16; i < 64; i++) {
        const x = W[i - 15], y = W[i - 2];
        W[i] = (W[i - 16] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + W[i - 7] +
          ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10)) | 0;
      }
      let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
      for (let i = 0; i < 64; i++) {
        const s = (h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + W[i]) | 0;
        const t = (((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c)) | 0;
        h = g; g = f; f = e; e = (d + s) | 0; d = c; c = b; b = a; a = (s + t) | 0;
      }
      return (a + H[0]) | 0;
    };
    // Goes on for so many tries; the number that was found, or -1.
    return (words, search, bits, from, tries) => {
      W.fill(0);
      W.set(words);
      W[8] = search; W[10] = 0x80000000; W[15] = 320;
      for (let n = from; n < from + tries; n++) {
        W[9] = n;
        if (first() >>> (32 - bits) === 0) return n;
      }
      return -1;
    };
  };

  const words = Int32Array.from(seed.match(/.{8}/g), (word) => parseInt(word, 16) | 0);

  // In a worker; where there can be none, here, in short turns.
  const solve = (found) => new Promise((done, fail) => {
    const slowly = () => {
      const next = solver(), solution = [];
      const turn = (from) => {
        const n = next(words, solution.length, +bits, from, 5000);
        if (n >= 0) { solution.push(n); found(solution.length); }
        if (solution.length < +count) setTimeout(turn, 0, n < 0 ? from + 5000 : 0);
        else done(solution);
      };
      turn(0);
    };
    try {
      const run = `onmessage = ({ data: [words, bits, count] }) => {
        const next = (${solver})();
        for (let i = 0; i < count; i++) postMessage(next(words, i, bits, 0, 4294967296));
      }`;
      const worker = new Worker(URL.createObjectURL(new Blob([run], { type: 'text/javascript' })));
      const solution = [];
      worker.onmessage = ({ data }) => {
        if (data < 0) return fail(new Error('not found'));
        found(solution.push(data));
        if (solution.length === +count) { worker.terminate(); done(solution); }
      };
      worker.onerror = (event) => { event.preventDefault(); worker.terminate(); slowly(); };
      worker.postMessage([words, +bits, +count]);
    } catch { slowly(); }
  });

  // A page that comes back at once although its answer was taken would come back for ever.
  const comesBack = () => {
    try {
      const key = 'tollgate-challenge', now = Date.now();
      const times = JSON.parse(sessionStorage.getItem(key) ?? '[]').filter((at) => now - at < 60000);
      sessionStorage.setItem(key, JSON.stringify([...times, now]));
      return times.length >= 4;
    } catch { return false; }
  };

  const giveUp = (text) => {
    say(text);
    id('go').hidden = true;
    id('plain').hidden = false;
  };

  const work = async () => {
    id('go').setAttribute('aria-disabled', 'true'); // not hidden: it has the focus
    id('progress').closest('div').hidden = false;
    say('Calculating…');
    const solution = await solve((found) => {
      id('progress').value = found;
      if (found === +count / 2) say('Half of it is done.');
    });
    say('Done. One moment…');
    const left = +wait - (performance.now() - loaded);
    if (left > 0) await new Promise((over) => setTimeout(over, left));
    const answer = await fetch(verify, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ puzzle, solution }),
      credentials: 'same-origin',
      cache: 'no-store',
    });
    if (!answer.ok) {
      const { error_description: why } = await answer.json().catch(() => ({}));
      if (comesBack()) return giveUp(`${why ?? 'It did not work.'} Load the page again to try once more.`);
      return location.reload();
    }
    if (!/(^|; )aws-waf-token=/.test(document.cookie)) {
      return say('Your browser keeps no cookies for this site. Allow them, then load the page again.'); // nor would the form help
    }
    if (comesBack()) return giveUp('The site asks again and again. Load the page again in a minute.');
    say('Done. The page is loading.');
    location.reload();
  };

  const begin = () => work().catch(() => giveUp('The site could not be reached. Load the page again to try once more.'));

  id('plain').hidden = true;
  id('work').hidden = false;
  if (start === 'press') {
    id('go').hidden = false;
    id('go').addEventListener('click', () => {
      if (id('go').hasAttribute('aria-disabled')) return;
      if (performance.now() - loaded > life - 60000) location.reload();
      else begin();
    });
  } else {
    begin();
  }
})();
