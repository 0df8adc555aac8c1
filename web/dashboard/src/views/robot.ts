import type { Controller } from '../controller';
import { degrees, jointLabel, plain, signed } from '../format';
import { JOINT_LIMITS_RAD, JOINT_NAMES } from '../model';
import type { HeadPose } from '../model';
import type { Command } from '../commands';
import { byId, make, setData, setText } from './dom';

/** A state older than this is shown as old. */
const OLD_MS = 2000;

interface JointRow {
  value: HTMLElement;
  bar: HTMLElement;
  low: number;
  high: number;
}

function buildJoints(list: HTMLElement): JointRow[] {
  return JOINT_NAMES.map((name, index) => {
    const [low, high] = JOINT_LIMITS_RAD[index] ?? [-Math.PI, Math.PI];
    const root = make('li', 'joint');
    root.dataset['testid'] = 'joint';
    root.dataset['joint'] = name;
    const label = make('span', 'joint-label', jointLabel(name));
    const track = make('span', 'track');
    track.setAttribute('aria-hidden', 'true');
    const bar = make('span', 'bar');
    const zero = make('span', 'zero');
    zero.style.setProperty('--at', String(share(0, low, high)));
    track.append(bar, zero);
    const value = make('span', 'joint-value');
    root.append(label, track, value);
    list.append(root);
    return { value, bar, low, high };
  });
}

/** Where between the limits, 0..1. */
function share(value: number, low: number, high: number): number {
  return Math.max(0, Math.min(1, (value - low) / (high - low)));
}

const POSE: readonly (readonly [string, keyof HeadPose, string])[] = [
  ['x', 'xMm', 'mm'],
  ['y', 'yMm', 'mm'],
  ['z', 'zMm', 'mm'],
  ['roll', 'rollDeg', '°'],
  ['pitch', 'pitchDeg', '°'],
  ['yaw', 'yawDeg', '°'],
];

function buildPose(list: HTMLElement): HTMLElement[] {
  return POSE.map(([label, , unit]) => {
    const cell = make('div');
    const value = make('dd');
    cell.append(make('dt', '', unit === 'mm' ? `${label} (mm)` : `${label} (°)`), value);
    list.append(cell);
    return value;
  });
}

export function robotView(controller: Controller): (now: number) => void {
  const card = byId('robot', HTMLElement);
  const mode = byId('motor-mode', HTMLElement);
  const note = byId('robot-note', HTMLElement);
  const said = byId('said', HTMLElement);
  const joints = buildJoints(byId('joints', HTMLElement));
  const pose = buildPose(byId('pose', HTMLElement));
  const drawFigure = figure();
  const buttons = wireButtons(controller);

  return (now) => {
    const { state } = controller;
    const robot = state.robot;
    const old = robot === null || state.robotError !== null || now - state.robotAt > OLD_MS;
    setData(card, 'old', String(old));
    const motorMode = (old ? state.status?.motorMode : robot?.motorMode) ?? '';
    setText(mode, motorMode ? plain(motorMode) : 'unknown');
    setData(mode, 'mode', motorMode);
    joints.forEach((joint, index) => {
      const rad = robot?.jointsRad[index] ?? null;
      setText(joint.value, degrees(rad));
      const zero = share(0, joint.low, joint.high);
      const at = rad === null ? zero : share(rad, joint.low, joint.high);
      joint.bar.style.setProperty('--from', String(Math.min(zero, at)));
      joint.bar.style.setProperty('--size', String(Math.abs(at - zero)));
    });
    POSE.forEach(([, key], index) => {
      const cell = pose[index];
      if (cell) setText(cell, signed(robot?.head?.[key] ?? null, 1));
    });
    if (robot) drawFigure(robot.head, robot.jointsRad);
    setText(note, noteText(controller, old));
    setText(said, state.said.text);
    setData(said, 'bad', String(state.said.bad));
    for (const button of buttons) button.disabled = !controller.connected;
  };
}

function noteText({ state, connected }: Controller, old: boolean): string {
  if (!connected) return state.robot ? 'Not connected: last known position.' : 'Not connected.';
  if (state.robotError !== null) return state.robotError;
  if (old) return 'No position from the robot.';
  return state.robot?.moving ? 'A move is running.' : '';
}

function wireButtons(controller: Controller): HTMLButtonElement[] {
  const enable: Command = { type: 'set_motor_mode', mode: 'enabled' };
  const table: [string, string, () => Command[]][] = [
    // wake_up does not switch the motors on by itself, and without them nobody would see it.
    ['wake-up', 'Wake up', () => [enable, { type: 'wake_up' }]],
    ['goto-sleep', 'Sleep', () => [{ type: 'goto_sleep' }]],
    ['stop-move', 'Stop', () => [{ type: 'stop_move' }]],
    ['motors-enable', 'Enable motors', () => [enable]],
    ['motors-disable', 'Disable motors', () => [{ type: 'set_motor_mode', mode: 'disabled' }]],
  ];
  return table.map(([id, label, commands]) => {
    const button = byId(id, HTMLButtonElement);
    button.addEventListener('click', () => void controller.perform(label, commands()));
    return button;
  });
}

/** The drawing: head turned and shifted, antennas turned, as seen from in front. */
function figure(): (head: HeadPose | null, jointsRad: (number | null)[]) => void {
  const head = byId('figure-head', SVGElement);
  const face = byId('figure-face', SVGElement);
  const right = byId('figure-right-antenna', SVGElement);
  const left = byId('figure-left-antenna', SVGElement);
  const fixed = (value: number): string => value.toFixed(1);
  return (pose, jointsRad) => {
    if (pose) {
      const across = (-Math.sin((pose.yawDeg * Math.PI) / 180) * 26).toFixed(1);
      const down = (Math.sin((pose.pitchDeg * Math.PI) / 180) * 22).toFixed(1);
      const lift = fixed(-Math.max(-30, Math.min(30, pose.zMm)) * 0.5);
      head.setAttribute(
        'transform',
        `translate(${fixed(-pose.yMm * 0.5)} ${lift}) rotate(${fixed(-pose.rollDeg)} 100 130)`,
      );
      face.setAttribute('transform', `translate(${across} ${down})`);
    }
    const turn = (rad: number | null | undefined): string => fixed(((rad ?? 0) * 180) / Math.PI);
    right.setAttribute('transform', `rotate(${turn(jointsRad[7])} 48 68)`);
    left.setAttribute('transform', `rotate(${turn(jointsRad[8])} 152 68)`);
  };
}
