// What the page says about its connection. Pure.
import type { Link } from './connection';
import type { Status } from './model';
import { isOver } from './timeline';
import type { Run } from './timeline';

export type Tone = 'good' | 'busy' | 'bad';

export interface Words {
  tone: Tone;
  /** Short, for the badge. */
  title: string;
  /** One sentence more; empty when all is said. */
  detail: string;
}

export interface Seen {
  link: Link;
  /** Whether HTTP answered last; null: not asked yet. */
  http: 'ok' | 'silent' | null;
  status: Status | null;
  signallingPort: number | null;
  /** A restart that this page follows. */
  run: Run | null;
  now: number;
}

/** Tells apart: nobody there, refused, not found, starting, unhealthy. */
export function connectionWords(seen: Seen): Words {
  const { link, status } = seen;
  if (link.kind === 'connected') return connectedWords(status);
  const reason = reasonWords(seen);
  if (link.kind === 'dialling') {
    const first = link.why === null;
    return { tone: 'busy', title: reason ?? (first ? 'Connecting' : 'Dialling again'), detail: '' };
  }
  const left = Math.ceil((link.until - seen.now) / 1000);
  const again = left > 0 ? `Dialling again in ${left} s.` : 'Dialling again.';
  const why = whyWords(seen);
  const tone = reason === 'Robot restarting' || left <= 0 ? 'busy' : 'bad';
  return { tone, title: reason ?? why.title, detail: `${why.detail} ${again}`.trim() };
}

function connectedWords(status: Status | null): Words {
  if (status?.state === 'starting' || status?.state === 'stopping') {
    return { tone: 'busy', title: 'Connected, robot restarting', detail: '' };
  }
  if (status?.health?.verdict === 'unhealthy') {
    return { tone: 'bad', title: 'Connected, robot unhealthy', detail: '' };
  }
  return { tone: 'good', title: 'Connected', detail: '' };
}

/** What HTTP knows better than the failed dial. */
function reasonWords({ http, status, link, run }: Seen): string | undefined {
  if (http === 'silent' && run?.scope === 'process' && !isOver(run)) return 'Robot restarting';
  if (http === 'silent') return 'Daemon does not answer';
  if (status?.state === 'starting' || status?.state === 'stopping') return 'Robot restarting';
  if (link.kind !== 'connected' && link.why === 'ended') return 'Robot restarting';
  return undefined;
}

function whyWords({ link, signallingPort, http }: Seen): { title: string; detail: string } {
  const port = signallingPort === null ? '' : ` on port ${signallingPort}`;
  if (http === 'silent') {
    return { title: 'Daemon does not answer', detail: 'Neither HTTP nor signalling answers.' };
  }
  switch (link.kind === 'waiting' ? link.why : 'closed') {
    case 'refused':
      return {
        title: 'Signalling refused',
        detail: `The signalling server${port} does not take this page.`,
      };
    case 'not_found':
      return {
        title: 'Robot not found',
        detail: `No robot is listed by the signalling server${port}.`,
      };
    case 'rejected':
      return {
        title: 'Session refused',
        detail: link.kind === 'waiting' ? `${link.detail}.` : '',
      };
    case 'timeout':
      return { title: 'No session', detail: 'The robot did not open a session within 15 s.' };
    case 'failed':
      return { title: 'WebRTC failed', detail: 'No network path, or the session broke.' };
    case 'silent':
      return { title: 'Connection lost', detail: 'The robot was silent for 8 s.' };
    default:
      return { title: 'Connection closed', detail: '' };
  }
}

/** What HTTP still offers while there is no session. */
export function fallbackWords(http: Seen['http']): string {
  return http === 'ok'
    ? 'The daemon answers over HTTP: what you see is current, and Restart works.'
    : '';
}
