import type { Controller } from '../controller';
import { milliseconds, phaseLabel } from '../format';
import type { Phase } from '../model';
import { isOver, spanMs } from '../timeline';
import type { Run } from '../timeline';
import { Rows, byId, make, setData, setText } from './dom';
import type { Row } from './dom';

interface PhaseRow extends Row {
  label: HTMLElement;
  bar: HTMLElement;
  time: HTMLElement;
}

function buildPhase(phase: Phase): PhaseRow {
  const root = make('li', 'phase');
  root.dataset['testid'] = 'timeline-phase';
  root.dataset['phase'] = phase.phase;
  const label = make('span', 'phase-label', phaseLabel(phase.phase));
  const track = make('span', 'track');
  track.setAttribute('aria-hidden', 'true');
  const bar = make('span', 'bar');
  track.append(bar);
  const time = make('span', 'phase-time');
  root.append(label, track, time);
  return { root, label, bar, time };
}

/** Short sentences about what came before and beside the phases. */
export function noteWords(run: Run): string[] {
  const words: string[] = [];
  if (run.refusal) return words;
  if (!run.ours) words.push('Followed from its receipt');
  else if (run.ackMs === null) words.push('Asking');
  else words.push(`Accepted after ${milliseconds(run.ackMs)}`);
  if (run.merged) words.push('joined the restart under way');
  if (run.lostMs !== null) words.push(`connection closed at ${milliseconds(run.lostMs)}`);
  if (run.backMs !== null) words.push(`back at ${milliseconds(run.backMs)}`);
  return words;
}

/** How it ended, in one line. */
export function outcomeWords(run: Run): string {
  if (run.refusal) {
    const { error, hint } = run.refusal;
    return `Refused: ${error}${hint ? ` · Hint: ${hint}` : ''}`;
  }
  if (run.outcome === null) return '';
  const words: string[] = [];
  if (run.outcome === 'done') words.push('Done');
  if (run.outcome === 'failed') words.push('Failed');
  if (run.outcome === 'interrupted') words.push('Interrupted');
  if (run.outcome === 'unknown') words.push('End unknown');
  if (run.error) words.push(run.error);
  if (run.downtimeMs !== null) words.push(`downtime ${milliseconds(run.downtimeMs)}`);
  if (run.outcome === 'done' && run.cured !== null && run.hadCauses) {
    words.push(run.cured ? 'cured' : 'not cured');
  }
  return [...words, ...run.notes].join(' · ');
}

export function tone(run: Run): 'good' | 'bad' | 'busy' {
  if (!isOver(run)) return 'busy';
  if (run.refusal || run.outcome !== 'done') return 'bad';
  return run.hadCauses && run.cured === false ? 'bad' : 'good';
}

export function runView(controller: Controller): (now: number) => void {
  const box = byId('run', HTMLElement);
  const title = byId('run-title', HTMLElement);
  const note = byId('run-note', HTMLElement);
  const outcome = byId('restart-outcome', HTMLElement);
  let span = 1;
  let runningMs = 0;
  let over = false;
  const phases = new Rows<Phase, PhaseRow>(
    byId('timeline', HTMLElement),
    (phase) => `${phase.phase} ${phase.atMs}`,
    buildPhase,
    (row, phase) => {
      // What an interrupted restart was at when it died took nobody knows how long.
      const running = phase.ms === null && !over;
      const ms = phase.ms ?? (running ? Math.max(0, runningMs - phase.atMs) : 0);
      setData(row.root, 'state', running ? 'running' : 'done');
      row.bar.style.setProperty('--from', String(Math.min(1, phase.atMs / span)));
      row.bar.style.setProperty('--size', String(Math.min(1, ms / span)));
      setText(row.time, running ? '…' : milliseconds(phase.ms));
    },
  );

  return (now) => {
    const { run } = controller.state;
    setData(box, 'outcome', run ? (run.refusal ? 'refused' : (run.outcome ?? 'running')) : 'none');
    setData(box, 'tone', run ? tone(run) : 'none');
    if (!run) {
      setText(title, 'Timeline');
      setText(note, 'The phases of a restart appear here.');
      return;
    }
    setData(box, 'id', run.id);
    setText(title, `Timeline: ${run.scope}${run.motor ? ` ${run.motor}` : ''}`);
    setText(note, noteWords(run).join(', ') || '–');
    span = spanMs(run, now);
    runningMs = now - run.askedAt;
    over = isOver(run);
    phases.show(run.phases);
    setText(outcome, outcomeWords(run));
  };
}
