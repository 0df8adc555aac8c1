// The dashboard as a person sees it: what is shown, and what can be pressed.
import { join } from 'node:path';
import { artifacts } from './scenario.mjs';

export class Dashboard {
  constructor(page) {
    this.page = page;
    this.restartButton = this.at('restart-button');
  }

  at(id) {
    return this.page.getByTestId(id);
  }

  /** Waits until this test id has the value in data-`attribute`; without `attribute`: the text. */
  shows(id, value, attribute, timeout = 10000) {
    const found = attribute
      ? this.page.locator(`[data-testid="${id}"][data-${attribute}="${value}"]`)
      : this.at(id).filter({ hasText: value });
    return found.first().waitFor({ timeout });
  }

  /** Connected over the data channel. */
  connected(timeout = 20000) {
    return this.shows('connection', 'connected', 'state', timeout);
  }

  async well(timeout = 20000) {
    await this.connected(timeout);
    await this.shows('state', 'running', 'state', timeout);
    await this.shows('verdict', 'healthy', 'verdict', timeout);
  }

  async generation() {
    return Number(await this.at('generation').innerText());
  }
  async bootId() {
    return this.at('boot-id').getAttribute('title');
  }

  async choose({ scope, sleep, wake } = {}) {
    if (scope) await this.at('restart-scope').selectOption(scope);
    if (sleep !== undefined) await this.at('flag-sleep').setChecked(sleep);
    if (wake !== undefined) await this.at('flag-wake').setChecked(wake);
  }

  /** Presses Restart; gives the id of the restart that the page shows then. */
  async press(choice) {
    await this.choose(choice);
    const before = await this.at('run').getAttribute('data-id');
    await this.restartButton.click();
    return this.newRun(before);
  }

  async newRun(before) {
    const another = before ? `:not([data-id="${before}"])` : '';
    const run = this.page.locator(`[data-testid="run"][data-id]${another}`);
    await run.waitFor();
    return run.getAttribute('data-id');
  }

  /** Waits until the timeline of this restart has ended so, and the receipts say the same. */
  async ended(id, outcome = 'done', timeout = 30000) {
    await this.page
      .locator(`[data-testid="run"][data-id="${id}"][data-outcome="${outcome}"]`)
      .waitFor({ timeout });
    await this.page
      .locator(`[data-testid="receipt"][data-id="${id}"][data-outcome="${outcome}"]`)
      .waitFor({ timeout });
  }

  /** The phases in the timeline. */
  phases() {
    return this.at('timeline-phase').evaluateAll((rows) => rows.map((row) => row.dataset.phase));
  }

  picture(name, fullPage = true) {
    return this.page.screenshot({ path: join(artifacts, `${name}.png`), fullPage });
  }

  /** What sticks out to the right of the window, without what scrolls inside its own box. */
  overflow() {
    return this.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const out = [];
      if (document.scrollingElement.scrollWidth > width) {
        out.push(`the page: ${document.scrollingElement.scrollWidth} > ${width}`);
      }
      for (const element of document.body.querySelectorAll('*')) {
        const box = element.getBoundingClientRect();
        if (box.width === 0 || box.right <= width + 0.5) continue;
        let parent = element.parentElement;
        while (parent && !/auto|scroll|hidden|clip/.test(getComputedStyle(parent).overflowX)) {
          parent = parent.parentElement;
        }
        if (!parent)
          out.push(`${element.tagName}#${element.id}.${element.className}: ${box.right}`);
      }
      return out;
    });
  }
}

/** Complaints of the console that are not the browser's own words about a daemon that is down. */
export function faults(page) {
  return page.complaints.filter(
    (line) =>
      !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET/.test(line) &&
      !/WebSocket connection to .* failed/.test(line),
  );
}
