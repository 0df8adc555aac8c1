// One restart as the page follows it: from the press of the button to the end. Pure; times in ms.
import type { Phase, Receipt } from './model';

export interface Refusal {
  error: string;
  reason: string;
  hint: string;
}

export interface Run {
  id: string;
  scope: string;
  motor: string | null;
  /** False: somebody else asked for it, or this page before it was reloaded. */
  ours: boolean;
  /** On the page's own clock. */
  askedAt: number;
  ackMs: number | null;
  merged: boolean;
  refusal: Refusal | null;
  phases: Phase[];
  /** Since askedAt: the command channel went, and was open again. */
  lostMs: number | null;
  backMs: number | null;
  outcome: 'done' | 'failed' | 'interrupted' | 'unknown' | null;
  error: string | null;
  notes: string[];
  cured: boolean | null;
  downtimeMs: number | null;
  hadCauses: boolean;
}

export interface Ack {
  scope: string;
  merged: boolean;
}

export function startRun(
  id: string,
  scope: string,
  motor: string | null,
  now: number,
  ours = true,
): Run {
  return {
    id,
    scope,
    motor,
    ours,
    askedAt: now,
    ackMs: null,
    merged: false,
    refusal: null,
    phases: [],
    lostMs: null,
    backMs: null,
    outcome: null,
    error: null,
    notes: [],
    cured: null,
    downtimeMs: null,
    hadCauses: false,
  };
}

export function isOver(run: Run): boolean {
  return run.refusal !== null || run.outcome !== null;
}

export function withAck(run: Run, ack: Ack, now: number): Run {
  return { ...run, scope: ack.scope || run.scope, merged: ack.merged, ackMs: now - run.askedAt };
}

export function withRefusal(run: Run, refusal: Refusal): Run {
  return { ...run, refusal };
}

/** What `restart_progress` says. `done` and `failed` end the run; the receipt tells the rest. */
export function withProgress(
  run: Run,
  phase: string,
  elapsedMs: number,
  error: string | null,
): Run {
  if (isOver(run)) return run;
  const last = run.phases[run.phases.length - 1];
  const ended = run.phases.map((each) =>
    each.ms === null ? { ...each, ms: Math.max(0, elapsedMs - each.atMs) } : each,
  );
  if (phase === 'done' || phase === 'failed') {
    return { ...run, phases: ended, outcome: phase, error: error ?? run.error };
  }
  if (last && last.phase === phase && last.ms === null) return run;
  return { ...run, phases: [...ended, { phase, atMs: elapsedMs, ms: null }] };
}

/** A receipt knows better than the page, unless it has seen less: a running or an interrupted one may. */
export function withReceipt(run: Run, receipt: Receipt): Run {
  const ended = receipt.outcome !== null;
  return {
    ...run,
    scope: receipt.scope || run.scope,
    motor: receipt.motor ?? run.motor,
    merged: run.merged || receipt.mergedInto !== null,
    phases: receipt.phases.length >= run.phases.length ? receipt.phases : run.phases,
    outcome: ended ? outcomeFrom(receipt.outcome) : run.outcome,
    error: receipt.error ?? run.error,
    notes: receipt.notes,
    cured: ended ? receipt.cured : run.cured,
    downtimeMs: ended ? receipt.downtimeMs : run.downtimeMs,
    hadCauses: receipt.causesBefore.length > 0,
  };
}

function outcomeFrom(word: string | null): Run['outcome'] {
  return word === 'done' || word === 'failed' || word === 'interrupted' ? word : 'unknown';
}

/** The receipt did not end, or is not known, in the time the page waits for it. */
export function withoutReceipt(run: Run, error: string): Run {
  return isOver(run) ? run : { ...run, outcome: 'unknown', error };
}

export function withLost(run: Run, now: number): Run {
  return run.lostMs === null && run.backMs === null ? { ...run, lostMs: now - run.askedAt } : run;
}

export function withBack(run: Run, now: number): Run {
  return run.lostMs !== null && run.backMs === null ? { ...run, backMs: now - run.askedAt } : run;
}

/** The end of the axis on which the phases are drawn. */
export function spanMs(run: Run, now: number): number {
  const phases = run.phases.map((phase) => phase.atMs + (phase.ms ?? 0));
  const running = isOver(run) ? 0 : now - run.askedAt;
  return Math.max(1, running, ...phases);
}
