// The page that the daemon serves, used as a person uses it.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePorts, until } from './daemon.mjs';
import { scenario } from './scenario.mjs';
import { Dashboard, faults } from './dashboard_page.mjs';

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const open = async (newPage, contextOptions) => new Dashboard(await newPage(contextOptions));

/** Same ports every time, for daemons that a page must find again. */
const fixedPorts = async () => {
  const [httpPort, signallingPort] = await freePorts(2);
  return { httpPort, signallingPort };
};

const joints = [
  'body_rotation',
  'stewart_1',
  'stewart_2',
  'stewart_3',
  'stewart_4',
  'stewart_5',
  'stewart_6',
  'right_antenna',
  'left_antenna',
];

/** A hardware configuration file that the daemon takes, in the order of `joints`. */
function hardwareFile() {
  const motor = (name, i) =>
    `- ${name}:\n    id: ${10 + i}\n    offset: 0\n    lower_limit: 0\n` +
    '    upper_limit: 4095\n    return_delay_time: 0\n    shutdown_error: 52\n' +
    '    operating_mode: 3\n    pid: [200, 0, 0]\n';
  return `version: beta\nserial:\n  baudrate: 1000000\nmotors:\n${joints.map(motor).join('')}`;
}

scenario(
  'dashboard: connects by itself, shows a healthy robot and its joints live',
  {},
  async ({ newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    assert.equal(await dashboard.at('robot-name').innerText(), 'reachy_mini');
    assert.equal(await dashboard.at('version').innerText(), '1.13.0');
    assert.equal(await dashboard.generation(), 1);
    assert.equal(await dashboard.at('cause').count(), 0);
    assert.equal(await dashboard.at('joint').count(), joints.length);
    await dashboard.at('log-line').first().waitFor();

    await dashboard.at('motors-enable').click();
    await dashboard.shows('motor-mode', 'enabled', 'mode');
    const answer = await dashboard.page.evaluate(() =>
      window.daruma.send({ type: 'set_antennas', antennas: [0.5, -0.5] }),
    );
    assert.equal(answer.status, 'ok');
    const value = (joint, text) =>
      dashboard.page
        .locator(`[data-testid="joint"][data-joint="${joint}"]`)
        .filter({ hasText: text })
        .waitFor();
    await value('right_antenna', '28.6°');
    await value('left_antenna', '−28.6°');
    await dashboard.picture('desktop-light');
    assert.deepEqual(dashboard.page.complaints, []);
  },
);

scenario('dashboard: Restart goes down and comes back, six times', {}, async ({ newPage }) => {
  const dashboard = await open(newPage);
  await dashboard.well();
  for (let i = 1; i <= 6; ++i) {
    const id = await dashboard.press();
    await dashboard.ended(id);
    await dashboard.well();
    await dashboard.shows('generation', String(1 + i));
    const phases = await dashboard.phases();
    assert.deepEqual(
      phases.filter((phase) => phase !== 'checking'),
      ['ending_sessions', 'stopping', 'starting'],
    );
    assert.match(await dashboard.at('restart-outcome').innerText(), /^Done/);
    assert.match(await dashboard.at('restart-ack').innerText(), /^Accepted after/);
    await dashboard.page.locator('#run-note').filter({ hasText: 'back at' }).waitFor();
    assert.equal(await dashboard.at('receipt').count(), i);
    assert.equal(await dashboard.restartButton.innerText(), 'Restart');
  }
  await dashboard.picture('desktop-after-restarts');
  assert.deepEqual(dashboard.page.complaints, []);
});

scenario(
  'dashboard: scope backend keeps the connection and streams its phases',
  {},
  async ({ newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    const since = () => dashboard.page.evaluate(() => window.daruma.state.link.since);
    const connectedSince = await since();
    for (let i = 0; i < 3; ++i) {
      await dashboard.ended(await dashboard.press({ scope: 'backend' }));
      await dashboard.shows('generation', String(2 + i));
      assert.equal(await since(), connectedSince, 'the same session as before');
      assert.deepEqual(
        (await dashboard.phases()).filter((phase) => phase !== 'checking'),
        ['stopping', 'starting'],
      );
    }
    await dashboard.well();
    assert.deepEqual(dashboard.page.complaints, []);
  },
);

scenario(
  'dashboard: flags; the phases of a long restart are shown while they run',
  {},
  async ({ daemon, newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    const id = await dashboard.press({ wake: true });
    await dashboard.page
      .locator('[data-testid="timeline-phase"][data-phase="starting"]' + '[data-state="running"]')
      .waitFor();
    assert.equal(await dashboard.restartButton.innerText(), 'Restarting …');
    await dashboard.picture('during-restart');
    await dashboard.ended(id);
    await dashboard.well();
    await dashboard.shows('motor-mode', 'enabled', 'mode');
    assert.deepEqual((await daemon.endedReceipt(id)).flags, {
      goto_sleep_on_stop: false,
      wake_up_on_start: true,
    });

    const second = await dashboard.press({ sleep: true, wake: false });
    await dashboard.page.locator('[data-testid="timeline-phase"][data-phase="sleeping"]').waitFor();
    await dashboard.ended(second);
    await dashboard.well();
    assert.deepEqual((await daemon.endedReceipt(second)).flags, {
      goto_sleep_on_stop: true,
      wake_up_on_start: false,
    });
    assert.deepEqual(dashboard.page.complaints, []);
  },
);

scenario(
  'dashboard: a page that is reloaded in mid-restart follows it to its end',
  {},
  async ({ newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    const id = await dashboard.press({ wake: true });
    await dashboard.shows('run', 'running', 'outcome');
    await dashboard.shows('restart-ack', 'Accepted');
    await dashboard.page.reload();
    await dashboard.ended(id);
    await dashboard.well();
    assert.deepEqual(faults(dashboard.page), []);
  },
);

scenario('dashboard: two browsers; one restarts, both come back', {}, async ({ newPage }) => {
  const [one, two] = [await open(newPage), await open(newPage)];
  await Promise.all([one.well(), two.well()]);
  for (let i = 0; i < 3; ++i) {
    const [actor, other] = i % 2 ? [two, one] : [one, two];
    const id = await actor.press();
    await actor.ended(id);
    await other.page
      .locator(`[data-testid="receipt"][data-id="${id}"][data-outcome="done"]`)
      .waitFor();
    await Promise.all([one, two].map((page) => page.shows('generation', String(2 + i))));
    await Promise.all([one.well(), two.well()]);
  }
  assert.deepEqual([...one.page.complaints, ...two.page.complaints], []);
});

scenario(
  'dashboard: a broken hardware configuration is shown, mended, and cured from the page',
  {
    daemon: (folder) => {
      const file = join(folder, 'robot.yaml');
      writeFileSync(file, hardwareFile().replace('    id: 12\n', '    id: twelve\n'));
      return { args: ['--hardware-config-filepath', file] };
    },
    expectErrors: [/robot\.yaml/, /config_invalid|start_failed/],
  },
  async ({ daemon, newPage, folder }) => {
    const dashboard = await open(newPage);
    await dashboard.connected();
    await dashboard.shows('state', 'error', 'state');
    await dashboard.shows('verdict', 'unhealthy', 'verdict');
    const cause = dashboard.page.locator('[data-testid="cause"][data-code="config_invalid"]');
    await cause.waitFor();
    const line = 1 + hardwareFile().split('\n').indexOf('    id: 12');
    const told = await cause.innerText();
    assert.ok(
      told.includes(`${join(folder, 'robot.yaml')}:${line}: `),
      `file and line are in: ${told}`,
    );
    assert.match(told, /'twelve' is not an integer/);
    assert.match(told, /Hint: /);
    await dashboard.picture('error-state');
    assert.deepEqual(await dashboard.overflow(), []);

    // Pressed too early: the page says that it failed and why, and the door stays open.
    const failed = await dashboard.press();
    await dashboard.ended(failed, 'failed');
    assert.match(await dashboard.at('restart-outcome').innerText(), /^Failed.*'twelve'/s);
    await dashboard.connected();
    await cause.waitFor();
    await dashboard.picture('error-state-after-restart');

    const small = await open(newPage, phone);
    await small.connected();
    await small.at('cause').first().waitFor();
    assert.deepEqual(await small.overflow(), []);
    await small.picture('phone-error');

    writeFileSync(join(folder, 'robot.yaml'), hardwareFile());
    const cured = await dashboard.press();
    await dashboard.ended(cured);
    await dashboard.well();
    await cause.waitFor({ state: 'detached' });
    await small.well();
    const receipt = await daemon.endedReceipt(cured);
    assert.equal(receipt.cured, true);
    assert.match(receipt.causes_before.join(), /config_invalid/);
    assert.deepEqual(receipt.causes_after, []);
    assert.match(await dashboard.at('restart-outcome').innerText(), /cured/);
    assert.deepEqual([...dashboard.page.complaints, ...small.page.complaints], []);
  },
);

scenario(
  'dashboard: kill -9 in mid-restart; the page comes back by itself and shows "interrupted"',
  {
    daemon: fixedPorts,
  },
  async ({ daemon, newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    const boot = await dashboard.bootId();
    const id = await dashboard.press({ wake: true });
    await dashboard.page.locator('[data-testid="timeline-phase"][data-phase="starting"]').waitFor();
    await daemon.kill9();
    await dashboard.shows('connection', 'Daemon does not answer');
    await dashboard.picture('daemon-gone');
    await daemon.start();
    await dashboard.ended(id, 'interrupted');
    await dashboard.well();
    assert.notEqual(await dashboard.bootId(), boot);
    assert.match(await dashboard.at('restart-outcome').innerText(), /^Interrupted/);
    await dashboard.picture('interrupted');
    assert.deepEqual(faults(dashboard.page), []);
  },
);

scenario(
  'dashboard: scope process; the page comes back by itself and shows "done"',
  {
    daemon: fixedPorts,
  },
  async ({ daemon, newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    for (let i = 0; i < 2; ++i) {
      const boot = await dashboard.bootId();
      const id = await dashboard.press({ scope: 'process' });
      await dashboard.ended(id);
      await dashboard.well();
      await until('another boot is shown', async () => (await dashboard.bootId()) !== boot);
      const receipt = await daemon.endedReceipt(id);
      assert.deepEqual([receipt.outcome, receipt.scope], ['done', 'process']);
    }
    assert.deepEqual(faults(dashboard.page), []);
  },
);

scenario(
  'dashboard: with signalling blocked it falls back to HTTP, and recovers when it can',
  {
    daemon: async (folder, cleanUp) => {
      // Somebody else's program that takes connections and says nothing.
      const sockets = new Set();
      const squatter = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      });
      await new Promise((resolve) => squatter.listen(0, '127.0.0.1', resolve));
      const release = () =>
        new Promise((resolve) => {
          squatter.close(resolve);
          for (const socket of sockets) socket.destroy();
        });
      cleanUp.push(() => (squatter.listening ? release() : undefined));
      return { signallingPort: squatter.address().port, release };
    },
    expectErrors: [/signalling|port_in_use/],
  },
  async ({ daemon, newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.shows('state', 'running', 'state');
    await dashboard.shows('connection-detail', 'The daemon answers over HTTP');
    await dashboard.page.locator('[data-testid="cause"][data-code="port_in_use"]').waitFor();
    await dashboard.shows('verdict', 'degraded', 'verdict');
    assert.notEqual(await dashboard.at('connection').getAttribute('data-state'), 'connected');
    await dashboard.picture('http-fallback');
    const { generation } = await daemon.status();
    await dashboard.ended(await dashboard.press());
    await dashboard.shows('generation', String(generation + 1));
    await daemon.options.release();
    await dashboard.well(30000);
    assert.deepEqual(faults(dashboard.page), []);
  },
);

scenario(
  'dashboard: a page whose signalling is cut off in its own network shows all over HTTP',
  {},
  async ({ daemon, newPage }) => {
    const page = await newPage({}, 'about:blank');
    // Never opens: a firewall that drops.
    await page.routeWebSocket(/.*/, () => {});
    await page.goto(daemon.url);
    const dashboard = new Dashboard(page);
    await dashboard.shows('state', 'running', 'state');
    await dashboard.shows('verdict', 'healthy', 'verdict');
    await dashboard.ended(await dashboard.press());
    await dashboard.shows('generation', '2');
    assert.deepEqual(faults(page), []);
  },
);

scenario('dashboard: fits a window of 360 px, light and dark', {}, async ({ newPage }) => {
  const dashboard = await open(newPage, phone);
  await dashboard.well();
  await dashboard.ended(await dashboard.press());
  await dashboard.well();
  assert.deepEqual(await dashboard.overflow(), []);
  await dashboard.picture('phone');
  const dark = await open(newPage, { ...phone, colorScheme: 'dark' });
  await dark.well();
  assert.deepEqual(await dark.overflow(), []);
  await dark.picture('phone-dark');
});

scenario(
  'dashboard: the keyboard alone reaches Restart and presses it',
  {},
  async ({ newPage }) => {
    const dashboard = await open(newPage);
    await dashboard.well();
    const focused = () =>
      dashboard.page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return {
          id: document.activeElement.id,
          ring: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
        };
      });
    const seen = [];
    for (let i = 0; i < 15 && seen.at(-1)?.id !== 'restart-button'; ++i) {
      await dashboard.page.keyboard.press('Tab');
      seen.push(await focused());
    }
    assert.equal(seen.at(-1).id, 'restart-button', `reached by Tab: ${JSON.stringify(seen)}`);
    for (const { id, ring } of seen)
      assert.ok(ring, `${id || 'a link'} shows that it has the focus`);
    await dashboard.picture('keyboard-focus', false);
    await dashboard.page.keyboard.press('Enter');
    await dashboard.ended(await dashboard.newRun(null));
    await dashboard.well();
    assert.equal((await focused()).id, 'restart-button', 'the focus stays where it was');
    assert.match(await dashboard.at('announcer').innerText(), /\S/);
  },
);

for (const colorScheme of ['light', 'dark']) {
  scenario(
    `dashboard: axe finds nothing to say about the ${colorScheme} page`,
    {
      daemon: (folder) => {
        const file = join(folder, 'robot.yaml');
        writeFileSync(file, hardwareFile());
        return { args: ['--hardware-config-filepath', file] };
      },
      expectErrors: [/robot\.yaml/, /config_invalid|start_failed/],
    },
    async ({ newPage, folder }) => {
      const dashboard = await open(newPage, { colorScheme, bypassCSP: true });
      const look = async () => {
        const { violations } = await dashboard.page.evaluate(() => window.axe.run(document));
        return violations.map(
          ({ id, help, nodes }) =>
            `${id}: ${help}: ${nodes
              .map(
                (node) =>
                  `${node.target.join(' ')} (${node.any.map((check) => check.message).join()})`,
              )
              .join(', ')}`,
        );
      };
      await dashboard.well();
      await dashboard.page.addScriptTag({ content: axeSource });
      await dashboard.ended(await dashboard.press());
      await dashboard.well();
      assert.deepEqual(await look(), []);
      await dashboard.picture(`desktop-${colorScheme}-after-restart`);
      writeFileSync(join(folder, 'robot.yaml'), 'version: [');
      await dashboard.ended(await dashboard.press(), 'failed');
      await dashboard.at('cause').first().waitFor();
      assert.deepEqual(await look(), []);
    },
  );
}
