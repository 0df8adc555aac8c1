// What the page does: keeps the connection, follows the daemon, restarts it. The views only show `state`.
import { Chunks } from './chunks';
import { Commands } from './commands';
import type { Command } from './commands';
import { Connection } from './connection';
import type { Link } from './connection';
import { freshId } from './format';
import { request } from './http';
import { flagAt, listAt, numberAt, objectAt, parseObject, textAt, textOrNull } from './json';
import type { Json } from './json';
import { LogBuffer } from './logs';
import { healthFrom, previewFrom, receiptFrom, receiptsFrom, robotFrom, statusFrom } from './model';
import type { Preview, Receipt, RobotState, Status } from './model';
import { Peer } from './peer';
import type { Socket } from './signalling';
import * as timeline from './timeline';
import type { Refusal, Run } from './timeline';

const DEFAULT_SIGNALLING_PORT = 8443;
const STATUS_EVERY_MS = 2000;
const HTTP_EVERY_MS = 1000;
const STATE_EVERY_MS = 500;
/** A pose frame within this makes asking for the state needless. */
const POSE_FRESH_MS = 750;
const RECEIPT_EVERY_MS = 200;
/** While nobody answers: browsers log each failed request. */
const RECEIPT_RETRY_MS = 500;
/** A restart that has no end by then has none that this page would see. */
const FOLLOW_LIMIT_MS = 90_000;
/** A daemon that is up and does not know the receipt for so long will not find it any more. */
const RECEIPT_LOST_MS = 4000;
const RECEIPTS_SHOWN = 50;
/** A page that is opened so soon after a restart shows its timeline. */
const RECENT_MS = 30_000;

export interface Choice {
  scope: string;
  motor: string;
  sleep: boolean;
  wake: boolean;
}

export interface AppState {
  link: Link;
  http: 'ok' | 'silent' | null;
  signallingPort: number | null;
  status: Status | null;
  /** On the page's clock; the ages in the status count from here. */
  statusAt: number;
  robot: RobotState | null;
  robotAt: number;
  robotError: string | null;
  choice: Choice;
  plan: { preview: Preview | null; refusal: Refusal | null };
  run: Run | null;
  receipts: Receipt[];
  /** What the last robot button did. */
  said: { text: string; bad: boolean };
}

export class Controller {
  readonly log = new LogBuffer();
  readonly state: AppState;
  /** Set by the page: something is to be shown anew; lines were logged. */
  changed: () => void = () => {};
  logged: () => void = () => {};

