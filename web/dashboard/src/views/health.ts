import type { Controller } from '../controller';
import { age, plain, shortId } from '../format';
import type { Cause, Verdict } from '../model';
import { Rows, byId, make, setData, setText, show } from './dom';
import type { Row } from './dom';

const TITLES: Record<Verdict, string> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  unhealthy: 'Unhealthy',
  unknown: 'Unknown',
};

const MARKS: Record<Verdict, string> = {
  healthy: '✓',
  degraded: '!',
  unhealthy: '✕',
  unknown: '?',
};

/** A status older than this is shown as old. */
const OLD_MS = 6000;

interface CauseRow extends Row {
  name: HTMLElement;
  since: HTMLElement;
  detail: HTMLElement;
  hint: HTMLElement;
  cure: HTMLElement;
}

function buildCause(cause: Cause): CauseRow {
  const root = make('li', 'cause');
  root.dataset['testid'] = 'cause';
  root.dataset['code'] = cause.code;
  root.dataset['part'] = cause.part;
  const head = make('p', 'cause-head');
  const name = make('strong');
  const since = make('span', 'muted since');
  head.append(name, since);
  const row = {
    root,
    name,
    since,
    detail: make('p', 'cause-detail'),
    hint: make('p', 'cause-hint'),
    cure: make('p', 'cause-cure muted'),
  };
  root.append(head, row.detail, row.hint, row.cure);
  return row;
}

/** What cures a cause, as a sentence. */
export function cureWords(cause: Cause): string {
  if (!cause.cure) return 'No restart cures this.';
  const { scope, tried, helped } = cause.cure;
  const by = `Cured by: restart of the ${scope}`;
  if (tried === 0) return `${by}.`;
  const times = tried === 1 ? 'once' : `${tried} times`;
  return `${by} (tried ${times}${helped ? '' : ', has not helped'}).`;
}

export function healthView(controller: Controller): (now: number) => void {
  const card = byId('health', HTMLElement);
  const mark = byId('verdict-mark', HTMLElement);
  const verdictText = byId('verdict', HTMLElement);
  const more = byId('verdict-more', HTMLElement);
  const ageText = byId('health-age', HTMLElement);
  const fault = byId('fault', HTMLElement);
  const stateText = byId('state', HTMLElement);
  const generation = byId('generation', HTMLElement);
  const uptime = byId('uptime', HTMLElement);
  const boot = byId('boot-id', HTMLElement);
  let elapsedS = 0;
  const causes = new Rows<Cause, CauseRow>(
    byId('causes', HTMLElement),
    (cause) => `${cause.code} ${cause.part}`,
    buildCause,
    (row, cause) => {
      setText(row.name, `${plain(cause.code)} · ${cause.part}`);
      setText(row.since, cause.sinceS === null ? '' : `for ${age(cause.sinceS + elapsedS)}`);
      setText(row.detail, cause.detail);
      setText(row.hint, cause.hint ? `Hint: ${cause.hint}` : '');
      show(row.hint, cause.hint !== '');
      setText(row.cure, cureWords(cause));
    },
  );

  return (now) => {
    const { status, statusAt, http, link } = controller.state;
    const old = status !== null && now - statusAt > OLD_MS;
    elapsedS = status ? Math.max(0, now - statusAt) / 1000 : 0;
    const verdict = status?.health?.verdict ?? 'unknown';
    const list = status?.health?.causes ?? [];
    setData(card, 'verdict', verdict);
    setData(card, 'old', String(old));
    setData(verdictText, 'verdict', verdict);
    setText(mark, MARKS[verdict]);
    setText(verdictText, TITLES[verdict]);
    setText(ageText, old ? `as it was ${age(elapsedS)} ago` : '');
    const gone = http === 'silent' && link.kind !== 'connected';
    setText(more, sentence(verdict, status?.health?.sinceS ?? null, list.length, elapsedS, gone));
    const error = status?.state === 'error' ? status.error : null;
    // The first cause says the same more fully, when there is one.
    const repeated = list.some((cause) => error !== null && error.includes(cause.detail));
    setText(fault, error ?? '');
    show(fault, error !== null && !repeated);
    causes.show(list);
    setText(stateText, status ? plain(status.state) : '–');
    setData(stateText, 'state', status?.state ?? '');
    setText(generation, status?.generation?.toString() ?? '–');
    const up = status?.uptimeS ?? null;
    setText(uptime, up === null ? '–' : age(up + (old ? 0 : elapsedS), true));
    setText(boot, shortId(status?.bootId ?? ''));
    boot.title = status?.bootId ?? '';
  };
}

function sentence(
  verdict: Verdict,
  sinceS: number | null,
  causes: number,
  elapsedS: number,
  gone: boolean,
): string {
  if (verdict === 'unknown') {
    return gone ? 'The daemon does not answer.' : 'Nothing is known about the robot yet.';
  }
  const since = sinceS === null ? '' : ` for ${age(sinceS + elapsedS)}`;
  if (causes === 0) return `No causes${since}.`;
  return `${causes === 1 ? 'One cause' : `${causes} causes`}${since}.`;
}
