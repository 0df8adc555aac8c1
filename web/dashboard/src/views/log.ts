import type { Controller } from '../controller';
import { timeOfDay } from '../format';
import { LEVELS, MAX_LINES, atLeast } from '../logs';
import type { Level, LogLine } from '../logs';
import { byId, make, setText } from './dom';

function lineElement(line: LogLine): HTMLElement {
  const root = make('div', 'line');
  root.dataset['testid'] = 'log-line';
  root.dataset['level'] = line.level;
  root.append(make('time', '', timeOfDay(line.timestamp, true)), make('span', '', line.text));
  return root;
}

/** Adds what is new; scrolls along unless the reader has scrolled up or paused. */
export function logView(controller: Controller): () => void {
  const box = byId('log', HTMLElement);
  const select = byId('log-level', HTMLSelectElement);
  const pause = byId('log-pause', HTMLButtonElement);
  let shownUpTo = 0;
  let paused = false;

  const least = (): Level => LEVELS.find((level) => level === select.value) ?? 'DEBUG';

  const render = (): void => {
    const { lines } = controller.log;
    const fresh = lines.filter((line) => line.number > shownUpTo);
    if (paused) {
      setText(pause, fresh.length > 0 ? `Resume (${fresh.length} new)` : 'Resume');
      return;
    }
    if (fresh.length === 0) return;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    const visible = fresh.filter((line) => atLeast(line.level, least()));
    box.append(...visible.map(lineElement));
    shownUpTo = fresh[fresh.length - 1]?.number ?? shownUpTo;
    while (box.childElementCount > MAX_LINES) box.firstElementChild?.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  };

  const renderAnew = (): void => {
    box.replaceChildren();
    shownUpTo = 0;
    render();
    box.scrollTop = box.scrollHeight;
  };

  select.addEventListener('change', renderAnew);
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    setText(pause, paused ? 'Resume' : 'Pause');
    if (!paused) render();
    if (!paused) box.scrollTop = box.scrollHeight;
  });
  return render;
}
