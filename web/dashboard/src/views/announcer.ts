// Says to screen readers what changed, and nothing twice: one place, so that nothing talks over it.
import type { Controller } from '../controller';
import { phaseLabel } from '../format';
import { connectionWords } from '../words';
import { byId } from './dom';
import { outcomeWords } from './run';

export function announcerView(controller: Controller): (now: number) => void {
  const box = byId('announcer', HTMLElement);
  const last = new Map<string, string>();
  const fresh = (what: string, words: string): string => {
    if (last.get(what) === words) return '';
    last.set(what, words);
    return words;
  };

  return (now) => {
    const { state } = controller;
    const { run, status } = state;
    const phase = run?.phases[run.phases.length - 1];
    const words = [
      fresh('link', connectionWords({ ...state, now }).title),
      fresh('verdict', status?.health ? `Health: ${status.health.verdict}` : ''),
      fresh('ack', run && run.ackMs !== null ? `Restart accepted, ${run.scope}` : ''),
      fresh('phase', run && phase && phase.ms === null ? phaseLabel(phase.phase) : ''),
      fresh('end', run ? outcomeWords(run) : ''),
    ].filter((text) => text !== '');
    if (words.length > 0) box.textContent = `${words.join('. ')}.`;
  };
}
