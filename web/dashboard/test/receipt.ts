/** A receipt as the daemon writes it. */
export const receipt = {
  id: 'r1',
  merged_into: null,
  action: 'restart',
  scope: 'daemon',
  motor: null,
  requested: { at: '2026-01-01T00:00:00.000Z', by: 'webrtc', peer: 'p' },
  generation: { before: 7, after: 8 },
  phases: [
    { phase: 'stopping', at_ms: 21, ms: 14 },
    { phase: 'starting', at_ms: 35, ms: 28 },
  ],
  outcome: 'done',
  error: null,
  notes: [],
  cured: true,
  downtime_ms: 63,
  causes_before: ['config_invalid (configuration)'],
  causes_after: [],
};
