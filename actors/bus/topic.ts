/**
 * Topics, and the patterns that subscriptions name them with.
 *
 *     topic   = token *("." token)
 *     pattern = ">" / part *("." part) [".>"]
 *     part    = token / "*"
 *     token   = one or more characters, none of them ".", "*", ">" or white space
 *
 * `*` stands for exactly one token, `>` at the end for one or more: `order.*` takes `order.paid` and
 * not `order.paid.late`, which `order.>` takes; neither takes `order`.
 */
import { InvalidOption } from '../../runtime/index.ts';

const TOKEN = /^[^.*>\s]+$/;

/** Throws `InvalidOption` unless it is a topic. */
export function checkTopic(field: string, given: unknown): void {
  if (typeof given === 'string' && given.split('.').every((token) => TOKEN.test(token))) return;
  throw new InvalidOption({ field, given, allowed: 'tokens with dots, such as "order.paid"' });
}

/** Throws `InvalidOption` unless it is a pattern. */
export function checkPattern(field: string, given: unknown): void {
  if (typeof given === 'string') {
    const parts = given.split('.');
    if (parts.at(-1) === '>') parts.pop();
    if (parts.every((part) => part === '*' || TOKEN.test(part))) return;
  }
  const allowed = 'a topic with "*" for one token and ">" for the rest, such as "order.*"';
  throw new InvalidOption({ field, given, allowed });
}

/** Whether a pattern takes a topic. */
export function takesTopic(pattern: string, topic: string): boolean {
  const parts = pattern.split('.');
  const tokens = topic.split('.');
  const isOpen = parts.at(-1) === '>';
  if (isOpen) parts.pop();
  const isLong = isOpen ? tokens.length > parts.length : tokens.length === parts.length;
  return isLong && parts.every((part, at) => part === '*' || part === tokens[at]);
}
