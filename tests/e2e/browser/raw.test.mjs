// The wire, from a page that is not ours: no dashboard, no microphone permission.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { until } from './daemon.mjs';
import { pageScript, scenario, summary } from './scenario.mjs';

const scripts = { 'robot_client.js': pageScript('robot_client.js') };
const plainAck = { status: 'ok', command: 'restart_daemon', scheduled: true };

/** A signalling socket and a session in the page: `window.signalling` and `window.session`. */
const dial = (page, daemon, options) =>
  page.evaluate(
    async ([url, opts]) => {
      window.signalling = await Signalling.open(url);
      window.session = await window.signalling.connect(opts);
    },
    [daemon.signallingUrl, options],
  );

scenario(
  'raw: a session opens without microphone permission and answers',
  { scripts },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    const seen = await page.evaluate(async () => ({
      permission: (await navigator.permissions.query({ name: 'microphone' })).state,
      candidates: session.candidates,
      offer: session.offer,
      data: [session.data.label, session.data.ordered, session.data.maxRetransmits],
      state: await session.state(),
      origin: location.origin,
    }));
    assert.notEqual(seen.permission, 'granted');
    const names = seen.candidates.map((candidate) => candidate.split(' ')[4]);
    assert.ok(
      names.length > 0 && names.every((name) => name.endsWith('.local')),
      `every candidate hides the address: ${names}`,
    );
    assert.match(seen.offer, /^m=application .*webrtc-datachannel/m);
    assert.deepEqual(seen.data, ['data', true, null]);
    assert.equal(seen.state.head_joint_positions.length, 7);
    assert.equal(seen.state.antennas.length, 2);
    assert.ok('imu' in seen.state, 'snapshots of 1.13 have the key imu');
  },
);

scenario(
  'raw: an answer without trickled candidates opens too',
  { scripts },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon, { trickle: false });
    assert.ok(await page.evaluate(() => session.state()));
  },
);

scenario(
  'raw: pose frames come on their own channel, only when asked for',
  { scripts },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    const seen = await page.evaluate(async () => {
      await session.state();
      const before = session.frames.texts.length;
      const ack = await session.ask(
        { type: 'subscribe_pose' },
        (m) => m.command === 'subscribe_pose',
      );
      let last = -1;
      for (let i = 0; i < 10; ++i) {
        const text = await session.frames.next('pose frame', (m) => m.seq > last, 0);
        last = JSON.parse(text).seq;
      }
      return {
        before,
        ack,
        ordered: session.pose.ordered,
        retransmits: session.pose.maxRetransmits,
        keys: Object.keys(JSON.parse(session.frames.texts[0])),
      };
    });
    assert.equal(seen.before, 0);
    assert.deepEqual(JSON.parse(seen.ack), { status: 'ok', command: 'subscribe_pose' });
    assert.deepEqual([seen.ordered, seen.retransmits], [false, 0]);
    assert.deepEqual(seen.keys, ['state', 'seq']);
  },
);

scenario(
  'raw: the bare restart is acknowledged word for word, ends the session, and works',
  { scripts },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    const seen = await page.evaluate(async () => {
      const { generation } = await session.status();
      const acks = [await session.restart()];
      const over = await session.over();
      const all = session.acks();
      window.session = await signalling.connect();
      return {
        acks,
        all,
        how: over.how,
        generation,
        status: await session.status(),
        state: await session.state(),
      };
    });
    assert.deepEqual(JSON.parse(seen.acks[0]), plainAck);
    assert.equal(seen.acks[0].replaceAll(' ', ''), JSON.stringify(plainAck));
    assert.deepEqual(seen.all, seen.acks, 'one ack, not two');
    assert.equal(seen.how, 'endSession');
    assert.equal(seen.status.state, 'running');
    assert.equal(seen.status.health.verdict, 'healthy');
    assert.equal(seen.status.generation, seen.generation + 1);
    const receipt = await daemon.endedReceipt();
    assert.equal(receipt.outcome, 'done');
    assert.equal(receipt.scope, 'daemon');
    assert.equal(receipt.ack, 'sent');
    assert.equal(receipt.requested.by, 'webrtc');
    assert.deepEqual(receipt.flags, { goto_sleep_on_stop: false, wake_up_on_start: false });
  },
);