  private readonly chunks = new Chunks();
  private readonly commands = new Commands((text) => this.connection.send(text));
  private readonly connection: Connection;
  private readonly fixedPort: number | null;
  private poseAt = 0;
  private following = '';
  private planTimer: ReturnType<typeof setTimeout> | undefined;
  private receiptsTimer: ReturnType<typeof setTimeout> | undefined;
  private planFor = '';
  private receiptsRead = false;

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
      link: this.connection.link,
      http: null,
      signallingPort: this.fixedPort,
      status: null,
      statusAt: 0,
      robot: null,
      robotAt: 0,
      robotError: null,
      choice: { scope: 'daemon', motor: 'body_rotation', sleep: false, wake: false },
      plan: { preview: null, refusal: null },
      run: null,
      receipts: [],
      said: { text: '', bad: false },
    };
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

  // --- restart

  choose(choice: Partial<Choice>): void {
    Object.assign(this.state.choice, choice);
    this.planSoon();
    this.changed();
  }

  get restarting(): boolean {
    const { run } = this.state;
    return run !== null && !timeline.isOver(run);
  }

  async restart(): Promise<void> {
    if (this.restarting) return;
    const id = freshId();
    const command = { ...this.restartCommand(), id };
    const motor = this.state.choice.scope === 'motor' ? this.state.choice.motor : null;
    this.setRun(timeline.startRun(id, this.state.choice.scope, motor, performance.now()));
    let reply: Json;
    try {
      reply = await this.sendSurely(command);
    } catch (error) {
      this.updateRun(id, (run) => timeline.withRefusal(run, refusalOf(error)));
      return;
    }
    const refusal = refusalFrom(reply);
    if (refusal) return this.updateRun(id, (run) => timeline.withRefusal(run, refusal));
    const ack = { scope: textAt(reply, 'scope'), merged: flagAt(reply, 'merged') ?? false };
    const now = performance.now();
    this.updateRun(id, (run) => timeline.withAck(run, ack, now));
    await this.follow(id);
  }

  /** An answer may be lost with its channel; the id makes it safe to ask again on the other way. */
  private async sendSurely(command: Command): Promise<Json> {
    if (!this.connected) return overHttp(command);
    try {
      return await this.commands.send(command);
    } catch {
      return overHttp(command);
    }
  }

  private restartCommand(): Command {
    const { scope, motor, sleep, wake } = this.state.choice;
    return {
      type: 'restart_daemon',
      scope,
      ...(scope === 'motor' ? { motor } : {}),
      goto_sleep_on_stop: sleep,
      wake_up_on_start: wake,
    };
  }

  private planSoon(): void {
    clearTimeout(this.planTimer);
    this.planTimer = setTimeout(() => void this.makePlan(), 120);
  }

  private async makePlan(): Promise<void> {
    if (this.restarting) return;
    const asked = JSON.stringify(this.restartCommand());
    try {
      const reply = await this.send({ ...this.restartCommand(), dry_run: true });
      if (asked !== JSON.stringify(this.restartCommand())) return;
      const refusal = refusalFrom(reply);
      this.state.plan = refusal
        ? { preview: null, refusal }
        : { preview: previewFrom(reply), refusal: null };
    } catch {
      this.state.plan = { preview: null, refusal: null };
    }
    this.changed();
  }

  private setRun(run: Run): void {
    this.state.run = run;
    this.changed();
  }

  private updateRun(id: string, change: (run: Run) => Run): void {
    if (this.state.run?.id === id) this.setRun(change(this.state.run));
  }

  /** Reads the receipt, over whatever answers, until it has an end. */
  private async follow(id: string): Promise<void> {
    if (this.following === id) return;
    this.following = id;
    const deadline = performance.now() + FOLLOW_LIMIT_MS;
    let missingSince: number | null = null;
    while (this.state.run?.id === id && performance.now() < deadline) {
      const receipt = await this.readReceipt(id);
      if (receipt) this.updateRun(id, (run) => timeline.withReceipt(run, receipt));
      if (receipt && receipt.outcome !== null) break;
      if (receipt !== null) missingSince = null;
      else missingSince ??= performance.now();
      if (missingSince !== null && performance.now() - missingSince > RECEIPT_LOST_MS) {
        this.updateRun(id, (run) =>
          timeline.withoutReceipt(run, 'the daemon does not know this restart'),
        );
        break;
      }
      await pause(receipt === undefined ? RECEIPT_RETRY_MS : RECEIPT_EVERY_MS);
    }
    this.updateRun(id, (run) => timeline.withoutReceipt(run, 'no end was reported in time'));
    if (this.following === id) this.following = '';
    this.planSoon();
    this.receiptsSoon(0);
  }

  /** Undefined: nobody answered. Null: the daemon does not know it. */
  private async readReceipt(id: string): Promise<Receipt | null | undefined> {
    try {
      const reply = await this.send({ type: 'get_restart_receipt', id }, 1500);
      const receipt = receiptFrom(reply);
      // The daemon is back, which is found here before the next look.
      if (this.state.http === 'silent' && !this.connected) void this.pollHttp();
      if (receipt) return receipt;
      return reply['receipt'] === null ? null : undefined;
    } catch {
      return undefined;
    }
  }

  private receiptsSoon(delayMs = 250): void {
    clearTimeout(this.receiptsTimer);
    this.receiptsTimer = setTimeout(() => void this.readReceipts(), delayMs);
  }

  private async readReceipts(): Promise<void> {
    try {
      const reply = await this.send({ type: 'get_restart_receipts', limit: RECEIPTS_SHOWN });
      if (!Array.isArray(reply['receipts'])) return;
      this.state.receipts = receiptsFrom(listAt(reply, 'receipts'));
    } catch {
      return;
    }
    this.changed();
    const { receipts, run } = this.state;
    const newest = this.receiptsRead || run ? undefined : receipts[0];
    this.receiptsRead = true;
    const running = receipts.find((receipt) => receipt.outcome === null);
    if (this.restarting) return;
    if (running) this.followOther(running);
    else if (newest && ageMs(newest) < RECENT_MS) this.followOther(newest);
  }

  /** A restart under way that this page did not ask for, or asked for before it was reloaded. */
  private followOther(receipt: Receipt): void {
    const { id, scope, motor } = receipt;
    const askedAt = performance.now() - Math.min(ageMs(receipt), FOLLOW_LIMIT_MS);
    this.setRun(timeline.startRun(id, scope, motor, askedAt, false));
    void this.follow(id);
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
    const port = this.fixedPort ?? this.state.status?.signallingPort ?? DEFAULT_SIGNALLING_PORT;
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
      if (this.restarting) this.setRun(timeline.withLost(this.state.run as Run, now));
      void this.askHttp();
    }
    if (link.kind === 'connected') {
      if (this.state.run) this.setRun(timeline.withBack(this.state.run, now));
      this.greet();
    }
    this.changed();
  }

  private greet(): void {
    this.poseAt = 0;
    this.log.resubscribed();
    void this.quietly({ type: 'subscribe_logs' });
    void this.quietly({ type: 'subscribe_pose' });
    void this.pollStatus();
    void this.pollState();
    this.receiptsSoon(0);
    this.planSoon();
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
        if (!answered) this.receiptsSoon();
        return;
      case 'restart_progress':
        return this.progressed(message);
      case 'log_line':
        this.log.add(textAt(message, 'timestamp'), textAt(message, 'line'));
        return this.logged();
      case 'log_stream_error':
        this.log.add(new Date().toISOString(), `page - ERROR - ${textAt(message, 'error')}`);
        return this.logged();
    }
  }

  private progressed(message: Json): void {
    const id = textAt(message, 'id');
    const phase = textAt(message, 'phase');
    const elapsed = numberAt(message, 'elapsed_ms') ?? 0;
    this.updateRun(id, (run) =>
      timeline.withProgress(run, phase, elapsed, textOrNull(message, 'error')),
    );
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
    this.state.status = status;
    this.state.statusAt = performance.now();
    // What a restart would do depends on what is wrong.
    const causes = status.health?.causes.map((cause) => `${cause.code}/${cause.part}`) ?? [];
    const planFor = `${status.state} ${causes.join()}`;
    if (planFor !== this.planFor) this.planSoon();
    this.planFor = planFor;
    this.changed();
  }

  // --- HTTP

  private async pollHttp(): Promise<void> {
    if (this.connected) return;
    const before = this.state.http;
    await this.askHttp();
    if (this.state.http !== 'ok' || before === 'ok') return;
    this.receiptsSoon(0);
    this.planSoon();
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

  /** The health has its own door: it answers when the status cannot. */
  private async askHealth(): Promise<void> {
    const { status, body } = await request('/api/daemon/health');
    if (status !== 200 || !this.state.status || !('verdict' in body)) return;
    this.state.status = { ...this.state.status, health: healthFrom(body) };
    this.state.statusAt = performance.now();
  }
}

