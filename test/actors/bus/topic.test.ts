import { takesTopic } from 'troupe/actors';
import { expect, it } from 'vitest';

it.each([
  ['order.paid', 'order.paid', true],
  ['order.paid', 'order.late', false],
  ['order.paid', 'order.paid.late', false],
  ['order.*', 'order.paid', true],
  ['order.*', 'order', false],
  ['order.*', 'order.paid.late', false],
  ['*.paid', 'order.paid', true],
  ['*.*', 'order', false],
  ['order.>', 'order.paid', true],
  ['order.>', 'order.paid.late', true],
  ['order.>', 'order', false],
  ['order.>', 'orders.paid', false],
  ['*.paid.>', 'order.paid.late', true],
  ['>', 'order', true],
  ['>', 'order.paid.late', true],
])('%s and %s: %s', (pattern, topic, takes) => {
  expect(takesTopic(pattern, topic)).toBe(takes);
});