scenario(
  'raw: flags are obeyed: wake up after the start, sleep before the stop',
  { scripts },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    const mode = () =>
      page.evaluate(
        async () =>
          JSON.parse(await session.ask({ type: 'get_motor_mode' }, (m) => 'motor_mode' in m))
            .motor_mode,
      );
    const restart = (flags) =>
      page.evaluate(async (extra) => {
        const ack = await session.restart(extra);
        await session.over(15000);
        window.session = await signalling.connect();
        return ack;
      }, flags);

    await page.evaluate(() =>
      session.ask({ type: 'set_motor_mode', mode: 'disabled' }, (m) => m.motor_mode === 'disabled'),
    );
    assert.deepEqual(JSON.parse(await restart({})), plainAck);
    await daemon.endedReceipt();
    assert.equal(await mode(), 'disabled', 'torque is never switched on by itself');

    assert.deepEqual(JSON.parse(await restart({ wake_up_on_start: true })), plainAck);
    const woken = await daemon.endedReceipt();
    assert.deepEqual(woken.flags, { goto_sleep_on_stop: false, wake_up_on_start: true });
    assert.equal(woken.outcome, 'done');
    assert.equal(woken.error, null);
    assert.equal(await mode(), 'enabled');

    assert.deepEqual(
      JSON.parse(await restart({ goto_sleep_on_stop: true, wake_up_on_start: false })),
      plainAck,
    );
    const slept = await daemon.endedReceipt();
    assert.notEqual(slept.id, woken.id);
    assert.deepEqual(slept.flags, { goto_sleep_on_stop: true, wake_up_on_start: false });
    assert.deepEqual(slept.notes, []);
    const phases = slept.phases.map((phase) => phase.phase);
    assert.ok(
      phases.some((phase) => /sleep/.test(phase)),
      `a sleep phase is in ${phases}`,
    );
    assert.ok(phases.findIndex((phase) => /sleep/.test(phase)) < phases.indexOf('stopping'));

    assert.deepEqual(
      JSON.parse(await restart({ goto_sleep_on_stop: true, wake_up_on_start: true })),
      plainAck,
    );
    assert.deepEqual((await daemon.endedReceipt()).flags, {
      goto_sleep_on_stop: true,
      wake_up_on_start: true,
    });
    assert.equal(await mode(), 'enabled');
  },
);

scenario(
  'raw: a flag of a wrong type is refused and nothing restarts',
  { scripts },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    const seen = await page.evaluate(async () => {
      const before = await session.status();
      const refusal = await session.ask(
        { type: 'restart_daemon', wake_up_on_start: 'maybe' },
        (m) => 'error' in m && !('type' in m),
      );
      return { before, refusal: JSON.parse(refusal), after: await session.status() };
    });
    assert.match(seen.refusal.error, /^Invalid command: /);
    assert.deepEqual(Object.keys(seen.refusal), ['error']);
    assert.equal(seen.after.generation, seen.before.generation);
    assert.deepEqual(await daemon.receipts(), []);
  },
);

scenario(
  'raw: after a restart that failed, the next session opens at once',
  {
    scripts,
    daemon: (folder) => ({ args: ['--hardware-config-filepath', `${folder}/missing.yaml`] }),
  },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    for (let i = 0; i < 2; ++i) {
      const seen = await page.evaluate(async () => {
        const ack = await session.restart();
        await session.over();
        const dialled = performance.now();
        window.session = await signalling.connect();
        const openMs = performance.now() - dialled;
        return { ack, openMs, status: await session.status() };
      });
      assert.deepEqual(JSON.parse(seen.ack), plainAck);
      assert.equal(seen.status.state, 'error');
      assert.deepEqual(
        seen.status.health.causes.map((cause) => cause.code),
        ['config_invalid'],
      );
      // Offers are held for 3 s at most while a transition runs; this one has ended long before.
      assert.ok(seen.openMs < 2000, `open after ${Math.round(seen.openMs)} ms`);
      const receipt = await daemon.endedReceipt();
      assert.equal(receipt.outcome, 'failed');
      assert.match(receipt.error, /missing\.yaml/);
    }
  },
);

scenario(
  'raw: 100 restarts, not one ack or session missed',
  { scripts, timeout: 120000 },
  async ({ daemon, newPage, t }) => {
    const page = await newPage();
    await dial(page, daemon);
    const first = (await daemon.status()).generation;
    const seen = await page.evaluate(async (url) => {
      const rounds = [];
      for (let i = 0; i < 100; ++i) {
        const asked = performance.now();
        const ack = await session.restart();
        const acked = performance.now();
        const { closedAt } = await session.over();
        const acks = session.acks().length;
        // A page that was loaded anew has a new socket; the others keep theirs.
        if (i % 4 === 3) {
          signalling.socket.close();
          window.signalling = await Signalling.open(url);
        }
        window.session = await signalling.connect();
        await session.state();
        rounds.push({
          ack,
          acks,
          robot: session.robot,
          ackMs: acked - asked,
          closeMs: closedAt - asked,
          freshMs: performance.now() - asked,
        });
      }
      return rounds;
    }, daemon.signallingUrl);
    assert.equal(seen.length, 100);
    for (const round of seen) assert.deepEqual(JSON.parse(round.ack), plainAck);
    assert.deepEqual(
      seen.map((round) => round.acks),
      Array(100).fill(1),
    );
    assert.equal(new Set(seen.map((round) => round.robot)).size, 1, 'the robot keeps its id');
    assert.equal((await daemon.status()).generation, first + 100, 'each ack is one restart');
    const receipts = await daemon.receipts(100);
    assert.equal(receipts.length, 100);
    for (const receipt of receipts) {
      assert.deepEqual([receipt.outcome, receipt.ack, receipt.scope], ['done', 'sent', 'daemon']);
    }
    for (const key of ['ackMs', 'closeMs', 'freshMs']) {
      t.diagnostic(`${key}: ${summary(seen.map((round) => round[key]))}`);
    }
  },
);

