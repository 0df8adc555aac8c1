// When to dial again, and when a silent session is a dead one. Pure; times in ms.

/** As the JavaScript SDK dials; the last delay repeats for ever, since a page has nothing better to do. */
export const DIAL_DELAYS_MS = [0, 2000, 4000, 8000] as const;
export const DIAL_LIMIT_MS = 15_000;
/** A session shorter than this proves nothing ... */
const SHORT_LIFE_MS = 250;
/** ... but restarts in a row make short ones too; only more than this many in a row slow the dialling. */
const SHORT_LIVES_FREE = 5;

export class Redial {
  private failures = 0;
  private shortLives = 0;

  /** How long to wait before the next dial. */
  next(): number {
    const late = Math.max(0, this.shortLives - SHORT_LIVES_FREE);
    const step = Math.min(this.failures + late, DIAL_DELAYS_MS.length - 1);
    this.failures += 1;
    return DIAL_DELAYS_MS[step] ?? 8000;
  }

  connected(): void {
    this.failures = 0;
  }

  /** A session that had been open ended. */
  ended(livedMs: number): void {
    this.shortLives = livedMs < SHORT_LIFE_MS ? this.shortLives + 1 : 0;
  }
}

export const WATCH_TICK_MS = 1000;
export const NUDGE_AFTER_MS = 2500;
export const SILENT_AFTER_MS = 8000;

/** Looks once a tick whether anything was heard. */
export class Watchdog {
  private heardAt = 0;
  private lookedAt = 0;

  reset(now: number): void {
    this.heardAt = now;
    this.lookedAt = now;
  }

  heard(now: number): void {
    this.heardAt = now;
  }

  look(now: number, hidden: boolean): 'fine' | 'nudge' | 'dead' {
    // Timers of a hidden or sleeping tab come late: its silence is nobody's fault.
    const late = now - this.lookedAt > 3 * WATCH_TICK_MS;
    this.lookedAt = now;
    if (hidden || late) this.heardAt = now;
    const silence = now - this.heardAt;
    if (silence >= SILENT_AFTER_MS) return 'dead';
    return silence >= NUDGE_AFTER_MS ? 'nudge' : 'fine';
  }
}
