// The tail of the daemon's log. Pure and bounded.

export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;
export type Level = (typeof LEVELS)[number];

export interface LogLine {
  /** Counts on this page. */
  number: number;
  timestamp: string;
  level: Level;
  text: string;
}

/** Lines kept; the oldest go first. */
export const MAX_LINES = 1000;
/** What a subscription begins with; only these can repeat what is here already. */
const BACKLOG = 100;

/** The level in `name - LEVEL - message`; a line without one continues the line before. */
export function levelOf(text: string, before: Level): Level {
  const word = / - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - /.exec(text)?.[1];
  return LEVELS.find((level) => level === word) ?? before;
}

export function atLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

export class LogBuffer {
  readonly lines: LogLine[] = [];
  private count = 0;
  private known = new Set<string>();
  private unsure = 0;

  /** A new subscription repeats the last lines: those that are here are not taken twice. */
  resubscribed(): void {
    this.known = new Set(
      this.lines.slice(-2 * BACKLOG).map((line) => key(line.timestamp, line.text)),
    );
    this.unsure = BACKLOG;
  }

  /** The line as kept, or nothing when it was here already. */
  add(timestamp: string, text: string): LogLine | undefined {
    if (this.unsure > 0) {
      this.unsure -= 1;
      if (this.known.has(key(timestamp, text))) return undefined;
    }
    const before = this.lines[this.lines.length - 1]?.level ?? 'INFO';
    const line = { number: ++this.count, timestamp, level: levelOf(text, before), text };
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
    return line;
  }

  clear(): void {
    this.lines.length = 0;
  }
}

function key(timestamp: string, text: string): string {
  return `${timestamp} ${text}`;
}
