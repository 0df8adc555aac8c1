// What the page does: keeps the connection and follows the daemon. The views only show `state`.
import { Chunks } from './chunks';
import { Commands } from './commands';
import type { Command } from './commands';
import { Connection } from './connection';
import type { Link } from './connection';
import { overHttp, request } from './http';
import { isObject, listAt, numberAt, objectAt, parseObject, textAt, textOrNull } from './json';
import type { Json } from './json';
import { LogBuffer } from './logs';
import { healthFrom, robotFrom, statusFrom } from './model';
import type { RobotState, Status } from './model';
import { Peer } from './peer';
import { Restarts, emptyRestartState, messageOf } from './restarts';
import type { RestartState } from './restarts';
import type { Socket } from './signalling';

const DEFAULT_SIGNALLING_PORT = 8443;
const STATUS_EVERY_MS = 2000;
const HTTP_EVERY_MS = 1000;
const STATE_EVERY_MS = 500;
/** A pose frame within this makes asking for the state needless. */
const POSE_FRESH_MS = 750;

export interface AppState extends RestartState {
  link: Link;
  http: 'ok' | 'silent' | null;
  signallingPort: number | null;
  status: Status | null;
  /** On the page's clock; the ages in the status count from here. */
  statusAt: number;
  robot: RobotState | null;
  robotAt: number;
  robotError: string | null;
  /** What the last robot button did. */
  said: { text: string; bad: boolean };
}

export class Controller {
  readonly log = new LogBuffer();
  readonly state: AppState;
  readonly restarts: Restarts;
  /** Set by the page: something is to be shown anew; lines were logged. */
  changed: () => void = () => {};
  logged: () => void = () => {};

  private readonly chunks = new Chunks();
  private readonly commands = new Commands((text) => this.connection.send(text));
  private readonly connection: Connection;
  private readonly fixedPort: number | null;
  private poseAt = 0;
  private planFor = '';
  /** The last line that came over HTTP; null: they come over the channel, or HTTP has none. */
  private httpLine: number | null = null;
  private httpHasLogs = true;

  constructor() {
    const asked = Number(new URLSearchParams(location.search).get('signalling'));
    this.fixedPort = Number.isInteger(asked) && asked > 0 && asked < 65536 ? asked : null;
    this.connection = new Connection(
      {
        socket: () => this.openSocket(),
        peer: (events) => new Peer(events),
        now: () => performance.now(),
        hidden: () => document.hidden,
      },
      {
        changed: (link) => this.linkChanged(link),
        message: (text) => this.received(text),
        pose: (text) => this.posed(text),
        nudge: () => void this.pollStatus(),
      },
    );
    this.state = {
      ...emptyRestartState(),
      link: this.connection.link,
      http: null,
      signallingPort: this.fixedPort,
      status: null,
      statusAt: 0,
      robot: null,
      robotAt: 0,
      robotError: null,
      said: { text: '', bad: false },
    };
    this.restarts = new Restarts(this.state, {
      connected: () => this.connected,
      send: (command, limitMs) => this.send(command, limitMs),
      answered: () => {
        if (this.state.http === 'silent') void this.pollHttp();
      },
      ended: () => this.connection.dialNow(),
      changed: () => this.changed(),
    });
  }

