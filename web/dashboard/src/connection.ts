// Keeps one session with the robot open, for ever: dials, notices the end, dials again.
//
//   dialling --command channel open--> connected --any end--> waiting --delay--> dialling
//       \--refused, not found, too late--> waiting
//
// The signalling socket is kept from session to session as long as it works.
import { DIAL_LIMIT_MS, Redial, WATCH_TICK_MS, Watchdog } from './redial';
import { Signalling } from './signalling';
import type { Socket } from './signalling';
import type { PeerEvents, PeerPort } from './peer';

const LEAVE_AFTER_MS = 1000;

export type Why =
  | 'refused' // the signalling socket does not open
  | 'not_found' // the signalling server does not list the robot
  | 'rejected' // the server answered the dial with an error
  | 'timeout' // no open channel within the dial limit
  | 'ended' // the robot said that it ends the session
  | 'closed' // the channel or the signalling socket closed
  | 'failed' // ICE or the negotiation failed
  | 'silent'; // nothing was heard for too long

export type Link =
  | { kind: 'dialling'; attempt: number; why: Why | null }
  | { kind: 'connected'; since: number }
  | { kind: 'waiting'; why: Why; detail: string; until: number };

export interface Environment {
  /** A fresh socket to the signalling server. */
  socket(): Promise<Socket>;
  peer(events: PeerEvents): PeerPort;
  now(): number;
  hidden(): boolean;
}

export interface ConnectionEvents {
  changed(link: Link): void;
  message(text: string): void;
  pose(text: string): void;
  /** Nothing was heard for a while: ask something. */
  nudge(): void;
}

