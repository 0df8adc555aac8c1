import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunks, MAX_CHARACTERS, MAX_FRAMES, MAX_OPEN } from '../src/chunks';

const frame = (id: string, index: number, count: number, data: string) => ({
  type: 'message_chunk',
  id,
  index,
  count,
  data,
});

test('frames in order become the text, with the last one', () => {
  const chunks = new Chunks();
  assert.equal(chunks.take(frame('a', 0, 3, '{"x":')), undefined);
  assert.equal(chunks.take(frame('a', 1, 3, '"ä"')), undefined);
  assert.equal(chunks.take(frame('a', 2, 3, '}')), '{"x":"ä"}');
  assert.equal(chunks.take(frame('a', 2, 3, '}')), undefined);
});

test('messages may be interleaved', () => {
  const chunks = new Chunks();
  chunks.take(frame('a', 0, 2, '1'));
  chunks.take(frame('b', 0, 2, '3'));
  assert.equal(chunks.take(frame('a', 1, 2, '2')), '12');
  assert.equal(chunks.take(frame('b', 1, 2, '4')), '34');
});

test('a gap, another count or a late begin loses that message only', () => {
  const chunks = new Chunks();
  chunks.take(frame('a', 0, 3, '1'));
  assert.equal(chunks.take(frame('a', 2, 3, '3')), undefined);
  assert.equal(chunks.take(frame('a', 1, 3, '2')), undefined);
  chunks.take(frame('b', 0, 2, '1'));
  assert.equal(chunks.take(frame('b', 1, 3, '2')), undefined);
  assert.equal(chunks.take(frame('c', 1, 2, '2')), undefined);
  assert.equal(chunks.take(frame('d', 0, 1, 'whole')), 'whole');
});

test('nonsense is nothing', () => {
  const chunks = new Chunks();
  assert.equal(chunks.take({ type: 'message_chunk' }), undefined);
  assert.equal(chunks.take(frame('', 0, 1, 'x')), undefined);
  assert.equal(chunks.take(frame('a', 0, 0, 'x')), undefined);
  assert.equal(chunks.take(frame('a', 0, 1.5, 'x')), undefined);
  assert.equal(chunks.take(frame('a', 0, MAX_FRAMES + 1, 'x')), undefined);
});

test('one message more than the bound drops the oldest', () => {
  const chunks = new Chunks();
  for (let i = 0; i <= MAX_OPEN; ++i) chunks.take(frame(String(i), 0, 2, 'x'));
  assert.equal(chunks.take(frame('0', 1, 2, 'y')), undefined);
  assert.equal(chunks.take(frame('1', 1, 2, 'y')), 'xy');
});

test('characters are bounded: others go first, then the message itself', () => {
  const chunks = new Chunks();
  const half = 'x'.repeat(MAX_CHARACTERS / 2);
  chunks.take(frame('old', 0, 2, 'x'));
  chunks.take(frame('big', 0, 4, half));
  chunks.take(frame('big', 1, 4, half));
  assert.equal(chunks.take(frame('old', 1, 2, 'y')), undefined);
  chunks.take(frame('big', 2, 4, 'x'));
  assert.equal(chunks.take(frame('big', 3, 4, 'x')), undefined);
  assert.equal(chunks.take(frame('new', 0, 1, 'ok')), 'ok');
});
