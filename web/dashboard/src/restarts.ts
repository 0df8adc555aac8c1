// Restarts as the page asks for them and follows them, over whatever way answers.
import type { Command } from './commands';
import { freshId } from './format';
import { overHttp } from './http';
import { flagAt, listAt, numberAt, textAt, textOrNull } from './json';
import type { Json } from './json';
import { previewFrom, receiptFrom, receiptsFrom } from './model';
import type { Preview, Receipt } from './model';
import * as timeline from './timeline';
import type { Refusal, Run } from './timeline';

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

export interface RestartState {
  choice: Choice;
  plan: { preview: Preview | null; refusal: Refusal | null };
  run: Run | null;
  receipts: Receipt[];
}

export function emptyRestartState(): RestartState {
  return {
    choice: { scope: 'daemon', motor: 'body_rotation', sleep: false, wake: false },
    plan: { preview: null, refusal: null },
    run: null,
    receipts: [],
  };
}

/** What restarts need of the page. */
export interface Ways {
  connected(): boolean;
  /** Over the channel when there is one, else over HTTP. */
  send(command: Command, limitMs?: number): Promise<Json>;
  /** The daemon answered over HTTP. */
  answered(): void;
  /** A restart has ended: whoever is not connected can be. */
  ended(): void;
  changed(): void;
}

export class Restarts {
  private following = '';
  private planTimer: ReturnType<typeof setTimeout> | undefined;
  private receiptsTimer: ReturnType<typeof setTimeout> | undefined;
  private receiptsRead = false;

  constructor(
    private readonly state: RestartState,
    private readonly ways: Ways,
  ) {}

  choose(choice: Partial<Choice>): void {
    Object.assign(this.state.choice, choice);
    this.planSoon(0);
    this.ways.changed();
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
    this.receiptsSoon(0);
    await this.follow(id);
  }

  /** An answer may be lost with its channel; the id makes it safe to ask again on the other way. */
  private async sendSurely(command: Command): Promise<Json> {
    if (!this.ways.connected()) return overHttp(command);
    try {
      return await this.ways.send(command);
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

  planSoon(delayMs = 120): void {
    clearTimeout(this.planTimer);
    this.planTimer = setTimeout(() => void this.makePlan(), delayMs);
  }

  private async makePlan(): Promise<void> {
    if (this.restarting) return;
    const asked = JSON.stringify(this.restartCommand());
    try {
      const reply = await this.ways.send({ ...this.restartCommand(), dry_run: true });
      if (asked !== JSON.stringify(this.restartCommand())) return;
      const refusal = refusalFrom(reply);
      this.state.plan = refusal
        ? { preview: null, refusal }
        : { preview: previewFrom(reply), refusal: null };
    } catch {
      this.state.plan = { preview: null, refusal: null };
    }
    this.ways.changed();
  }

  private setRun(run: Run): void {
    this.state.run = run;
    this.ways.changed();
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
      if (receipt && receipt.outcome !== null) {
        this.ways.ended();
        break;
      }
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
      const reply = await this.ways.send({ type: 'get_restart_receipt', id }, 1500);
      const receipt = receiptFrom(reply);
      // The daemon is back, which is found here before the next look.
      if (!this.ways.connected()) this.ways.answered();
      if (receipt) return receipt;
      return reply['receipt'] === null ? null : undefined;
    } catch {
      return undefined;
    }
  }

  receiptsSoon(delayMs = 250): void {
    clearTimeout(this.receiptsTimer);
    this.receiptsTimer = setTimeout(() => void this.readReceipts(), delayMs);
  }

  private async readReceipts(): Promise<void> {
    try {
      const reply = await this.ways.send({ type: 'get_restart_receipts', limit: RECEIPTS_SHOWN });
      if (!Array.isArray(reply['receipts'])) return;
      this.state.receipts = receiptsFrom(listAt(reply, 'receipts'));
    } catch {
      return;
    }
    this.ways.changed();
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

  /** A `restart_progress` message. */
  progressed(message: Json): void {
    const id = textAt(message, 'id');
    const phase = textAt(message, 'phase');
    const elapsed = numberAt(message, 'elapsed_ms') ?? 0;
    this.updateRun(id, (run) =>
      timeline.withProgress(run, phase, elapsed, textOrNull(message, 'error')),
    );
  }

  connectionLost(now: number): void {
    if (this.state.run && this.restarting) this.setRun(timeline.withLost(this.state.run, now));
  }

  connectionBack(now: number): void {
    if (this.state.run) this.setRun(timeline.withBack(this.state.run, now));
  }
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

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
