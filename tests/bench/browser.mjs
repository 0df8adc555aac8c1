// Sessions and restarts from a page in Chromium:  node browser.mjs SIGNALLING_URL PID RESTARTS
// Prints one JSON object: what every round took, and what the daemon held before, after 10 and at the end.
import { createServer } from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [url, pid, restarts] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const kEarly = 10;
const kSettleMs = 1500;
const kChunk = 50;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the daemon holds. */
function held() {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)[1]);
  return {
    rss_mb: number('VmRSS') / 1024,
    anonymous_mb: number('RssAnon') / 1024,
    threads: number('Threads'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** The same, once it has come to rest. */
async function heldAtRest() {
  await pause(kSettleMs);
  return held();
}

async function blankPage() {
  const script = readFileSync(new URL('page.js', import.meta.url), 'utf8');
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html><title>bench</title><script>${script}</script>`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const server = await blankPage();
const result = { before: await heldAtRest(), rounds: [], trend: [] };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--js-flags=--expose-gc'],  // a page may have 500 connections, closed ones that linger too
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate((signalling) => bench.start(signalling), url);
  await page.evaluate(() => bench.open());
  result.one_peer = await heldAtRest();
  await page.evaluate(() => bench.hangUp());

  const rounds = async (until) => {
    while (result.rounds.length < until) {
      const first = result.rounds.length;
      const count = Math.min(kChunk, until - first);
      result.rounds.push(...await page.evaluate(([i, n]) => bench.rounds(i, n), [first, count]));
      result.trend.push({ restarts: result.rounds.length, ...held() });
      if (process.stderr.isTTY) process.stderr.write(`\r${result.rounds.length} restarts `);
    }
  };
  await rounds(kEarly);
  result.early = await heldAtRest();
  await rounds(restarts);
  result.late = await heldAtRest();
} finally {
  await browser.close();
  server.close();
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
process.stdout.write(JSON.stringify(result));
