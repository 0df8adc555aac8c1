// One test with all that it needs: a folder, a daemon, a blank page server, a browser; and with the
// daemon's log and a picture of every page when it fails.
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { Daemon } from './daemon.mjs';

export const artifacts = fileURLToPath(new URL('.artifacts/', import.meta.url));
mkdirSync(artifacts, { recursive: true });

const folder = mkdtempSync(join(tmpdir(), 'daruma-browser-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let shared; // one browser for all tests; each test has contexts of its own
async function sharedBrowser() {
  shared ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' });
  return shared;
}
after(async () => {
  await (await shared)?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Serves an empty page and scripts on loopback: a page of somebody else, as an app's would be. */
export async function servePage(scripts) {
  const names = Object.keys(scripts);
  const html =
    '<!doctype html><meta charset="utf-8"><title>blank</title>' +
    '<link rel="icon" href="data:,">' +
    names.map((name) => `<script src="/${name}"></script>`).join('');
  const server = createServer((request, response) => {
    const script = scripts[request.url.slice(1)];
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
    } else if (script !== undefined) {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

export function pageScript(name) {
  return readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
}

let count = 0;
const slug = (name) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60);

/**
 * A test that gets `{daemon, newPage, t, folder}`. `options`: daemon (options of Daemon, or a
 * function of the test's folder and of a list for what to undo at the end, that gives them),
 * scripts (of the blank page; without: pages are the daemon's own), expectErrors (patterns of log
 * lines at ERROR that belong to the test), timeout.
 */
export function scenario(name, options, body) {
  test(name, { timeout: options.timeout ?? 60000 }, async (t) => {
    const own = join(folder, String(++count));
    mkdirSync(own, { recursive: true });
    const cleanUp = [];
    const settings =
      typeof options.daemon === 'function' ? await options.daemon(own, cleanUp) : options.daemon;
    const daemon = new Daemon(own, settings);
    const contexts = [];
    let server;
    try {
      await daemon.start();
      if (options.scripts) server = await servePage(options.scripts);
      const newPage = async (contextOptions = {}, url) => {
        const context = await (await sharedBrowser()).newContext(contextOptions);
        contexts.push(context);
        const page = await context.newPage();
        page.setDefaultTimeout(10000);
        page.complaints = [];
        page.on('console', (message) => {
          if (message.type() === 'error' || message.type() === 'warning') {
            page.complaints.push(
              `${message.type()}: ${message.text()} (${message.location().url})`,
            );
          }
        });
        page.on('pageerror', (error) => page.complaints.push(`exception: ${error.stack}`));
        await page.goto(url ?? server?.url ?? daemon.url);
        return page;
      };
      await body({ daemon, newPage, t, folder: own });
      for (const context of contexts) await context.close();
      const ended = await daemon.stop();
      assert.deepEqual(ended, { code: 0, signal: null }, 'darumad ends in order after SIGTERM');
      const errors = daemon.text
        .split('\n')
        .filter((line) => / - (ERROR|CRITICAL) - |-CRITICAL \*\*|ERROR: .*Sanitizer/.test(line))
        .filter((line) => !(options.expectErrors ?? []).some((pattern) => pattern.test(line)));
      assert.deepEqual(errors, [], 'errors in the log of darumad');
    } catch (error) {
      for (const [i, context] of contexts.entries()) {
        for (const page of context.pages()) {
          await page
            .screenshot({ path: join(artifacts, `failed-${slug(name)}-${i}.png`) })
            .catch(() => {});
          console.error(`[page ${i}] ${page.url()}\n${(page.complaints ?? []).join('\n')}`);
          const told = await page
            .evaluate(() => globalThis.signalling?.inbox.texts.slice(-20))
            .catch(() => undefined);
          if (told) console.error(`[page ${i}] last words of signalling:\n${told.join('\n')}`);
        }
      }
      console.error(
        `--- darumad's log, "${name}" ---\n` +
          daemon.text.split('\n').slice(-120).join('\n') +
          '\n---',
      );
      throw error;
    } finally {
      for (const context of contexts) await context.close().catch(() => {});
      if (daemon.child) await daemon.kill9().catch(() => {});
      await server?.close();
      for (const undo of cleanUp) await undo();
    }
  });
}

/** The middle and the greatest of a list of milliseconds, for people. */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return `p50 ${Math.round(sorted[sorted.length >> 1])} ms, max ${Math.round(sorted.at(-1))} ms`;
}
