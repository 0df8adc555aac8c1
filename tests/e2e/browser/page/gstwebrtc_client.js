// npm's gstwebrtc-api, used as its documentation says; the channel is taken from the connection.
import GstWebRTCAPI from 'gstwebrtc-api';

window.client = {
  events: [],
  start(url) {
    this.api = new GstWebRTCAPI({
      signalingServerUrl: url,
      meta: { name: 'browser-test' },
      webrtcConfig: { iceServers: [], bundlePolicy: 'max-bundle' }, // nothing outside this machine
    });
    const { api, events } = this;
    api.registerConnectionListener({
      connected: () => events.push('connected'),
      disconnected: () => events.push('disconnected'),
    });
    return new Promise((resolve) => {
      const listener = {
        producerAdded: (producer) => {
          events.push(`added ${producer.id}`);
          if (producer.meta.name === 'reachymini') resolve(producer.id);
        },
        producerRemoved: (producer) => events.push(`removed ${producer.id}`),
      };
      if (!api.registerPeerListener(listener)) throw new Error('the listener was refused');
    });
  },

  /** A consumer session with the producer, as soon as its channel `data` is open. */
  open(producerId) {
    const session = this.api.createConsumerSession(producerId);
    if (!session) throw new Error('createConsumerSession gave nothing');
    const errors = [];
    session.addEventListener('error', (event) => errors.push(`${event.message}: ${event.error}`));
    const closed = new Promise((resolve) => session.addEventListener('closed', resolve));
    const inbox = [];
    const waiters = new Set();
    const opened = new Promise((resolve) => {
      session.addEventListener('rtcPeerConnectionChanged', () => {
        session.rtcPeerConnection?.addEventListener('datachannel', ({ channel }) => {
          if (channel.label !== 'data') return;
          channel.addEventListener('message', ({ data }) => {
            inbox.push(JSON.parse(data));
            for (const waiter of [...waiters]) waiter();
          });
          // One task later: see web/dashboard/src/peer.ts.
          channel.addEventListener('open', () => setTimeout(() => resolve(channel)));
        });
      });
    });
    if (!session.connect()) throw new Error('connect() said no');
    const result = {
      session,
      errors,
      closed,
      opened,
      async ask(command, match) {
        const channel = await opened;
        const mark = inbox.length;
        channel.send(JSON.stringify(command));
        return new Promise((resolve) => {
          const waiter = () => {
            const found = inbox.slice(mark).find(match);
            if (!found) return;
            waiters.delete(waiter);
            resolve(found);
          };
          waiters.add(waiter);
          waiter();
        });
      },
    };
    return result;
  },
};
