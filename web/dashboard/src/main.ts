import { Controller } from './controller';
import type { AppState } from './controller';
import type { Command } from './commands';
import type { Json } from './json';
import { announcerView } from './views/announcer';
import { headerView } from './views/header';
import { healthView } from './views/health';
import { logView } from './views/log';
import { receiptsView } from './views/receipts';
import { restartView } from './views/restart';
import { robotView } from './views/robot';
import { runView } from './views/run';

declare global {
  interface Window {
    /** For tests and for the curious: any command of the wire, and what the page knows. */
    daruma: { send(command: Command): Promise<Json>; readonly state: AppState };
  }
}

/** Ages and countdowns move on without news. */
const TICK_MS = 500;

const controller = new Controller();
const views = [
  headerView(controller),
  healthView(controller),
  robotView(controller),
  restartView(controller),
  runView(controller),
  receiptsView(controller),
  logView(controller),
  announcerView(controller),
];

let scheduled = false;
function renderSoon(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const now = performance.now();
    for (const view of views) view(now);
  });
}

controller.changed = renderSoon;
controller.logged = renderSoon;
setInterval(renderSoon, TICK_MS);

window.daruma = {
  send: (command) => controller.send(command),
  get state() {
    return controller.state;
  },
};

controller.start();
renderSoon();
