// Puts large messages together that came as `message_chunk` frames. Pure and bounded.
import { numberAt, textAt } from './json';
import type { Json } from './json';

/** Messages under way at once; one more drops the oldest. */
export const MAX_OPEN = 8;
/** Frames of one message: 4096 x 4096 characters are far more than the daemon ever says. */
export const MAX_FRAMES = 4096;
/** Characters kept in all messages under way. */
export const MAX_CHARACTERS = 8 * 1024 * 1024;

interface Open {
  count: number;
  parts: string[];
  length: number;
}

export class Chunks {
  private readonly open = new Map<string, Open>();
  private length = 0;

  /** The whole text with its last frame; before it, and for a frame that does not fit, nothing. */
  take(frame: Json): string | undefined {
    const id = textAt(frame, 'id');
    const index = numberAt(frame, 'index') ?? -1;
    const count = numberAt(frame, 'count') ?? 0;
    const data = textAt(frame, 'data');
    if (id === '' || !Number.isInteger(count) || count < 1 || count > MAX_FRAMES) return undefined;
    if (index === 0) this.begin(id, count);
    const message = this.open.get(id);
    if (!message) return undefined;
    // Frames come in order; anything else is a message that is lost already.
    if (index !== message.parts.length || count !== message.count) {
      this.drop(id);
      return undefined;
    }
    message.parts.push(data);
    message.length += data.length;
    this.length += data.length;
    this.makeRoom(id);
    if (!this.open.has(id) || message.parts.length < count) return undefined;
    this.drop(id);
    return message.parts.join('');
  }

  clear(): void {
    this.open.clear();
    this.length = 0;
  }

  private begin(id: string, count: number): void {
    this.drop(id);
    const oldest = this.open.keys().next();
    if (this.open.size >= MAX_OPEN && !oldest.done) this.drop(oldest.value);
    this.open.set(id, { count, parts: [], length: 0 });
  }

  private makeRoom(newest: string): void {
    for (const id of this.open.keys()) {
      if (this.length <= MAX_CHARACTERS) return;
      if (id !== newest) this.drop(id);
    }
    if (this.length > MAX_CHARACTERS) this.drop(newest);
  }

  private drop(id: string): void {
    this.length -= this.open.get(id)?.length ?? 0;
    this.open.delete(id);
  }
}
