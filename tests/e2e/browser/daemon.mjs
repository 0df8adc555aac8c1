// A real darumad in a folder of its own: started, watched, killed, started again, cleaned up.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const binary = join(process.env.DARUMA_BIN_DIR ?? join(root, 'build/release/bin'), 'darumad');
const webRoot = join(root, 'web/dashboard/dist');

const living = new Set();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Rejects when `promise` takes longer than `ms`; `what` says what was waited for. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again until `probe` gives something truthy; for facts that only polling shows. */
export async function until(what, probe, ms = 5000) {
  const deadline = Date.now() + ms;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms; last: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ports that nobody holds now, for daemons that must come back on the same ones. */
export async function freePorts(count) {
  const servers = [];
  for (let i = 0; i < count; ++i) {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export class Daemon {
  /** `folder` holds HOME and the state; `options`: httpPort, signallingPort (0: any), args. */
  constructor(folder, options = {}) {
    this.folder = folder;
    this.options = { httpPort: 0, signallingPort: 0, args: [], ...options };
    this.text = '';
    this.waiters = new Set();
  }

  async start() {
    const home = join(this.folder, 'home');
    mkdirSync(home, { recursive: true });
    if (!existsSync(binary)) throw new Error(`${binary} is missing`);
    this.port = undefined;
    const mark = this.text.length;
    const child = spawn(
      binary,
      [
        '--mockup-sim',
        '--no-wake-up-on-start',
        '--no-goto-sleep-on-stop',
        '--fastapi-port',
        String(this.options.httpPort),
        '--signalling-port',
        String(this.options.signallingPort),
        '--state-dir',
        join(this.folder, 'state'),
        '--web-root',
        webRoot,
        ...this.options.args,
      ],
      {
        cwd: this.folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          HOME: home,
          LANG: 'C.UTF-8',
          // GStreamer's list of plugins: read anew by every process would cost half a second each.
          GST_REGISTRY: join(this.folder, '..', 'gstreamer-registry.bin'),
        },
      },
    );
    this.child = child;
    living.add(child);
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        living.delete(child);
        this.text += `\n[darumad ended: code ${code}, signal ${signal}]\n`;
        resolve({ code, signal });
        for (const waiter of [...this.waiters]) waiter();
      });
    });
    child.once('error', (error) => {
      this.text += String(error);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk) => {
        this.text += chunk;
        for (const waiter of [...this.waiters]) waiter();
      });
    }
    const [, port] = await this.says(/Uvicorn running on http:\/\/127\.0\.0\.1:(\d+)/, mark);
    this.port = Number(port);
    this.url = `http://127.0.0.1:${port}`;
    this.signallingUrl = `ws://127.0.0.1:${(await this.status()).signalling_port}`;
    return this;
  }

  /** The first match of `pattern` in the log after character `from`, as soon as it is there. */
  says(pattern, from = 0, ms = 10000) {
    const child = this.child;
    let waiter;
    const found = new Promise((resolve, reject) => {
      waiter = () => {
        const match = pattern.exec(this.text.slice(from));
        if (match) resolve(match);
        else if (!living.has(child)) reject(new Error(`darumad ended before it said ${pattern}`));
      };
      this.waiters.add(waiter);
      waiter();
    });
    return within(ms, `darumad says ${pattern}`, found).finally(() => this.waiters.delete(waiter));
  }

  async get(path) {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  status() {
    return this.get('/api/daemon/status');
  }

  /** The newest receipts, newest first, without the key around them. */
  async receipts(limit = 20) {
    const answer = await this.get(`/api/daemon/restarts?limit=${limit}`);
    return Array.isArray(answer) ? answer : answer.receipts;
  }

  /** The newest receipt, once it has ended. */
  endedReceipt(id, ms = 15000) {
    return until(
      `receipt ${id ?? '(newest)'} ends`,
      async () => {
        const receipt = id
          ? await this.get(`/api/daemon/restarts/${id}`)
          : (await this.receipts(1))[0];
        return receipt?.outcome ? receipt : undefined;
      },
      ms,
    );
  }

  async kill9() {
    this.child.kill('SIGKILL');
    return within(5000, 'darumad dies', this.exited);
  }

  /** Ends it as a service manager would, and says how it ended. */
  async stop() {
    if (!living.has(this.child)) return this.exited;
    this.child.kill('SIGTERM');
    try {
      return await within(10000, 'darumad ends after SIGTERM', this.exited);
    } catch (error) {
      await this.kill9();
      throw error;
    }
  }
}
