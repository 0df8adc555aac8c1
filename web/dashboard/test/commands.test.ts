import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Commands, MAX_WAITING, REPLY_LIMIT_MS, answers } from '../src/commands';

test('a reply is matched by its command', () => {
  assert.ok(answers({ type: 'stop_move' }, { status: 'ok', command: 'stop_move', stopped: false }));
  assert.ok(!answers({ type: 'stop_move' }, { status: 'ok', command: 'wake_up' }));
  assert.ok(answers({ type: 'wake_up' }, { error: 'no', command: 'wake_up' }));
});

test('replies without a command are matched by the key that only they have', () => {
  assert.ok(answers({ type: 'get_state' }, { state: {} }));
  assert.ok(answers({ type: 'get_version' }, { version: '1.13.0' }));
  assert.ok(answers({ type: 'set_motor_mode', mode: 'enabled' }, { motor_mode: 'enabled' }));
  assert.ok(!answers({ type: 'get_state' }, { motor_mode: 'enabled' }));
});

test('pushes answer nothing, except the status that was asked for', () => {
  const status = { type: 'daemon_status', state: 'running', version: '1.13.0' };
  assert.ok(!answers({ type: 'get_daemon_status' }, status));
  assert.ok(!answers({ type: 'get_version' }, status));
  assert.ok(!answers({ type: 'get_state' }, status));
  assert.ok(answers({ type: 'get_daemon_status' }, { ...status, command: 'get_daemon_status' }));
});

test('receipts and restarts are told apart by id and dry run', () => {
  const get = { type: 'get_restart_receipt', id: 'a' };
  const receipt = { command: 'get_restart_receipt', error: null, outcome: 'done' };
  assert.ok(answers(get, { ...receipt, id: 'a' }));
  assert.ok(!answers(get, { ...receipt, id: 'b', error: 'text' }));
  const ack = { status: 'ok', command: 'restart_daemon', scheduled: true };
  const plan = { command: 'restart_daemon', dry_run: true, scope: 'backend' };
  assert.ok(answers({ type: 'restart_daemon', id: 'a' }, ack));
  assert.ok(!answers({ type: 'restart_daemon', id: 'a' }, plan));
  assert.ok(answers({ type: 'restart_daemon', dry_run: true }, plan));
  assert.ok(!answers({ type: 'restart_daemon', dry_run: true }, ack));
  const refusal = { command: 'restart_daemon', error: 'no', reason: 'would_not_help' };
  assert.ok(answers({ type: 'restart_daemon', dry_run: true }, refusal));
});

test('an error without a name answers the oldest command that is not a late one', async () => {
  const commands = new Commands(() => true);
  const late = commands.send({ type: 'wake_up' });
  const bad = commands.send({ type: 'set_motor_mode', mode: 5 });
  assert.ok(commands.take({ error: 'Invalid command: mode' }));
  assert.equal((await bad)['error'], 'Invalid command: mode');
  assert.ok(commands.take({ status: 'ok', command: 'wake_up', completed: true }));
  assert.equal((await late)['completed'], true);
  assert.ok(!commands.take({ error: 'to nobody' }));
});

test('equal commands are answered in the order in which they were sent', async () => {
  const sent: string[] = [];
  const commands = new Commands((text) => sent.push(text) > 0);
  const [first, second] = [
    commands.send({ type: 'get_state' }),
    commands.send({ type: 'get_state' }),
  ];
  commands.take({ state: { n: 1 } });
  commands.take({ state: { n: 2 } });
  assert.deepEqual([await first, await second], [{ state: { n: 1 } }, { state: { n: 2 } }]);
  assert.deepEqual(sent, ['{"type":"get_state"}', '{"type":"get_state"}']);
});

test('silent commands are done when they are out', async () => {
  const commands = new Commands(() => true);
  assert.deepEqual(await commands.send({ type: 'subscribe_logs' }), {});
});

test('no answer in time, no connection and a lost connection reject', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const commands = new Commands(() => true);
  const slow = commands.send({ type: 'get_state' });
  t.mock.timers.tick(REPLY_LIMIT_MS);
  await assert.rejects(slow, /no answer within 4000 ms/);
  const lost = commands.send({ type: 'get_state' });
  commands.abandon('the connection closed');
  await assert.rejects(lost, /the connection closed/);
  await assert.rejects(new Commands(() => false).send({ type: 'get_state' }), /not connected/);
});

test('the number of commands that wait is bounded', async () => {
  const commands = new Commands(() => true);
  const waiting = Array.from({ length: MAX_WAITING }, () => commands.send({ type: 'get_state' }));
  await assert.rejects(commands.send({ type: 'get_state' }), /too many/);
  commands.abandon('end');
  const ends = await Promise.allSettled(waiting);
  assert.ok(ends.every((end) => end.status === 'rejected'));
});
