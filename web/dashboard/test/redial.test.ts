import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redial, Watchdog } from '../src/redial';

test('delays are 0, 2, 4, 8 and then 8 s for ever', () => {
  const redial = new Redial();
  const delays = Array.from({ length: 7 }, () => redial.next());
  assert.deepEqual(delays, [0, 2000, 4000, 8000, 8000, 8000, 8000]);
});

test('after a session the first dial is immediate again', () => {
  const redial = new Redial();
  for (let i = 0; i < 4; ++i) redial.next();
  redial.connected();
  redial.ended(60_000);
  assert.equal(redial.next(), 0);
});

test('five short sessions in a row cost nothing, more of them slow the dialling', () => {
  const redial = new Redial();
  const delays = Array.from({ length: 8 }, () => {
    redial.connected();
    redial.ended(50);
    return redial.next();
  });
  assert.deepEqual(delays, [0, 0, 0, 0, 0, 2000, 4000, 8000]);
  redial.connected();
  redial.ended(5000);
  assert.equal(redial.next(), 0);
});

function ticking(dog: Watchdog, from: number, to: number, hidden = false): string[] {
  const found: string[] = [];
  for (let now = from; now <= to; now += 1000) found.push(dog.look(now, hidden));
  return found;
}

test('silence is nudged after 2.5 s and fatal after 8 s', () => {
  const dog = new Watchdog();
  dog.reset(0);
  const found = ticking(dog, 1000, 8000);
  assert.deepEqual(found.slice(0, 2), ['fine', 'fine']);
  assert.deepEqual(found.slice(2, 7), Array(5).fill('nudge'));
  assert.equal(found[7], 'dead');
});

test('whatever is heard starts the silence anew', () => {
  const dog = new Watchdog();
  dog.reset(0);
  ticking(dog, 1000, 7000);
  dog.heard(7500);
  assert.deepEqual(ticking(dog, 8000, 9000), ['fine', 'fine']);
});

test('late timers and hidden tabs are not silence', () => {
  const dog = new Watchdog();
  dog.reset(0);
  assert.equal(dog.look(60_000, false), 'fine');
  assert.deepEqual(new Set(ticking(dog, 61_000, 90_000, true)), new Set(['fine']));
  assert.equal(dog.look(91_000, false), 'fine');
});
