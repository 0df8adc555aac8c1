import assert from 'node:assert/strict';
import { test } from 'node:test';
import { previewFrom, receiptFrom, receiptsFrom, robotFrom, statusFrom } from '../src/model';
import { receipt } from './receipt';

test('a status with health, generation and causes', () => {
  const status = statusFrom({
    type: 'daemon_status',
    robot_name: 'bertha',
    state: 'error',
    error: 'no',
    version: '1.13.0',
    generation: 7,
    boot_id: 'b',
    uptime_s: 1.5,
    signalling_port: 8443,
    backend_status: { motor_control_mode: 'disabled' },
    health: {
      verdict: 'unhealthy',
      since_s: 0.9,
      causes: [
        {
          code: 'bus_silent',
          part: 'motor bus',
          since_s: 0.9,
          detail: 'no answer',
          cure: { scope: 'backend', tried: 1, helped: false },
          hint: 'check the cable',
        },
        { code: 'voltage_low', cure: null },
        'nonsense',
      ],
    },
  });
  assert.equal(status?.health?.verdict, 'unhealthy');
  assert.equal(status?.motorMode, 'disabled');
  assert.equal(status?.signallingPort, 8443);
  assert.deepEqual(
    status?.health?.causes.map((cause) => [cause.code, cause.cure]),
    [
      ['bus_silent', { scope: 'backend', tried: 1, helped: false }],
      ['voltage_low', null],
    ],
  );
});

test('the status of the reference has no health, and no status is none', () => {
  const status = statusFrom({ state: 'running', backend_status: null });
  assert.equal(status?.health, null);
  assert.equal(status?.generation, null);
  assert.equal(statusFrom({ hello: 'world' }), undefined);
});

test('joints in the order of their names; what is no number is null', () => {
  const robot = robotFrom({
    head_joint_positions: [0.1, 0.2, null, 0.4, 0.5, 0.6, 0.7],
    antennas: [-1, 1],
    motor_mode: 'enabled',
    is_move_running: true,
    head_pose: null,
  });
  assert.deepEqual(robot.jointsRad, [0.1, 0.2, null, 0.4, 0.5, 0.6, 0.7, -1, 1]);
  assert.equal(robot.head, null);
  assert.deepEqual(robotFrom({}).jointsRad, Array(9).fill(null));
});

test('the head pose in mm and degrees', () => {
  const [roll, pitch, yaw] = [0.1, -0.2, 0.3];
  const { sin: s, cos: c } = Math;
  const head = robotFrom({
    head_pose: [
      [c(yaw) * c(pitch), c(yaw) * s(pitch) * s(roll) - s(yaw) * c(roll), 0, 0.001],
      [s(yaw) * c(pitch), s(yaw) * s(pitch) * s(roll) + c(yaw) * c(roll), 0, -0.002],
      [-s(pitch), c(pitch) * s(roll), c(pitch) * c(roll), 0.003],
      [0, 0, 0, 1],
    ],
  }).head;
  const near = (value: number | undefined, wanted: number): void =>
    assert.ok(Math.abs((value ?? NaN) - wanted) < 1e-9, `${value} is not ${wanted}`);
  near(head?.xMm, 1);
  near(head?.yMm, -2);
  near(head?.zMm, 3);
  near(head?.rollDeg, (0.1 * 180) / Math.PI);
  near(head?.pitchDeg, (-0.2 * 180) / Math.PI);
  near(head?.yawDeg, (0.3 * 180) / Math.PI);
});

test('a receipt, a running one, and the answer for an unknown id', () => {
  assert.equal(receiptFrom(receipt)?.downtimeMs, 63);
  const running = receiptFrom({
    ...receipt,
    outcome: null,
    phases: [
      { phase: 'stopping', at_ms: 21, ms: 14 },
      { phase: 'starting', at_ms: 35, ms: 0 },
    ],
  });
  assert.deepEqual(
    running?.phases.map((phase) => phase.ms),
    [14, null],
  );
  assert.equal(receiptFrom({ id: 'x', receipt: null }), undefined);
  assert.equal(receiptsFrom([receipt, 5, {}]).length, 1);
});

test('a dry run without known times', () => {
  const preview = previewFrom({
    scope: 'backend',
    peers_kept: true,
    moves: false,
    expected_ms: { p50: null, p99: null },
  });
  assert.deepEqual(preview, {
    scope: 'backend',
    peersKept: true,
    moves: false,
    p50Ms: null,
    p99Ms: null,
  });
});
