/**
 * A sealed store: journals that are encrypted at rest, under a cipher that you bring. The store
 * below sees numbers and versions, and bytes for everything else.
 */
import { deserialize, serialize } from 'node:v8';
import { checkMethods } from '../../runtime/internal.ts';
import type { JournalEntry, JournalSnapshot, JournalStore } from '../journal-store.ts';

/** Encrypts and authenticates. */
export interface Cipher {
  /** `place` names the entry; bind it as additional data, so that no entry can stand in another's place. */
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** The plain bytes. Throws for what was not sealed for this place. */
  open(sealed: Uint8Array, place: string): Uint8Array;
}

/**
 * Puts a cipher before a store. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
 * import { MemoryJournalStore, sealedStore, type Cipher } from 'troupe/actors';
 *
 * const key = randomBytes(32); // yours comes from where you keep keys
 * const aesGcm: Cipher = {
 *   seal(plain, place) {
 *     const iv = randomBytes(12);
 *     const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
 *     const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
 *     return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
 *   },
 *   open(sealed, place) {
 *     const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
 *     decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(12, 28));
 *     return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
 *   },
 * };
 * const store = sealedStore(new MemoryJournalStore(), aesGcm);
 * ```
 */
export function sealedStore(store: JournalStore, cipher: Cipher): JournalStore {
  checkMethods('sealedStore.cipher', cipher, ['seal', 'open']);
  const seal = (value: unknown, place: string): Uint8Array => cipher.seal(serialize(value), place);
  const open = (sealed: unknown, place: string): unknown =>
    deserialize(cipher.open(sealed as Uint8Array, place));
  const sealed = (key: string, entries: readonly JournalEntry[]): JournalEntry[] =>
    entries.map((entry) => ({ ...entry, event: seal(entry.event, `${key}#${entry.seq}`) }));
  const opened = (key: string, entries: readonly JournalEntry[]): JournalEntry[] =>
    entries.map((entry) => ({ ...entry, event: open(entry.event, `${key}#${entry.seq}`) }));
  const openedSnapshot = (
    key: string,
    snapshot: JournalSnapshot | undefined,
  ): JournalSnapshot | undefined =>
    snapshot && { ...snapshot, state: open(snapshot.state, `${key}@${snapshot.seq}`) };
  return {
    append: (key, expectedSeq, entries) => store.append(key, expectedSeq, sealed(key, entries)),
    read: (key, afterSeq) => later(store.read(key, afterSeq), (entries) => opened(key, entries)),
    loadSnapshot: (key) =>
      later(store.loadSnapshot(key), (snapshot) => openedSnapshot(key, snapshot)),
    saveSnapshot: (key, snapshot) =>
      store.saveSnapshot(key, {
        ...snapshot,
        state: seal(snapshot.state, `${key}@${snapshot.seq}`),
      }),
    redact: (key, entries) => store.redact(key, sealed(key, entries)),
  };
}

/** At once where the store answers at once. */
function later<T, U>(answer: T | PromiseLike<T>, then: (value: T) => U): U | PromiseLike<U> {
  const isPromise = typeof answer === 'object' && answer !== null && 'then' in answer;
  return isPromise ? answer.then(then) : then(answer);
}