scenario(
  'raw: scopes backend and daemon in turn, 20 restarts',
  { scripts, timeout: 90000 },
  async ({ daemon, newPage }) => {
    const page = await newPage();
    await dial(page, daemon);
    const { generation: first } = await daemon.status();
    const seen = await page.evaluate(async () => {
      const rounds = [];
      for (let i = 0; i < 20; ++i) {
        const scope = i % 2 ? 'daemon' : 'backend';
        const id = `turn-${i}`;
        const mark = session.inbox.texts.length;
        const ack = JSON.parse(await session.restart({ scope, id }));
        let phases = [];
        if (scope === 'backend') {
          await session.inbox.next(
            'the end of the restart',
            (m) =>
              m.type === 'restart_progress' &&
              m.id === id &&
              (m.phase === 'done' || m.phase === 'failed'),
            mark,
            10000,
          );
          phases = session.inbox.texts
            .slice(mark)
            .map((text) => JSON.parse(text))
            .filter((m) => m.type === 'restart_progress' && m.id === id)
            .map((m) => m.phase);
        } else {
          await session.over();
          window.session = await signalling.connect();
        }
        await session.state();
        rounds.push({ scope, id, ack, phases, sessionId: session.id });
      }
      return rounds;
    });
    for (const [i, round] of seen.entries()) {
      assert.deepEqual(round.ack, {
        ...plainAck,
        id: round.id,
        scope: round.scope,
        merged: false,
        duplicate: false,
        generation: first + i,
      });
      if (round.scope === 'daemon') continue;
      assert.deepEqual(
        round.phases.filter((phase) => phase !== 'checking'),
        ['stopping', 'starting', 'done'],
      );
      if (i > 0) assert.equal(round.sessionId, seen[i - 1].sessionId, 'backend keeps the session');
    }
    assert.equal((await daemon.status()).generation, first + 20);
    for (const { id } of seen) {
      assert.equal((await daemon.endedReceipt(id)).outcome, 'done');
    }
  },
);

scenario(
  'raw: two browsers at once: one restarts, both come back',
  { scripts },
  async ({ daemon, newPage }) => {
    const pages = [await newPage(), await newPage()];
    await Promise.all(pages.map((page) => dial(page, daemon)));
    for (let i = 0; i < 5; ++i) {
      const [actor, other] = i % 2 ? [pages[1], pages[0]] : pages;
      const back = (page, restarts) =>
        page.evaluate(async (mine) => {
          const ack = mine ? await session.restart() : null;
          const { how } = await session.over(10000);
          const acks = session.acks().length;
          window.session = await signalling.connect();
          return { ack, acks, how, state: typeof (await session.state()) };
        }, restarts);
      const waiting = back(other, false);
      const [mine, theirs] = await Promise.all([back(actor, true), waiting]);
      assert.deepEqual(JSON.parse(mine.ack), plainAck);
      assert.equal(theirs.acks, 0, 'the ack goes to the caller only');
      assert.deepEqual([mine.how, theirs.how], ['endSession', 'endSession']);
      assert.deepEqual([mine.state, theirs.state], ['object', 'object']);
    }
    assert.equal((await daemon.receipts()).length, 5);
  },
);

/** Threads of the daemon: a WebRTC session that was not freed shows there. */
const threads = (daemon) => readdirSync(`/proc/${daemon.child.pid}/task`).length;

scenario(
  'raw: a page that reloads in mid-restart comes back, others are not disturbed',
  { scripts },
  async ({ daemon, newPage, t }) => {
    const [restless, calm] = [await newPage(), await newPage()];
    await dial(calm, daemon);
    await dial(restless, daemon);
    const before = threads(daemon);
    const { generation: first } = await daemon.status();
    for (let i = 0; i < 10; ++i) {
      const calmBack = calm.evaluate(async () => {
        await session.over(10000);
        window.session = await signalling.connect();
        return typeof (await session.state());
      });
      // Gone at different moments, up to the middle of the next handshake.
      await restless.evaluate(
        async (moment) => {
          await session.restart();
          if (moment === 'acknowledged') return;
          await session.over();
          if (moment === 'ended') return;
          const next = await signalling.dial();
          if (moment === 'dialled') return;
          const sent = new Promise((resolve) => {
            const send = next.send.bind(next);
            next.send = (extra) => {
              send(extra);
              if (extra.sdp) resolve();
            };
          });
          await signalling.inbox.next('offer', (m) => m.sessionId === next.id && m.sdp, 0, 10000);
          if (moment === 'answered') await sent;
        },
        ['acknowledged', 'ended', 'dialled', 'offered', 'answered'][i % 5],
      );
      await restless.reload();
      assert.equal(await calmBack, 'object');
      await dial(restless, daemon);
    }
    assert.equal(typeof (await restless.evaluate(() => session.state())), 'object');
    assert.equal((await daemon.status()).generation, first + 10);
    t.diagnostic(`threads: ${before} before, ${threads(daemon)} after`);
    await until('the sessions of the gone pages are freed', () => threads(daemon) <= before, 15000);
  },
);
