import type { Controller } from '../controller';
import { jointLabel, milliseconds } from '../format';
import { JOINT_NAMES } from '../model';
import type { Preview } from '../model';
import { byId, make, setData, setText, show } from './dom';

const SCOPES: readonly (readonly [string, string, string])[] = [
  [
    'daemon',
    'Daemon: the whole room',
    'Rebuilds everything but the doors: driver, control loop, media. The connection closes and comes back by itself.',
  ],
  [
    'auto',
    'Auto: the smallest that cures',
    'Picks the smallest restart that cures the present causes. Whether the connection stays depends on it; the preview says so.',
  ],
  [
    'backend',
    'Backend: driver and control loop',
    'Rebuilds the driver and the control loop. The connection stays, and the phases are streamed.',
  ],
  [
    'motor',
    'Motor: one servo',
    'Reboots one servo and gives its settings and torque back while the others keep on. The connection stays.',
  ],
  [
    'process',
    'Process: the program itself',
    'Executes the daemon anew, so that it reads its settings again. The connection closes and comes back by itself.',
  ],
];

export function restartView(controller: Controller): () => void {
  const form = byId('restart-form', HTMLFormElement);
  const scope = byId('restart-scope', HTMLSelectElement);
  const motor = byId('restart-motor', HTMLSelectElement);
  const motorField = byId('motor-field', HTMLElement);
  const help = byId('scope-help', HTMLElement);
  const sleep = byId('flag-sleep', HTMLInputElement);
  const wake = byId('flag-wake', HTMLInputElement);
  const plan = byId('plan', HTMLElement);
  const button = byId('restart-button', HTMLButtonElement);
  for (const [value, label] of SCOPES) scope.append(option(value, label));
  for (const name of JOINT_NAMES) motor.append(option(name, `${jointLabel(name)} (${name})`));

  const chosen = (): void =>
    controller.restarts.choose({
      scope: scope.value,
      motor: motor.value,
      sleep: sleep.checked,
      wake: wake.checked,
    });
  for (const field of [scope, motor, sleep, wake]) field.addEventListener('change', chosen);
  // A browser may have put back what was chosen before a reload.
  chosen();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void controller.restarts.restart();
  });

  return () => {
    const { choice, plan: found } = controller.state;
    show(motorField, choice.scope === 'motor');
    setText(help, SCOPES.find(([value]) => value === choice.scope)?.[2] ?? '');
    const words = found.preview
      ? previewWords(found.preview)
      : found.refusal
        ? [found.refusal.error, found.refusal.hint && `Hint: ${found.refusal.hint}`]
        : ['The preview comes when the daemon answers.'];
    setText(plan, words.filter((part) => part !== '').join(' · '));
    setData(plan, 'kind', found.preview ? 'plan' : found.refusal ? 'refusal' : 'none');
    setData(plan, 'reason', found.refusal?.reason ?? '');
    // Stays focusable while it works, so that the keyboard does not lose its place.
    button.setAttribute('aria-disabled', String(controller.restarts.restarting));
    setText(button, controller.restarts.restarting ? 'Restarting …' : 'Restart');
  };
}

function option(value: string, label: string): HTMLOptionElement {
  const element = make('option', '', label);
  element.value = value;
  return element;
}

/** What a dry run said, as short sentences. */
export function previewWords(preview: Preview): string[] {
  const time =
    preview.p50Ms === null
      ? 'No times known yet'
      : `Usually ${milliseconds(preview.p50Ms)}, at worst ${milliseconds(preview.p99Ms)}`;
  return [
    `Restarts: ${preview.scope}`,
    preview.peersKept ? 'Connection stays' : 'Connection comes back by itself',
    preview.moves ? 'The robot moves' : 'Nothing moves',
    time,
  ];
}
