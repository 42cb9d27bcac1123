// An edge of a test's own, from a program of tollgate, and a browser in front of it. Not a program.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer as createListener } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { expect, Mismatch } from './system.mjs';

/** The edge that `settings(port)` describes, in a folder with these files: from when it listens to `stop()`. */
export async function startEdge(program, files, settings) {
  const folder = mkdtempSync(join(tmpdir(), 'own-edge-'));
  const port = await freePort();
  for (const [name, text] of Object.entries({ ...files, 'edge.toml': settings(port) })) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  const log = join(folder, 'edge.log');
  const child = spawn('/bin/sh', ['-c', 'exec "$0" edge --config "$1" 2>"$2"', program, join(folder, 'edge.toml'), log]);
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await listens(port)); tries += 1) {
    if (child.exitCode !== null || tries === 200) {
      const said = readFileSync(log, 'utf8').slice(-500);
      stop();
      expect(false, `the edge does not start: ${said}`);
    }
    await sleep(50);
  }
  return { port, stop, log: () => readFileSync(log, 'utf8') };
}

/** Chromium: what CHROMIUM names, else one in PATH. */
export function startBrowser(timeout) {
  return chromium.launch({ executablePath: executable(), args: ['--no-sandbox'], timeout });
}

function executable() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = process.env.CHROMIUM ?? candidates.find((candidate) => existsSync(candidate));
  if (!found) throw new Mismatch('no Chromium: install the Debian package chromium, or name one in CHROMIUM');
  return found;
}

function freePort() {
  return new Promise((resolve) => {
    const listener = createListener().listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
