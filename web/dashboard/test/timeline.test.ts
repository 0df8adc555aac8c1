import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiptFrom } from '../src/model';
import type { Receipt } from '../src/model';
import * as timeline from '../src/timeline';
import { noteWords, outcomeWords, tone } from '../src/views/run';
import { receipt } from './receipt';

const asked = (): timeline.Run => timeline.startRun('r1', 'backend', null, 1000);
const told = receiptFrom(receipt) as Receipt;

test('progress makes phases, each ended by the next', () => {
  let run = timeline.withAck(asked(), { scope: 'backend', merged: false }, 1007);
  run = timeline.withProgress(run, 'stopping', 20, null);
  run = timeline.withProgress(run, 'stopping', 25, null);
  run = timeline.withProgress(run, 'starting', 60, null);
  assert.equal(run.ackMs, 7);
  assert.ok(!timeline.isOver(run));
  assert.deepEqual(run.phases, [
    { phase: 'stopping', atMs: 20, ms: 40 },
    { phase: 'starting', atMs: 60, ms: null },
  ]);
  run = timeline.withProgress(run, 'done', 90, null);
  assert.equal(run.outcome, 'done');
  assert.equal(run.phases[1]?.ms, 30);
  assert.equal(timeline.withProgress(run, 'starting', 100, null), run);
});

test('a failed restart keeps its error', () => {
  const run = timeline.withProgress(asked(), 'failed', 90, 'no motor power');
  assert.deepEqual([run.outcome, run.error, tone(run)], ['failed', 'no motor power', 'bad']);
  assert.equal(outcomeWords(run), 'Failed · no motor power');
});

test('the ended receipt has the last word', () => {
  let run = timeline.withProgress(asked(), 'stopping', 500, null);
  run = timeline.withReceipt(run, told);
  assert.deepEqual(run.phases, told.phases);
  assert.deepEqual(
    [run.outcome, run.cured, run.downtimeMs, run.scope],
    ['done', true, 63, 'daemon'],
  );
  assert.equal(outcomeWords(run), 'Done · downtime 63 ms · cured');
  assert.equal(tone(timeline.withReceipt(run, { ...told, cured: false })), 'bad');
});

test('a running receipt does not take back what progress has said', () => {
  let run = timeline.withProgress(asked(), 'stopping', 20, null);
  run = timeline.withProgress(run, 'starting', 60, null);
  const behind = { ...told, outcome: null, phases: told.phases.slice(0, 1) };
  assert.equal(timeline.withReceipt(run, behind).phases.length, 2);
  assert.equal(timeline.withReceipt(run, behind).outcome, null);
});

test('a receipt of a process that died is interrupted; a lost one is unknown', () => {
  assert.equal(
    timeline.withReceipt(asked(), { ...told, outcome: 'interrupted' }).outcome,
    'interrupted',
  );
  const seen = timeline.withProgress(
    timeline.withProgress(asked(), 'stopping', 1, null),
    'starting',
    9,
    null,
  );
  const died = timeline.withReceipt(seen, { ...told, outcome: 'interrupted', phases: [] });
  assert.deepEqual(died.phases, seen.phases);
  const run = timeline.withoutReceipt(asked(), 'not known');
  assert.deepEqual([run.outcome, run.error], ['unknown', 'not known']);
  const done = timeline.withReceipt(asked(), told);
  assert.equal(timeline.withoutReceipt(done, 'late'), done);
});

test('the way of the connection is told once', () => {
  let run = timeline.withAck(asked(), { scope: 'daemon', merged: true }, 1008);
  assert.equal(timeline.withBack(run, 1009).backMs, null);
  run = timeline.withLost(run, 1040);
  run = timeline.withLost(run, 1050);
  run = timeline.withBack(run, 1230);
  run = timeline.withBack(run, 9000);
  run = timeline.withLost(run, 9999);
  assert.deepEqual([run.lostMs, run.backMs], [40, 230]);
  assert.equal(
    noteWords(run).join(', '),
    'Accepted after 8 ms, joined the restart under way, connection closed at 40 ms, back at 230 ms',
  );
});

test('a refusal ends the run with its reason and hint', () => {
  const refusal = { error: 'would not help', reason: 'would_not_help', hint: 'charge it' };
  const run = timeline.withRefusal(asked(), refusal);
  assert.ok(timeline.isOver(run));
  assert.equal(outcomeWords(run), 'Refused: would not help · Hint: charge it');
  assert.equal(tone(run), 'bad');
});

test('the axis ends with the last phase, or now while it runs', () => {
  const run = timeline.withProgress(asked(), 'stopping', 20, null);
  assert.equal(timeline.spanMs(run, 1200), 200);
  assert.equal(timeline.spanMs(timeline.withReceipt(run, told), 99_000), 63);
});
