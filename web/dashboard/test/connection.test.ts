import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Connection } from '../src/connection';
import type { PeerEvents, PeerPort } from '../src/peer';
import type { Socket } from '../src/signalling';
import { DIAL_LIMIT_MS } from '../src/redial';

const ROBOT = { id: 'robot', meta: { name: 'reachymini' } };

/** A signalling server and a robot on a clock that the test moves. */
class World {
  sockets: FakeSocket[] = [];
  peers: FakePeer[] = [];
  dials: number[] = [];
  links: string[] = [];
  messages: string[] = [];
  nudges = 0;
  answers = true;
  now = 0;
  readonly connection: Connection;

  constructor(private readonly t: TestContext) {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    this.connection = new Connection(
      {
        socket: async () => {
          this.dials.push(this.now);
          const socket = new FakeSocket();
          this.sockets.push(socket);
          return socket;
        },
        peer: (events) => {
          const peer = new FakePeer(events);
          this.peers.push(peer);
          return peer;
        },
        now: () => this.now,
        hidden: () => false,
      },
      {
        changed: (link) =>
          this.links.push(link.kind === 'waiting' ? `${link.kind} ${link.why}` : link.kind),
        message: (text) => this.messages.push(text),
        pose: () => {},
        nudge: () => (this.nudges += 1),
      },
    );
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1] as FakeSocket;
  }

  get peer(): FakePeer {
    return this.peers[this.peers.length - 1] as FakePeer;
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= 100) {
      await settle();
      const step = Math.min(100, left);
      this.now += step;
      this.t.mock.timers.tick(step);
    }
    await settle();
  }

  /** From the start of a dial to an open channel. */
  async connect(): Promise<void> {
    if (!this.socket.welcomed) this.socket.says({ type: 'welcome', peerId: 'me' });
    this.socket.says({ type: 'list', producers: [{ id: 'x', meta: null }, ROBOT] });
    assert.deepEqual(this.socket.last, { type: 'startSession', peerId: 'robot' });
    const sessionId = `s${this.peers.length}`;
    this.socket.says({ type: 'sessionStarted', peerId: 'robot', sessionId });
    this.socket.says({ type: 'peer', sessionId, sdp: { type: 'offer', sdp: 'v=0' } });
    this.socket.says({ type: 'peer', sessionId, ice: { candidate: 'c', sdpMLineIndex: 0 } });
    assert.deepEqual(this.peer.got, ['offer', 'c']);
    this.peer.events.opened();
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; ++i) await Promise.resolve();
}

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: Record<string, unknown>[] = [];
  welcomed = false;
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  says(message: Record<string, unknown>): void {
    if (message['type'] === 'welcome') this.welcomed = true;
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  get last(): Record<string, unknown> | undefined {
    return this.sent[this.sent.length - 1];
  }
}

class FakePeer implements PeerPort {
  got: string[] = [];
  closed = false;
  constructor(readonly events: PeerEvents) {}
  described(sdp: Record<string, unknown>): void {
    this.got.push(String(sdp['type']));
  }
  candidate(ice: Record<string, unknown>): void {
    this.got.push(String(ice['candidate']));
  }
  send(): boolean {
    return !this.closed;
  }
  close(): void {
    this.closed = true;
  }
}

test('welcome, listener, list, session, open: connected', async (t) => {
  const world = new World(t);
  world.connection.start();
  assert.ok(!world.connection.send('x'));
  await world.pass(0);
  await world.connect();
  assert.deepEqual(
    world.socket.sent.map((message) => message['type']),
    ['setPeerStatus', 'list', 'startSession'],
  );
  assert.deepEqual(world.socket.sent[0]?.['meta'], { name: 'dashboard' });
  assert.deepEqual(world.socket.sent[0]?.['roles'], ['listener']);
  assert.deepEqual(world.links, ['dialling', 'connected']);
  assert.ok(world.connection.send('x'));
  world.peer.events.message('hello');
  assert.deepEqual(world.messages, ['hello']);
});

