// The least that a page needs to talk to the robot; it follows the wire and nothing else.
'use strict';

/** Rejects when `promise` takes longer than `ms`. */
function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Messages in order of arrival; each waiter looks at all of them from a mark on. */
class Inbox {
  constructor() {
    this.texts = [];
    this.waiters = new Set();
    this.dead = undefined;
  }
  push(text) {
    this.texts.push(text);
    for (const waiter of [...this.waiters]) waiter();
  }
  end(reason) {
    this.dead = reason;
    for (const waiter of [...this.waiters]) waiter();
  }
  /** The first message from `mark` on for which `match` holds, as it was sent. */
  next(what, match, mark = this.texts.length, ms = 5000) {
    let waiter;
    const found = new Promise((resolve, reject) => {
      waiter = () => {
        for (let i = mark; i < this.texts.length; ++i) {
          if (match(JSON.parse(this.texts[i]))) return resolve(this.texts[i]);
        }
        if (this.dead) reject(new Error(`${what}: ${this.dead}`));
      };
      this.waiters.add(waiter);
      waiter();
    });
    return within(ms, what, found).finally(() => this.waiters.delete(waiter));
  }
}

/** One signalling socket; sessions are dialled over it. */
class Signalling {
  static async open(url) {
    const self = new Signalling();
    self.inbox = new Inbox();
    self.sessions = new Map();
    self.socket = new WebSocket(url);
    self.socket.onmessage = ({ data }) => self.received(data);
    self.socket.onclose = () => {
      self.inbox.end('the signalling socket closed');
      for (const session of self.sessions.values()) session.resolveEnded('socket closed');
    };
    self.peerId = JSON.parse(
      await self.inbox.next('welcome', (m) => m.type === 'welcome', 0),
    ).peerId;
    return self;
  }

  received(text) {
    this.inbox.push(text);
    const message = JSON.parse(text);
    const session = this.sessions.get(message.sessionId);
    if (!session) return;
    if (message.type === 'peer') session.signalled(message);
    if (message.type === 'endSession') session.resolveEnded('endSession');
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  async producers() {
    const mark = this.inbox.texts.length;
    this.send({ type: 'list' });
    return JSON.parse(await this.inbox.next('list', (m) => m.type === 'list', mark)).producers;
  }

  /** The robot among the producers. */
  async robot() {
    const robots = (await this.producers()).filter((p) => p.meta && p.meta.name === 'reachymini');
    if (robots.length !== 1) throw new Error(`${robots.length} robots are listed`);
    return robots[0].id;
  }

  /** Asks for a session; resolves when the robot has agreed, before it has offered. */
  async dial({ trickle = true } = {}) {
    const robot = await this.robot();
    const mark = this.inbox.texts.length;
    this.send({ type: 'startSession', peerId: robot });
    const answer = JSON.parse(
      await this.inbox.next(
        'sessionStarted',
        (m) => m.type === 'sessionStarted' || m.type === 'error',
        mark,
      ),
    );
    if (answer.type === 'error') throw new Error(`startSession: ${answer.details}`);
    const session = new Session(this, answer.sessionId, robot, trickle);
    this.sessions.set(session.id, session);
    // What came in the same instant.
    for (const text of this.inbox.texts.slice(mark)) {
      const message = JSON.parse(text);
      if (message.sessionId === session.id && message.type === 'peer') session.signalled(message);
    }
    return session;
  }

  /** A session whose command channel is open. */
  async connect(options) {
    const session = await this.dial(options);
    const refused = session.ended.then((how) => {
      throw new Error(`the robot ended the session before its channel was open: ${how}`);
    });
    refused.catch(() => {});
    const opened = Promise.race([session.opened, session.failed, refused]);
    await within(15000, 'channel data opens', opened);
    return session;
  }
}

/** One WebRTC session with the robot. */
class Session {
  constructor(signalling, id, robot, trickle) {
    Object.assign(this, { signalling, id, robot, trickle });
    this.inbox = new Inbox();
    this.frames = new Inbox();
    this.candidates = [];
    this.closedAfterEnd = false;
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.steps = Promise.resolve();
    this.pc.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      this.candidates.push(candidate.candidate);
      if (this.trickle) this.send({ ice: candidate.toJSON() });
    };
    this.opened = new Promise((resolve) => {
      this.pc.ondatachannel = ({ channel }) => {
        const inbox = channel.label === 'pose' ? this.frames : this.inbox;
        this[channel.label === 'pose' ? 'pose' : 'data'] = channel;
        channel.onmessage = ({ data }) => inbox.push(data);
        channel.onclose = () => {
          inbox.end(`channel ${channel.label} closed`);
          if (channel === this.data) this.resolveClosed(performance.now());
        };
        if (channel.label === 'pose') return;
        // One task later: see web/dashboard/src/peer.ts.
        channel.onopen = () => setTimeout(resolve);
      };
    });
    this.failed = new Promise((_, reject) => {
      this.rejectFailed = reject;
    });
    this.failed.catch(() => {});
  }

  send(extra) {
    this.signalling.send({ type: 'peer', sessionId: this.id, ...extra });
  }

  signalled(message) {
    this.steps = this.steps
      .then(() => this.take(message))
      .catch((error) => {
        if (this.pc.signalingState !== 'closed') this.rejectFailed(error);
      });
  }

  async take({ sdp, ice }) {
    if (ice) return this.pc.addIceCandidate(ice);
    this.offer = sdp.sdp;
    await this.pc.setRemoteDescription(sdp);
    await this.pc.setLocalDescription();
    if (!this.trickle) {
      await new Promise((resolve) => {
        const look = () => {
          if (this.pc.iceGatheringState === 'complete') resolve();
        };
        this.pc.onicegatheringstatechange = look;
        look();
      });
    }
    this.send({ sdp: this.pc.localDescription.toJSON() });
  }

  /** Sends a command and gives the first message that `match` takes, as text. */
  ask(command, match, ms) {
    const mark = this.inbox.texts.length;
    this.data.send(typeof command === 'string' ? command : JSON.stringify(command));
    return this.inbox.next(`answer to ${JSON.stringify(command)}`, match, mark, ms);
  }

  async state() {
    const text = await this.ask(
      { type: 'get_state' },
      (m) => ('state' in m && !('type' in m)) || 'error' in m,
    );
    const answer = JSON.parse(text);
    if (answer.error !== undefined && answer.state === undefined) {
      throw new Error(`get_state: ${text}`);
    }
    return answer.state;
  }

  async status() {
    return JSON.parse(
      await this.ask({ type: 'get_daemon_status' }, (m) => m.command === 'get_daemon_status'),
    );
  }

  /** Sends a restart and gives the ack's text; waits for nothing else. */
  restart(extra = {}) {
    return this.ask({ type: 'restart_daemon', ...extra }, (m) => m.command === 'restart_daemon');
  }

  /** Waits until the robot has ended the session, by both of its words; then lets go of it. */
  async over(ms = 5000) {
    const [closedAt, how] = await Promise.all([
      within(ms, 'channel data closes', this.closed),
      within(ms, 'endSession', this.ended),
    ]);
    this.forget();
    return { closedAt, how };
  }

  forget() {
    this.signalling.sessions.delete(this.id);
    this.pc.close();
  }

  acks() {
    return this.inbox.texts.filter((text) => JSON.parse(text).command === 'restart_daemon');
  }
}
