import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../src/connection';
import { statusFrom } from '../src/model';
import { startRun } from '../src/timeline';
import { connectionWords } from '../src/words';
import type { Seen } from '../src/words';

const waiting = (why: Extract<Link, { kind: 'waiting' }>['why']): Link => ({
  kind: 'waiting',
  why,
  detail: 'Peer not found',
  until: 4000,
});

function words(seen: Partial<Seen>) {
  const base = {
    link: waiting('refused'),
    http: 'ok',
    status: null,
    signallingPort: 8443,
    run: null,
    now: 0,
  };
  return connectionWords({ ...base, ...seen } as Seen);
}

test('nobody there, refused, not found, rejected, too late and broken are told apart', () => {
  const titles = (['refused', 'not_found', 'rejected', 'timeout', 'failed', 'silent'] as const).map(
    (why) => words({ link: waiting(why) }).title,
  );
  assert.deepEqual(titles, [
    'Signalling refused',
    'Robot not found',
    'Session refused',
    'No session',
    'WebRTC failed',
    'Connection lost',
  ]);
  assert.equal(words({ http: 'silent' }).title, 'Daemon does not answer');
  assert.match(words({}).detail, /port 8443 .* Dialling again in 4 s\./);
});

test('a restart under way is said as long as somebody says so', () => {
  const starting = statusFrom({ state: 'starting' }) ?? null;
  assert.equal(words({ status: starting }).title, 'Robot restarting');
  assert.equal(words({ link: waiting('ended') }).title, 'Robot restarting');
  const run = startRun('a', 'process', null, 0);
  assert.equal(words({ http: 'silent', run }).title, 'Robot restarting');
  // Only scope process takes HTTP down; anything else is a daemon that died.
  const daemon = startRun('a', 'daemon', null, 0);
  assert.equal(words({ http: 'silent', run: daemon }).title, 'Daemon does not answer');
});

test('connected, with what is wrong', () => {
  const link: Link = { kind: 'connected', since: 0 };
  assert.equal(words({ link }).title, 'Connected');
  const bad = statusFrom({ state: 'error', health: { verdict: 'unhealthy', causes: [] } }) ?? null;
  assert.equal(words({ link, status: bad }).title, 'Connected, robot unhealthy');
});