  start(): void {
    this.connection.start();
    void this.pollHttp();
    setInterval(() => void this.pollHttp(), HTTP_EVERY_MS);
    setInterval(() => {
      if (this.connected) void this.pollStatus();
    }, STATUS_EVERY_MS);
    setInterval(() => {
      if (this.connected && performance.now() - this.poseAt > POSE_FRESH_MS) void this.pollState();
    }, STATE_EVERY_MS);
    window.addEventListener('pagehide', () => this.connection.stop());
    window.addEventListener('pageshow', (event) => {
      if (event.persisted) this.connection.start();
    });
    window.addEventListener('online', () => this.connection.dialNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.connection.dialNow();
    });
  }

  get connected(): boolean {
    return this.state.link.kind === 'connected';
  }

  dialNow(): void {
    this.connection.dialNow();
  }

  /** Over the channel, or over HTTP what HTTP has too. Resolves with `error` answers as well. */
  async send(command: Command, limitMs?: number): Promise<Json> {
    if (this.connected) return this.commands.send(command, limitMs);
    return overHttp(command);
  }

  // --- the robot's buttons

  async perform(label: string, commands: Command[]): Promise<void> {
    this.say(`${label} …`);
    try {
      for (const command of commands) {
        const reply = await this.commands.send(command);
        const error = textOrNull(reply, 'error');
        if (error !== null) return this.say(`${label}: ${error}`, true);
      }
      this.say(`${label}: done`);
    } catch (error) {
      this.say(`${label}: ${messageOf(error)}`, true);
    }
    void this.pollStatus();
  }

  private say(text: string, bad = false): void {
    this.state.said = { text, bad };
    this.changed();
  }

  // --- connection

  private async openSocket(): Promise<Socket> {
    // A daemon that was started anew may signal on another port.
    if (this.fixedPort === null) await this.askHttp();
    const { status } = this.state;
    if (this.fixedPort === null && status?.signallingPort === null)
      throw new Error('the daemon has no signalling port open');
    const port = this.fixedPort ?? status?.signallingPort ?? DEFAULT_SIGNALLING_PORT;
    this.state.signallingPort = port;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    return new WebSocket(`${scheme}://${location.hostname}:${port}/`) as Socket;
  }

  private linkChanged(link: Link): void {
    const was = this.state.link.kind;
    this.state.link = link;
    const now = performance.now();
    if (was === 'connected' && link.kind !== 'connected') {
      this.commands.abandon('the connection closed');
      this.chunks.clear();
      this.restarts.connectionLost(now);
      void this.askHttp();
    }
    if (link.kind === 'connected') {
      this.restarts.connectionBack(now);
      this.greet();
    }
    this.changed();
  }

  private greet(): void {
    this.poseAt = 0;
    this.httpLine = null;
    this.httpHasLogs = true;
    this.log.resubscribed();
    void this.quietly({ type: 'subscribe_logs' });
    void this.quietly({ type: 'subscribe_pose' });
    void this.pollStatus();
    void this.pollState();
    this.restarts.receiptsSoon(0);
    this.restarts.planSoon();
  }

  private async quietly(command: Command): Promise<void> {
    try {
      await this.commands.send(command);
    } catch {
      // The connection ended meanwhile, or this daemon has no such command.
    }
  }

  private received(text: string): void {
    const message = parseObject(text);
    if (!message) return;
    if (message['type'] === 'message_chunk') {
      const whole = this.chunks.take(message);
      if (whole !== undefined) this.received(whole);
      return;
    }
    const answered = this.commands.take(message);
    switch (textAt(message, 'type')) {
      case 'daemon_status':
        this.statusArrived(message);
        if (!answered) this.restarts.receiptsSoon();
        return;
      case 'restart_progress':
        return this.restarts.progressed(message);
      case 'log_line':
        this.log.add(textAt(message, 'timestamp'), textAt(message, 'line'));
        return this.logged();
      case 'log_stream_error':
        this.log.add(new Date().toISOString(), `page - ERROR - ${textAt(message, 'error')}`);
        return this.logged();
    }
  }

  private posed(text: string): void {
    const state = objectAt(parseObject(text) ?? {}, 'state');
    if (!state) return;
    this.poseAt = performance.now();
    this.robotArrived(state);
  }

  private robotArrived(state: Json): void {
    this.state.robot = robotFrom(state);
    this.state.robotAt = performance.now();
    this.state.robotError = null;
    this.changed();
  }

  private async pollState(): Promise<void> {
    try {
      const reply = await this.commands.send({ type: 'get_state' });
      const state = objectAt(reply, 'state');
      if (state) return this.robotArrived(state);
      this.state.robotError = textOrNull(reply, 'error') ?? 'no state';
    } catch (error) {
      this.state.robotError = messageOf(error);
    }
    this.changed();
  }

  private async pollStatus(): Promise<void> {
    try {
      const reply = await this.commands.send({ type: 'get_daemon_status' });
      // With a type it has been taken as a push already.
      if (!('type' in reply)) this.statusArrived(reply);
    } catch {
      // The watchdog decides what silence means.
    }
  }

  private statusArrived(message: Json): void {
    const status = statusFrom(message);
    if (!status) return;
    const before = this.state.status;
    const anew = before !== null && before.bootId !== status.bootId;
    this.state.status = status;
    this.state.statusAt = performance.now();
    // What a restart would do depends on what is wrong.
    const causes = status.health?.causes.map((cause) => `${cause.code}/${cause.part}`) ?? [];
    const planFor = `${status.state} ${causes.join()}`;
    if (planFor !== this.planFor) this.restarts.planSoon();
    this.planFor = planFor;
    // Another process: what kept the last one from taking the dial is over.
    if (anew) this.connection.dialNow();
    this.changed();
  }

  // --- HTTP

  private async pollHttp(): Promise<void> {
    if (this.connected) return;
    const before = this.state.http;
    await this.askHttp();
    if (this.state.http === 'ok') void this.askLogs();
    if (this.state.http !== 'ok' || before === 'ok') return;
    this.restarts.receiptsSoon(0);
    this.restarts.planSoon();
    if (before === 'silent') this.connection.dialNow();
  }

  private async askHttp(): Promise<void> {
    try {
      const { status, body } = await request('/api/daemon/status');
      this.state.http = 'ok';
      if (this.connected) return;
      if (status === 200) this.statusArrived(body);
      if (status !== 200 || !('health' in body)) await this.askHealth();
    } catch {
      this.state.http = 'silent';
    }
    this.changed();
  }

  private async askLogs(): Promise<void> {
    if (!this.httpHasLogs || this.connected) return;
    if (this.httpLine === null) this.log.resubscribed();
    const after = this.httpLine ?? 0;
    try {
      const query = { after: String(after), limit: '100' };
      const { status, body } = await request('/api/daemon/logs', 'GET', query);
      this.httpHasLogs = status === 200;
      const newest = numberAt(body, 'newest');
      if (status !== 200 || newest === null || this.connected) return;
      // Lines count from 1 in every process: a smaller number is another process.
      this.httpLine = newest < after ? null : newest;
      for (const line of listAt(body, 'lines').filter(isObject)) {
        this.log.add(textAt(line, 'timestamp'), textAt(line, 'line'));
      }
      this.logged();
    } catch {
      // The next look tells.
    }
  }

  /** The health has its own door: it answers when the status cannot. */
  private async askHealth(): Promise<void> {
    const { status, body } = await request('/api/daemon/health');
    if (status !== 200 || !this.state.status || !('verdict' in body)) return;
    this.state.status = { ...this.state.status, health: healthFrom(body) };
    this.state.statusAt = performance.now();
  }
}
