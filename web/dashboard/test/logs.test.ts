import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBuffer, MAX_LINES, atLeast, levelOf } from '../src/logs';

test('levels; a line without one continues the line before', () => {
  assert.equal(levelOf('daruma - WARNING - x', 'INFO'), 'WARNING');
  assert.equal(levelOf('  traceback', 'ERROR'), 'ERROR');
  assert.ok(atLeast('ERROR', 'WARNING'));
  assert.ok(!atLeast('INFO', 'WARNING'));
});

test('the buffer is bounded: the oldest go first', () => {
  const log = new LogBuffer();
  for (let i = 0; i < MAX_LINES + 5; ++i) log.add('t', `daruma - INFO - ${i}`);
  assert.equal(log.lines.length, MAX_LINES);
  assert.equal(log.lines[0]?.text, 'daruma - INFO - 5');
  assert.equal(log.lines[MAX_LINES - 1]?.number, MAX_LINES + 5);
});

test('a new subscription repeats its last lines, which are not taken twice', () => {
  const log = new LogBuffer();
  for (let i = 0; i < 100; ++i) log.add(`t${i}`, `line ${i}`);
  log.resubscribed();
  for (let i = 50; i < 150; ++i) log.add(`t${i}`, `line ${i}`);
  assert.deepEqual(
    log.lines.map((line) => line.text),
    Array.from({ length: 150 }, (_, i) => `line ${i}`),
  );
  // Later equal lines are news again.
  assert.ok(log.add('t1', 'line 1'));
});
