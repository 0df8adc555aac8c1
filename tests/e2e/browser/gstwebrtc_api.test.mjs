// npm's gstwebrtc-api, the client that GStreamer's users have, keeps its one socket over restarts.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { pageScript, scenario, summary } from './scenario.mjs';

const bundle = await build({
  entryPoints: [fileURLToPath(new URL('page/gstwebrtc_client.js', import.meta.url))],
  bundle: true,
  format: 'iife',
  platform: 'browser',
  write: false,
  logLevel: 'silent',
});
const scripts = {
  'robot_client.js': pageScript('robot_client.js'), // for within()
  'gstwebrtc_client.js': bundle.outputFiles[0].text,
};

scenario(
  'gstwebrtc-api: 20 restarts over one signalling socket, the producer stays',
  { scripts },
  async ({ daemon, newPage, t }) => {
    const page = await newPage();
    const sockets = [];
    page.on('websocket', (socket) => sockets.push(socket));
    const producer = await page.evaluate(
      (url) => within(5000, 'the robot is listed', window.client.start(url)),
      daemon.signallingUrl,
    );
    const { generation: first } = await daemon.status();

    const rounds = await page.evaluate(async (id) => {
      const seen = [];
      let current = client.open(id);
      await within(10000, 'channel data opens', current.opened);
      for (let i = 0; i < 20; ++i) {
        const asked = performance.now();
        const ack = await within(
          5000,
          'ack',
          current.ask({ type: 'restart_daemon' }, (m) => m.command === 'restart_daemon'),
        );
        await within(5000, 'the session closes by itself', current.closed);
        const listed = client.api.getAvailableProducers().map((producer) => producer.id);
        const last = current;
        current = client.open(id);
        if (current.session === last.session) throw new Error('the same session again');
        await within(10000, 'channel data opens again', current.opened);
        const state = await within(
          5000,
          'get_state',
          current.ask({ type: 'get_state' }, (m) => 'state' in m && !('type' in m)),
        );
        seen.push({
          ack,
          listed,
          errors: [...last.errors, ...current.errors],
          state: typeof state.state,
          ms: performance.now() - asked,
        });
      }
      return seen;
    }, producer);

    assert.equal(rounds.length, 20);
    for (const round of rounds) {
      assert.deepEqual(round.ack, { status: 'ok', command: 'restart_daemon', scheduled: true });
      assert.deepEqual(round.listed, [producer]);
      assert.deepEqual(round.errors, []);
      assert.equal(round.state, 'object');
    }
    assert.deepEqual(await page.evaluate(() => client.events), ['connected', `added ${producer}`]);
    assert.equal(sockets.length, 1, 'one signalling socket');
    assert.equal(sockets[0].isClosed(), false);
    assert.equal((await daemon.status()).generation, first + 20);
    assert.deepEqual(page.complaints, []);
    t.diagnostic(`asked to get_state: ${summary(rounds.map((round) => round.ms))}`);
  },
);