/** The commands that HTTP has too; others reject. */
async function overHttp(command: Command): Promise<Json> {
  const { type, ...fields } = command;
  const query = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, String(value)]),
  );
  switch (type) {
    case 'restart_daemon':
      return (await request('/api/daemon/restart', 'POST', query)).body;
    case 'get_daemon_status':
      return (await request('/api/daemon/status')).body;
    case 'get_health':
      return (await request('/api/daemon/health')).body;
    case 'get_restart_receipts': {
      const { body } = await request('/api/daemon/restarts', 'GET', query);
      return { receipts: body['items'] ?? body['receipts'] };
    }
    case 'get_restart_receipt': {
      const path = `/api/daemon/restarts/${encodeURIComponent(query['id'] ?? '')}`;
      const { status, body } = await request(path);
      return status === 404 ? { receipt: null } : body;
    }
  }
  throw new Error('not connected');
}

/** The robot's clock may differ from this one: an age is never negative, and long when unknown. */
function ageMs(receipt: Receipt): number {
  const age = Date.now() - Date.parse(receipt.at);
  return Number.isFinite(age) ? Math.max(0, age) : Number.MAX_SAFE_INTEGER;
}

/** The refusal in an answer; nothing when it is an ack. */
function refusalFrom(reply: Json): Refusal | null {
  const told = reply['error'] ?? reply['detail'];
  if (told === undefined || told === null) return null;
  return {
    error: typeof told === 'string' ? told : JSON.stringify(told),
    reason: textAt(reply, 'reason'),
    hint: textAt(reply, 'hint'),
  };
}

function refusalOf(error: unknown): Refusal {
  return { error: `not sent: ${messageOf(error)}`, reason: '', hint: '' };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
