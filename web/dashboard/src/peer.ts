// The answering side of one WebRTC session with the robot.
import { textAt } from './json';
import type { Json } from './json';

export interface PeerEvents {
  answer(sdp: Json): void;
  candidate(ice: Json): void;
  /** The command channel is open. */
  opened(): void;
  /** A text of the command channel. */
  message(text: string): void;
  /** A text of the `pose` channel. */
  pose(text: string): void;
  lost(why: 'closed' | 'failed'): void;
}

/** What the connection needs of a session; a fake in tests. */
export interface PeerPort {
  described(sdp: Json): void;
  candidate(ice: Json): void;
  /** False when the text cannot go out now. */
  send(text: string): boolean;
  /** Says nothing to the events. */
  close(): void;
}

/** ICE may come back by itself within these, ms. As in the JavaScript SDK. */
const DISCONNECTED_GRACE_MS = 3000;
const FAILED_GRACE_MS = 1000;
/** Beyond this the robot does not take our texts any more; commands are small. */
const MAX_BUFFERED = 1024 * 1024;

export class Peer implements PeerPort {
  // No STUN server: the page comes from the robot itself, so its host addresses reach.
  private readonly pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  private data: RTCDataChannel | undefined;
  private grace: ReturnType<typeof setTimeout> | undefined;
  private over = false;
  /** Descriptions and candidates are applied in the order in which they came. */
  private steps: Promise<void> = Promise.resolve();

  constructor(private readonly events: PeerEvents) {
    this.pc.onicecandidate = ({ candidate }) => {
      if (candidate && candidate.candidate !== '' && !this.over) {
        events.candidate({ ...candidate.toJSON() });
      }
    };
    this.pc.ondatachannel = ({ channel }) => this.adopt(channel);
    this.pc.oniceconnectionstatechange = () => this.iceChanged();
  }

  described(sdp: Json): void {
    if (textAt(sdp, 'type') !== 'offer') return;
    this.step(async () => {
      await this.pc.setRemoteDescription({ type: 'offer', sdp: textAt(sdp, 'sdp') });
      // The page shows no video and plays no sound: nothing of it need be sent.
      for (const transceiver of this.pc.getTransceivers()) transceiver.direction = 'inactive';
      await this.pc.setLocalDescription();
      const answer = this.pc.localDescription;
      if (answer && !this.over) this.events.answer({ type: answer.type, sdp: answer.sdp });
    });
  }

  candidate(ice: Json): void {
    if (textAt(ice, 'candidate') === '') return;
    this.step(() => this.pc.addIceCandidate(ice as RTCIceCandidateInit), false);
  }

  send(text: string): boolean {
    if (this.data?.readyState !== 'open' || this.data.bufferedAmount > MAX_BUFFERED) return false;
    this.data.send(text);
    return true;
  }

  close(): void {
    this.over = true;
    clearTimeout(this.grace);
    this.pc.close();
  }

  private step(work: () => Promise<void>, essential = true): void {
    this.steps = this.steps
      .then(() => (this.over ? undefined : work()))
      .catch(() => {
        // A candidate that this browser cannot use is one way less, not the end.
        if (essential) this.lose('failed');
      });
  }

  private adopt(channel: RTCDataChannel): void {
    if (channel.label === 'pose') {
      channel.onmessage = ({ data }) => {
        if (typeof data === 'string' && !this.over) this.events.pose(data);
      };
      return;
    }
    this.data = channel;
    channel.onmessage = ({ data }) => {
      if (typeof data === 'string' && !this.over) this.events.message(data);
    };
    // One task later: Chromium (156) keeps about one message in 200 back that is sent inside this event, until
    // the next one is sent. It does so between two connections of its own too.
    channel.onopen = () =>
      setTimeout(() => {
        if (!this.over) this.events.opened();
      });
    channel.onclose = () => this.lose('closed');
  }

  private iceChanged(): void {
    const state = this.pc.iceConnectionState;
    clearTimeout(this.grace);
    if (state !== 'disconnected' && state !== 'failed') return;
    const grace = state === 'failed' ? FAILED_GRACE_MS : DISCONNECTED_GRACE_MS;
    this.grace = setTimeout(() => this.lose('failed'), grace);
  }

  private lose(why: 'closed' | 'failed'): void {
    if (this.over) return;
    this.close();
    this.events.lost(why);
  }
}