test('a robot that ends the session is dialled at once, over the same socket', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  for (let i = 0; i < 3; ++i) {
    await world.connect();
    world.socket.says({ type: 'endSession', sessionId: `s${i}` });
    // What belongs to the old session is dropped.
    world.peer.events.lost('closed');
    world.peer.events.message('late');
    await world.pass(0);
  }
  await world.connect();
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.messages, []);
  assert.equal(world.links.at(-1), 'connected');
  assert.ok(world.peers.slice(0, 3).every((peer) => peer.closed));
  // Nobody is told to end what has ended.
  assert.ok(!world.socket.sent.some((message) => message['type'] === 'endSession'));
});

test('a channel that closes without a word does the same, and says that we left', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  await world.connect();
  world.peer.events.lost('closed');
  await world.pass(0);
  await world.connect();
  assert.equal(world.links.at(-1), 'connected');
  const ended = () => world.socket.sent.filter((message) => message['type'] === 'endSession');
  assert.deepEqual(ended(), []);
  await world.pass(1000);
  assert.deepEqual(ended(), [{ type: 'endSession', sessionId: 's0' }]);
  assert.equal(world.links.at(-1), 'connected');
});

test('a channel that closes just before the robot says so is no reason to answer', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  await world.connect();
  world.peer.events.lost('closed');
  world.socket.says({ type: 'endSession', sessionId: 's0' });
  await world.pass(1000);
  assert.ok(!world.socket.sent.some((message) => message['type'] === 'endSession'));
});

test('a kept socket that closes while it is dialled on is replaced at once', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  await world.connect();
  world.socket.says({ type: 'endSession', sessionId: 's0' });
  await world.pass(0);
  world.socket.onclose?.();
  await world.pass(0);
  assert.equal(world.sockets.length, 2);
  assert.ok(!world.links.includes('waiting closed'));
  await world.connect();
  assert.equal(world.links.at(-1), 'connected');
});

test('a refused socket is dialled after 2, 4, 8 and 8 s', async (t) => {
  const world = new World(t);
  world.connection.start();
  for (let i = 0; i < 6; ++i) {
    await world.pass(0);
    world.socket.onclose?.();
    assert.equal(world.links.at(-1), 'waiting refused');
    await world.pass([2000, 4000, 8000, 8000, 8000, 8000][i] as number);
  }
  const gaps = world.dials.slice(1).map((at, i) => at - (world.dials[i] as number));
  assert.deepEqual(gaps, [2000, 4000, 8000, 8000, 8000, 8000]);
});

test('dialNow does not wait', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  world.socket.onclose?.();
  world.connection.dialNow();
  await world.pass(0);
  assert.equal(world.sockets.length, 2);
});

test('a dial that leads nowhere ends after 15 s, and the next has a new socket', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  world.socket.says({ type: 'welcome', peerId: 'me' });
  await world.pass(DIAL_LIMIT_MS);
  assert.equal(world.links.at(-1), 'waiting timeout');
  assert.ok(world.socket.closed);
  await world.pass(2000);
  assert.equal(world.sockets.length, 2);
});

test('a robot that is not listed is dialled as soon as it appears', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  world.socket.says({ type: 'welcome', peerId: 'me' });
  world.socket.says({ type: 'list', producers: [] });
  assert.equal(world.links.at(-1), 'waiting not_found');
  world.socket.says({
    type: 'peerStatusChanged',
    peerId: 'robot',
    roles: ['producer'],
    meta: { name: 'reachymini' },
  });
  await world.pass(0);
  await world.connect();
  assert.equal(world.links.at(-1), 'connected');
});

test('an error answer to the dial is a failed dial', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  world.socket.says({ type: 'welcome', peerId: 'me' });
  world.socket.says({ type: 'list', producers: [ROBOT] });
  world.socket.says({ type: 'error', details: 'Peer not found' });
  assert.equal(world.links.at(-1), 'waiting rejected');
});

test('silence is nudged, then fatal', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  await world.connect();
  await world.pass(4000);
  assert.ok(world.nudges > 0);
  world.peer.events.message('alive');
  await world.pass(6000);
  assert.equal(world.links.at(-1), 'connected');
  await world.pass(4000);
  assert.ok(world.links.includes('waiting silent'));
});

test('stop ends the session and dials no more', async (t) => {
  const world = new World(t);
  world.connection.start();
  await world.pass(0);
  await world.connect();
  world.connection.stop();
  await world.pass(20_000);
  assert.equal(world.sockets.length, 1);
  assert.ok(world.socket.closed && world.peer.closed);
  assert.equal(world.socket.last?.['type'], 'endSession');
});
