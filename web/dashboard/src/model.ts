// What the daemon says about itself, as the page keeps it. Pure.
import { flagAt, isObject, listAt, numberAt, objectAt, textAt, textOrNull, textsAt } from './json';
import type { Json } from './json';

export const JOINT_NAMES = [
  'body_rotation',
  'stewart_1',
  'stewart_2',
  'stewart_3',
  'stewart_4',
  'stewart_5',
  'stewart_6',
  'right_antenna',
  'left_antenna',
] as const;

/** Limits in rad, order of JOINT_NAMES; they only scale the bars. Source: the robot's hardware configuration. */
export const JOINT_LIMITS_RAD: readonly (readonly [number, number])[] = [
  [-3.1416, 3.1401],
  [-0.8376, 1.3959],
  [-1.3959, 1.221],
  [-0.8376, 1.3959],
  [-1.3959, 0.8376],
  [-1.221, 1.3959],
  [-1.3959, 0.8376],
  [-3.1416, 3.1401],
  [-3.1416, 3.1401],
];

export type Verdict = 'healthy' | 'degraded' | 'unhealthy' | 'unknown';

export interface Cause {
  code: string;
  part: string;
  sinceS: number | null;
  detail: string;
  hint: string;
  /** The smallest scope that cures it; null: no restart does. */
  cure: { scope: string; tried: number; helped: boolean } | null;
}

export interface Health {
  verdict: Verdict;
  sinceS: number | null;
  causes: Cause[];
}

export interface Status {
  robotName: string;
  state: string;
  error: string | null;
  version: string;
  generation: number | null;
  bootId: string;
  uptimeS: number | null;
  signallingPort: number | null;
  motorMode: string | null;
  /** Absent from a daemon that is not Daruma. */
  health: Health | null;
}

export interface HeadPose {
  xMm: number;
  yMm: number;
  zMm: number;
  rollDeg: number;
  pitchDeg: number;
  yawDeg: number;
}

export interface RobotState {
  /** Order of JOINT_NAMES, rad; null where the robot gave no number. */
  jointsRad: (number | null)[];
  motorMode: string;
  moving: boolean;
  head: HeadPose | null;
}

export interface Phase {
  phase: string;
  atMs: number;
  /** Null while it lasts. */
  ms: number | null;
}

export interface Receipt {
  id: string;
  action: string;
  scope: string;
  motor: string | null;
  at: string;
  by: string;
  peer: string;
  mergedInto: string | null;
  phases: Phase[];
  /** `done`, `failed`, `interrupted`; null while it runs. */
  outcome: string | null;
  error: string | null;
  notes: string[];
  cured: boolean | null;
  downtimeMs: number | null;
  causesBefore: string[];
  causesAfter: string[];
}

export interface Preview {
  scope: string;
  peersKept: boolean;
  moves: boolean;
  p50Ms: number | null;
  p99Ms: number | null;
}

function verdictFrom(word: string): Verdict {
  return word === 'healthy' || word === 'degraded' || word === 'unhealthy' ? word : 'unknown';
}

function causeFrom(from: Json): Cause {
  const cure = objectAt(from, 'cure');
  return {
    code: textAt(from, 'code'),
    part: textAt(from, 'part'),
    sinceS: numberAt(from, 'since_s'),
    detail: textAt(from, 'detail'),
    hint: textAt(from, 'hint'),
    cure: cure
      ? {
          scope: textAt(cure, 'scope'),
          tried: numberAt(cure, 'tried') ?? 0,
          helped: flagAt(cure, 'helped') ?? false,
        }
      : null,
  };
}

export function healthFrom(from: Json): Health {
  return {
    verdict: verdictFrom(textAt(from, 'verdict')),
    sinceS: numberAt(from, 'since_s'),
    causes: listAt(from, 'causes').filter(isObject).map(causeFrom),
  };
}

