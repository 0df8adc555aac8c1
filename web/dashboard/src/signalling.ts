// One socket to the signalling server: finds the robot and carries offers, answers and candidates.
import { isObject, listAt, objectAt, parseObject, textAt } from './json';
import type { Json } from './json';

export const ROBOT_NAME = 'reachymini';
const OWN_NAME = 'dashboard';

/** As much of a WebSocket as is used here. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export interface SignallingEvents {
  /** The producers were listed; undefined: the robot is not among them. */
  listed(robot: string | undefined): void;
  /** The robot became a producer just now. */
  appeared(robot: string): void;
  started(sessionId: string): void;
  /** The server's `error`. */
  refused(details: string): void;
  described(sessionId: string, sdp: Json): void;
  candidate(sessionId: string, ice: Json): void;
  ended(sessionId: string): void;
  /** The socket is gone; `welcomed` says whether it had ever worked. */
  closed(welcomed: boolean): void;
}

export class Signalling {
  private welcomed = false;
  private over = false;

  constructor(
    private readonly socket: Socket,
    private readonly events: SignallingEvents,
  ) {
    socket.onmessage = ({ data }) => this.take(data);
    socket.onclose = () => {
      if (this.over) return;
      this.over = true;
      events.closed(this.welcomed);
    };
  }

  /** Asks who is there; before the welcome it is asked by itself when that comes. */
  list(): void {
    if (this.welcomed) this.send({ type: 'list' });
  }

  startSession(robot: string): void {
    this.send({ type: 'startSession', peerId: robot });
  }

  describe(sessionId: string, sdp: Json): void {
    this.send({ type: 'peer', sessionId, sdp });
  }

  offerCandidate(sessionId: string, ice: Json): void {
    this.send({ type: 'peer', sessionId, ice });
  }

  endSession(sessionId: string): void {
    this.send({ type: 'endSession', sessionId });
  }

  /** Says nothing to the events. */
  close(): void {
    this.over = true;
    this.socket.close();
  }

  private send(message: Json): void {
    if (this.over || !this.welcomed) return;
    this.socket.send(JSON.stringify(message));
  }

  private take(data: unknown): void {
    if (this.over || typeof data !== 'string') return;
    const message = parseObject(data);
    if (!message) return;
    const session = textAt(message, 'sessionId');
    switch (textAt(message, 'type')) {
      case 'welcome':
        this.welcomed = true;
        this.send({ type: 'setPeerStatus', roles: ['listener'], meta: { name: OWN_NAME } });
        return this.list();
      case 'list':
        return this.events.listed(robotIn(listAt(message, 'producers')));
      case 'peerStatusChanged':
        if (!listAt(message, 'roles').includes('producer') || !isRobot(message)) return;
        return this.events.appeared(textAt(message, 'peerId'));
      case 'sessionStarted':
        return this.events.started(session);
      case 'error':
        return this.events.refused(textAt(message, 'details'));
      case 'endSession':
      case 'endSessionV1_1':
        return this.events.ended(session);
      case 'peer': {
        const sdp = objectAt(message, 'sdp');
        const ice = objectAt(message, 'ice');
        if (sdp) this.events.described(session, sdp);
        if (ice) this.events.candidate(session, ice);
      }
    }
  }
}

function isRobot(peer: Json): boolean {
  const meta = objectAt(peer, 'meta');
  return meta !== undefined && textAt(meta, 'name') === ROBOT_NAME;
}

function robotIn(producers: unknown[]): string | undefined {
  const robot = producers.filter(isObject).find(isRobot);
  return robot ? textAt(robot, 'id') || undefined : undefined;
}
