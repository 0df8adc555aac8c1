// The least that a page needs to dial the robot, with a stopwatch. Sessions follow each other; there
// is one at a time.
'use strict';

const kAck = '{"status":"ok","command":"restart_daemon","scheduled":true}';
const canonical = (text) => JSON.stringify(Object.entries(JSON.parse(text)).sort());

/** A promise with its handles outside. */
function deferred() {
  const self = {};
  self.promise = new Promise((resolve, reject) => Object.assign(self, { resolve, reject }));
  self.promise.catch(() => {});
  return self;
}

function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A signalling socket that knows the robot. */
class Line {
  static async open(url) {
    const line = new Line();
    const listed = deferred();
    line.socket = new WebSocket(url);
    line.socket.onclose = () => { listed.reject(new Error('the signalling socket closed')); };
    line.socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'welcome') line.send({ type: 'list' });
      else if (message.type === 'list') listed.resolve(message.producers);
      else line.session?.signalled(message);
    };
    const producers = await within(5000, 'list', listed.promise);
    line.robot = producers.find(({ meta }) => meta?.name === 'reachymini').id;
    return line;
  }

  send(message) { this.socket.send(JSON.stringify(message)); }
  close() { this.socket.close(); }
}

class Session {
  /** A session that has answered `get_state` on its fresh channel. */
  static async open(line) {
    const session = new Session(line);
    line.session = session;
    line.send({ type: 'startSession', peerId: line.robot });
    await within(20000, 'a fresh channel', session.opened.promise);
    await session.answersState();
    return session;
  }

  constructor(line) {
    this.line = line;
    this.opened = deferred();
    this.over = deferred();
    this.waiting = [];
    this.steps = Promise.resolve();
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc.onicecandidate = ({ candidate }) => {
      if (candidate) this.send({ ice: candidate.toJSON() });
    };
    this.pc.ondatachannel = ({ channel }) => {
      this.data = channel;
      channel.onmessage = ({ data }) => this.received(data);
      channel.onclose = () => this.over.resolve();
      // One task later: see web/dashboard/src/peer.ts.
      channel.onopen = () => setTimeout(() => this.opened.resolve());
    };
  }

  send(extra) { this.line.send({ type: 'peer', sessionId: this.id, ...extra }); }

  signalled(message) {
    if (message.type === 'sessionStarted') this.id = message.sessionId;
    else if (message.type === 'error') this.opened.reject(new Error(message.details));
    else if (message.sessionId !== this.id) return;
    else if (message.type === 'endSession') {
      this.over.resolve();
      this.opened.reject(new Error('the robot ended the session before it was open'));
    } else {
      this.steps = this.steps.then(() => this.take(message))
        .catch((error) => this.opened.reject(
          new Error(`${error.message}\n${JSON.stringify(message)}`)));
    }
  }

  async take({ sdp, ice }) {
    if (this.pc.signalingState === 'closed') return;
    if (ice) return this.pc.addIceCandidate(ice);
    await this.pc.setRemoteDescription(sdp);
    await this.pc.setLocalDescription();
    this.send({ sdp: this.pc.localDescription.toJSON() });
  }

  received(text) {
    const message = JSON.parse(text);
    const i = this.waiting.findIndex(({ match }) => match(message));
    if (i >= 0) this.waiting.splice(i, 1)[0].resolve(text);
  }

  ask(command, match) {
    const answer = deferred();
    this.waiting.push({ match, resolve: answer.resolve });
    this.data.send(JSON.stringify(command));
    return answer.promise;
  }

  async answersState() {
    for (;;) {
      const text = await within(10000, 'get_state', this.ask({ type: 'get_state' },
        (m) => m.state !== undefined && m.type === undefined || m.command === 'get_state'));
      if (JSON.parse(text).state?.head_joint_positions?.length === 7) return;
      this.refusals = (this.refusals ?? 0) + 1;
      await pause(5);
    }
  }

  close() { this.pc.close(); }
  hangUp() {
    this.line.send({ type: 'endSession', sessionId: this.id });
    this.close();
  }
}

window.bench = {
  async start(url) {
    this.url = url;
    this.line = await Line.open(url);
  },

  async renewLine() {
    this.line.close();
    this.line = await Line.open(this.url);
  },

  async open() { this.session = await Session.open(this.line); },
  hangUp() { this.session.hangUp(); },

  /** One session without and one with a restart before it; `renew`: each over a socket of its own. */
  async round(result) {
    const { renew } = result;
    let began = performance.now();
    if (renew) await this.renewLine();
    await this.open();
    result.open_ms = performance.now() - began;

    began = performance.now();
    const before = this.session;
    before.ask({ type: 'restart_daemon' }, (m) => m.command === 'restart_daemon').then((text) => {
      result.ack_ms = performance.now() - began;
      result.ack = canonical(text) === canonical(kAck);
    });
    await within(10000, 'the robot ends the session', before.over.promise);
    result.over_ms = performance.now() - began;
    result.acked = result.ack === true;  // from now on it is too late: a page may close at once
    before.close();
    if (renew) await this.renewLine();
    await this.open();
    result.restart_ms = performance.now() - began;
    result.refusals = this.session.refusals ?? 0;
    this.hangUp();
    await pause(40);  // the daemon lets go of the session, which is nobody's figure
  },

  async rounds(first, count) {
    const results = [];
    for (let i = first; i < first + count; ++i) {
      const result = { renew: i % 2 === 1 };
      results.push(result);
      try {
        await this.round(result);
      } catch (error) {
        result.error = error.message;  // a round that failed is a figure too
        this.line.session.close();
        await this.renewLine();
      }
    }
    globalThis.gc?.();
    return results;
  },
};