export class Connection {
  link: Link = { kind: 'dialling', attempt: 1, why: null };
  private signalling: Signalling | undefined;
  private session: { id: string; peer: PeerPort } | undefined;
  /** A session whose channel the robot closed; its own word about that is on the way, or never was. */
  private leaving: { id: string; timer: ReturnType<typeof setTimeout> } | undefined;
  private readonly redial = new Redial();
  private readonly watchdog = new Watchdog();
  private attempt = 0;
  /** This dial began on a socket from before. */
  private reused = false;
  /** Counts dials and ends, so that what belongs to an earlier one is known and dropped. */
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly events: ConnectionEvents,
  ) {}

  start(): void {
    const turn = this.turn;
    this.timer = setTimeout(() => {
      if (turn === this.turn) this.dial();
    }, this.redial.next());
  }

  /** Ends the session in order, and dials no more until start(). */
  stop(): void {
    this.hangUp();
    clearTimeout(this.leaving?.timer);
    this.signalling?.close();
    this.signalling = undefined;
  }

  /** Does not wait for the delay to pass. */
  dialNow(): void {
    if (this.link.kind === 'waiting') this.dial();
  }

  send(text: string): boolean {
    return this.link.kind === 'connected' && (this.session?.peer.send(text) ?? false);
  }

  // --- dialling

  private dial(): void {
    this.hangUp();
    const turn = this.turn;
    this.attempt += 1;
    const why = this.link.kind === 'waiting' ? this.link.why : null;
    this.change({ kind: 'dialling', attempt: this.attempt, why });
    this.timer = setTimeout(
      () => this.fail('timeout', 'no session within 15 s', true),
      DIAL_LIMIT_MS,
    );
    this.reused = this.signalling !== undefined;
    if (this.signalling) return this.signalling.list();
    this.environment.socket().then(
      (socket) => {
        if (turn !== this.turn) return socket.close();
        this.signalling = this.signallingOver(socket);
      },
      (error: unknown) => {
        if (turn === this.turn) this.fail('refused', String(error), true);
      },
    );
  }

  private signallingOver(socket: Socket): Signalling {
    const signalling: Signalling = new Signalling(socket, {
      listed: (robot) => {
        if (this.link.kind !== 'dialling' || this.session) return;
        if (robot) signalling.startSession(robot);
        else this.fail('not_found', 'the signalling server does not list the robot');
      },
      appeared: () => {
        if (this.link.kind === 'waiting' && this.link.why === 'not_found') this.dial();
      },
      refused: (details) => {
        if (this.link.kind === 'dialling') this.fail('rejected', details);
      },
      started: (id) => {
        if (this.link.kind !== 'dialling' || this.session) return signalling.endSession(id);
        this.session = { id, peer: this.environment.peer(this.peerEvents(signalling, id)) };
      },
      described: (id, sdp) => {
        if (this.session?.id === id) this.session.peer.described(sdp);
      },
      candidate: (id, ice) => {
        if (this.session?.id === id) this.session.peer.candidate(ice);
      },
      ended: (id) => {
        if (this.leaving?.id === id) clearTimeout(this.leaving.timer);
        if (this.session?.id !== id) return;
        // The server has forgotten it: there is nothing left to end.
        this.session.peer.close();
        this.session = undefined;
        this.fail('ended', 'the robot ended the session');
      },
      closed: (welcomed) => {
        if (this.signalling !== signalling) return;
        this.signalling = undefined;
        if (this.link.kind === 'waiting') return;
        // A socket from before goes with the process that it led to; the dial has not been tried.
        if (this.link.kind === 'dialling' && this.reused && !this.session) return this.dial();
        this.fail(welcomed ? 'closed' : 'refused', 'the signalling socket closed');
      },
    });
    return signalling;
  }

  private peerEvents(signalling: Signalling, id: string): PeerEvents {
    const ours = (): boolean => this.session?.id === id;
    return {
      answer: (sdp) => signalling.describe(id, sdp),
      candidate: (ice) => signalling.offerCandidate(id, ice),
      opened: () => {
        if (ours()) this.opened();
      },
      message: (text) => {
        if (!ours()) return;
        this.watchdog.heard(this.environment.now());
        this.events.message(text);
      },
      pose: (text) => {
        if (!ours()) return;
        this.watchdog.heard(this.environment.now());
        this.events.pose(text);
      },
      lost: (why) => {
        if (!ours()) return;
        if (why === 'failed') return this.fail(why, 'the WebRTC connection failed', true);
        this.leave(signalling, id);
        this.fail(why, 'the channel closed');
      },
    };
  }

  /** Ends a session that the robot seems to have ended, unless it says so itself. */
  private leave(signalling: Signalling, id: string): void {
    this.session?.peer.close();
    this.session = undefined;
    clearTimeout(this.leaving?.timer);
    const timer = setTimeout(() => signalling.endSession(id), LEAVE_AFTER_MS);
    this.leaving = { id, timer };
  }

  private opened(): void {
    if (this.link.kind === 'connected') return;
    const now = this.environment.now();
    clearTimeout(this.timer);
    this.attempt = 0;
    this.redial.connected();
    this.watchdog.reset(now);
    this.watch = setInterval(() => this.look(), WATCH_TICK_MS);
    this.change({ kind: 'connected', since: now });
  }

  private look(): void {
    const found = this.watchdog.look(this.environment.now(), this.environment.hidden());
    if (found === 'nudge') this.events.nudge();
    if (found === 'dead') this.fail('silent', 'nothing was heard for 8 s', true);
  }

  // --- ending

  /** `anew`: the signalling socket may be as dead as the session. */
  private fail(why: Why, detail: string, anew = false): void {
    if (this.link.kind === 'connected') this.redial.ended(this.environment.now() - this.link.since);
    this.hangUp();
    if (anew) {
      this.signalling?.close();
      this.signalling = undefined;
    }
    this.wait(why, detail, this.redial.next());
  }

  private wait(why: Why, detail: string, delay: number): void {
    const turn = this.turn;
    this.change({ kind: 'waiting', why, detail, until: this.environment.now() + delay });
    this.timer = setTimeout(() => {
      if (turn === this.turn) this.dial();
    }, delay);
  }

  private hangUp(): void {
    this.turn += 1;
    clearTimeout(this.timer);
    clearInterval(this.watch);
    const session = this.session;
    this.session = undefined;
    if (!session) return;
    session.peer.close();
    this.signalling?.endSession(session.id);
  }

  private change(link: Link): void {
    this.link = link;
    this.events.changed(link);
  }
}
