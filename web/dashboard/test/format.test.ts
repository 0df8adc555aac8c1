import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  age,
  degrees,
  freshId,
  jointLabel,
  milliseconds,
  phaseLabel,
  plain,
  signed,
  timeOfDay,
} from '../src/format';

test('milliseconds', () => {
  assert.equal(milliseconds(null), '–');
  assert.equal(milliseconds(0), '<1 ms');
  assert.equal(milliseconds(63.4), '63 ms');
  assert.equal(milliseconds(1240), '1.24 s');
  assert.equal(milliseconds(12_300), '12.3 s');
});

test('ages', () => {
  assert.deepEqual(
    [0.94, 12.7, 61, 3661, 90_000].map((s) => age(s)),
    ['0.9 s', '12 s', '1 min 01 s', '1 h 01 min', '1 d 1 h'],
  );
  assert.equal(age(3.7, true), '3 s');
  assert.equal(age(null), '–');
});

test('angles have a real minus and no negative zero', () => {
  assert.equal(degrees(-0.5), '−28.6°');
  assert.equal(degrees(-0.0001), '0.0°');
  assert.equal(signed(null, 1), '–');
});

test('words', () => {
  assert.equal(phaseLabel('ending_sessions'), 'Ending sessions');
  assert.equal(plain('bus_silent'), 'bus silent');
  assert.equal(jointLabel('stewart_3'), 'Head leg 3');
  assert.equal(timeOfDay('not a time'), 'not a time');
  assert.match(timeOfDay('2026-01-01T00:00:01.250Z', true), /^\d\d:\d\d:01\.250$/);
});

test('ids are fresh and short enough, with and without randomUUID', () => {
  const poor = { getRandomValues: crypto.getRandomValues.bind(crypto) } as unknown as Crypto;
  for (const source of [crypto, poor]) {
    const ids = new Set(Array.from({ length: 100 }, () => freshId(source)));
    assert.equal(ids.size, 100);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
});
