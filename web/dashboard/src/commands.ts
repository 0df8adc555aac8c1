// Which reply belongs to which command. The wire has no request ids, only the name of the command,
// and a few old replies carry not even that.
import { isObject, textAt } from './json';
import type { Json } from './json';

export type Command = { type: string } & Json;

/** Commands that are never answered when all is well. */
const SILENT = new Set([
  'subscribe_logs',
  'unsubscribe_logs',
  'restart_confirm',
  'upload_move_start',
  'upload_move_chunk',
  'upload_move_finish',
  'upload_audio_start',
  'upload_audio_chunk',
  'upload_audio_finish',
  'play_uploaded_move',
  'play_uploaded_audio',
  'cancel_move',
  'cancel_audio',
]);

/** Commands whose answer comes when the motion or the download ends, and how long that may take, ms. */
const LATE = new Map([
  ['wake_up', 20_000],
  ['goto_sleep', 20_000],
  ['goto_target', 60_000],
  ['play_recorded_move', 120_000],
  ['preload_dataset', 120_000],
]);

/** Replies without a `command`: by the key that only they have. */
const BY_KEY = new Map([
  ['get_state', 'state'],
  ['get_version', 'version'],
  ['get_hardware_id', 'hardware_id'],
  ['get_motor_mode', 'motor_mode'],
  ['set_motor_mode', 'motor_mode'],
]);

export const REPLY_LIMIT_MS = 4000;
/** Commands that wait at once; one more is refused. */
export const MAX_WAITING = 64;

/** Whether `reply` answers `command`. */
export function answers(command: Command, reply: Json): boolean {
  const name = textAt(reply, 'command');
  if (name === '') return answersWithoutName(command, reply);
  if (name !== command.type) return false;
  // Several of these may be under way; the id, or what only a dry run says, tells them apart.
  const id = command['id'];
  if (typeof id === 'string' && typeof reply['id'] === 'string') return reply['id'] === id;
  if (typeof reply['error'] === 'string') return true;
  return (command['dry_run'] === true) === (reply['dry_run'] === true);
}

function answersWithoutName(command: Command, reply: Json): boolean {
  // A push has a type of its own; the status is the one message that is both.
  if (typeof reply['type'] === 'string') return false;
  const key = BY_KEY.get(command.type);
  if (key !== undefined && key in reply) return true;
  // Malformed commands are answered in order and without a name; late ones have been accepted before.
  return 'error' in reply && !LATE.has(command.type);
}

interface Waiting {
  command: Command;
  resolve: (reply: Json) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class Commands {
  private readonly waiting: Waiting[] = [];

  /** `write` gives false when the text cannot go out. */
  constructor(private readonly write: (text: string) => boolean) {}

  /** Resolves with the answer, an `error` answer included; rejects when none comes. */
  send(command: Command, limitMs?: number): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= MAX_WAITING) {
        return reject(new Error('too many commands wait for an answer'));
      }
      if (!this.write(JSON.stringify(command))) return reject(new Error('not connected'));
      if (SILENT.has(command.type)) return resolve({});
      const limit = limitMs ?? LATE.get(command.type) ?? REPLY_LIMIT_MS;
      const timer = setTimeout(() => {
        this.remove(entry);
        reject(new Error(`${command.type}: no answer within ${limit} ms`));
      }, limit);
      const entry: Waiting = { command, resolve, reject, timer };
      this.waiting.push(entry);
    });
  }

  /** Gives the message to the oldest command that it answers; false when there is none. */
  take(message: Json): boolean {
    if (!isObject(message)) return false;
    const entry = this.waiting.find((each) => answers(each.command, message));
    if (!entry) return false;
    this.remove(entry);
    entry.resolve(message);
    return true;
  }

  /** The channel is gone: nobody will answer any more. */
  abandon(reason: string): void {
    for (const entry of this.waiting.splice(0)) {
      clearTimeout(entry.timer);
      entry.reject(new Error(reason));
    }
  }

  private remove(entry: Waiting): void {
    clearTimeout(entry.timer);
    const index = this.waiting.indexOf(entry);
    if (index >= 0) this.waiting.splice(index, 1);
  }
}