/** Nothing when the object is no status. */
export function statusFrom(from: Json): Status | undefined {
  if (typeof from['state'] !== 'string') return undefined;
  const health = objectAt(from, 'health');
  const backend = objectAt(from, 'backend_status');
  return {
    robotName: textAt(from, 'robot_name'),
    state: textAt(from, 'state'),
    error: textOrNull(from, 'error'),
    version: textAt(from, 'version'),
    generation: numberAt(from, 'generation'),
    bootId: textAt(from, 'boot_id'),
    uptimeS: numberAt(from, 'uptime_s'),
    signallingPort: numberAt(from, 'signalling_port'),
    motorMode: backend ? textOrNull(backend, 'motor_control_mode') : null,
    health: health ? healthFrom(health) : null,
  };
}

function headFrom(rows: unknown[]): HeadPose | null {
  const flat = rows.flat();
  if (flat.length !== 16 || !flat.every((value) => typeof value === 'number')) return null;
  const at = (row: number, column: number): number => Number(flat[row * 4 + column]);
  const deg = (rad: number): number => (rad * 180) / Math.PI;
  // R = Rz(yaw) Ry(pitch) Rx(roll), as clients of this robot use it.
  return {
    xMm: at(0, 3) * 1000,
    yMm: at(1, 3) * 1000,
    zMm: at(2, 3) * 1000,
    rollDeg: deg(Math.atan2(at(2, 1), at(2, 2))),
    pitchDeg: deg(Math.asin(Math.max(-1, Math.min(1, -at(2, 0))))),
    yawDeg: deg(Math.atan2(at(1, 0), at(0, 0))),
  };
}

/** From the `state` object of get_state and of pose frames. */
export function robotFrom(from: Json): RobotState {
  const head = listAt(from, 'head_joint_positions');
  const antennas = listAt(from, 'antennas');
  const values = [...Array.from({ length: 7 }, (_, i) => head[i]), antennas[0], antennas[1]];
  return {
    jointsRad: values.map((value) =>
      typeof value === 'number' && Number.isFinite(value) ? value : null,
    ),
    motorMode: textAt(from, 'motor_mode'),
    moving: flagAt(from, 'is_move_running') ?? false,
    head: headFrom(listAt(from, 'head_pose')),
  };
}

/** Nothing when there is no such receipt (`{"id":..,"receipt":null}`). */
export function receiptFrom(from: Json): Receipt | undefined {
  const requested = objectAt(from, 'requested');
  if (!requested || textAt(from, 'id') === '') return undefined;
  const outcome = textOrNull(from, 'outcome');
  const phases = listAt(from, 'phases')
    .filter(isObject)
    .map((phase): Phase => ({
      phase: textAt(phase, 'phase'),
      atMs: numberAt(phase, 'at_ms') ?? 0,
      ms: numberAt(phase, 'ms') ?? 0,
    }));
  const last = phases[phases.length - 1];
  if (outcome === null && last && last.ms === 0) last.ms = null;
  return {
    id: textAt(from, 'id'),
    action: textAt(from, 'action') || 'restart',
    scope: textAt(from, 'scope'),
    motor: textOrNull(from, 'motor'),
    at: textAt(requested, 'at'),
    by: textAt(requested, 'by'),
    peer: textAt(requested, 'peer'),
    mergedInto: textOrNull(from, 'merged_into'),
    phases,
    outcome,
    error: textOrNull(from, 'error'),
    notes: textsAt(from, 'notes'),
    cured: flagAt(from, 'cured'),
    downtimeMs: numberAt(from, 'downtime_ms'),
    causesBefore: textsAt(from, 'causes_before'),
    causesAfter: textsAt(from, 'causes_after'),
  };
}

export function receiptsFrom(list: unknown[]): Receipt[] {
  return list
    .filter(isObject)
    .map(receiptFrom)
    .filter((receipt) => receipt !== undefined);
}

export function previewFrom(from: Json): Preview {
  const expected = objectAt(from, 'expected_ms') ?? {};
  return {
    scope: textAt(from, 'scope'),
    peersKept: flagAt(from, 'peers_kept') ?? false,
    moves: flagAt(from, 'moves') ?? false,
    p50Ms: numberAt(expected, 'p50'),
    p99Ms: numberAt(expected, 'p99'),
  };
}
