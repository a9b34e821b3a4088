/** The analysts' craft: pure functions from a document's prose to what is worth knowing of it. */
import nlp from 'compromise';

import type { Parsed } from './parse.ts';

export type Kind = 'guide' | 'reference' | 'changelog' | 'licence' | 'notes' | 'source';

/** Only the beginning is read closely: 1,000 characters take 8 ms, and all other agents wait. */
const beginning = ({ prose }: Parsed) => prose.slice(0, 40_000);

/** Names, and the noun phrases that come back most often, where each of their words counts. */
export function extract(parsed: Parsed) {
  const text = nlp(beginning(parsed));
  const unique = (found: string[]) => [...new Set(found.map(bare).filter(isName))].slice(0, 12);
  const nouns = text.match('#Adjective? #Noun{1,3}').not('(#Pronoun|#Possessive|#Determiner)');
  const phrases = (nouns.out('array') as string[]).map((phrase) => bare(phrase).toLowerCase());
  const scores = tally(phrases.filter((phrase) => /^\p{L}[\p{L}\p{N} '’-]{3,}$/u.test(phrase)));
  const weigh = ([phrase, times]: [string, number]) => phrase.split(' ').length * times;
  const ranked = [...scores].sort((a, b) => weigh(b) - weigh(a));
  const entities = {
    people: unique(text.people().out('array')),
    places: unique(text.places().out('array')),
    organisations: unique(text.organizations().out('array')),
  };
  return { entities, keyPhrases: ranked.slice(0, 8).map(([phrase]) => phrase) };
}

/** The words that give a kind away. */
const SIGNS: ReadonlyArray<readonly [Kind, RegExp]> = [
  ['licence', /\b(licen[cs]e|copyright|warranty|liability|hereby|sublicense)\b/gi],
  ['changelog', /\b(changelog|unreleased|added|fixed|removed|deprecated|v?\d+\.\d+\.\d+)\b/gi],
  ['guide', /\b(guide|tutorial|getting started|install|usage|examples?|how to|you|your)\b/gi],
  ['reference', /\b(reference|api|contract|specification|options?|returns?|default|must)\b/gi],
  ['notes', /\b(notes?|todo|draft|ideas?|meeting|agenda|minutes|we)\b/gi],
];

/** The kind with the most signs, where one in a heading counts for five; notes if there is none. */
export function classify({ format, title, headings, prose }: Parsed): { kind: Kind } {
  if (format === 'source') return { kind: format };
  const text = `${[title, ...headings].join('\n')}\n`.repeat(5) + prose;
  const scores = SIGNS.map(([kind, sign]) => ({ kind, score: text.match(sign)?.length ?? 0 }));
  const { kind } = scores.reduce((a, b) => (a.score > b.score ? a : b));
  return { kind };
}

/** The sentences with the document's most frequent words, in their order; early ones weigh more. */
export function summarise(parsed: Parsed) {
  const sentences = new Set<string>(nlp.tokenize(beginning(parsed)).out('array'));
  const frequency = tally([...sentences].flatMap(longWords));
  const scores = [...sentences].map((sentence, index): [string, number] => {
    const words = longWords(sentence);
    const sum = words.reduce((total, word) => total + (frequency.get(word) ?? 0), 0);
    const isSentence = words.length >= 3 && words.length <= 40;
    return [sentence, isSentence ? (sum / (words.length + 5)) * (1 + 1 / (1 + index)) : 0];
  });
  const ranked = scores.filter(([, score]) => score > 0).sort((a, b) => b[1] - a[1]);
  const chosen = ranked.slice(0, 3).map(([sentence]) => sentence);
  return { summary: [...sentences].filter((sentence) => chosen.includes(sentence)).join(' ') };
}

/** What takes a summary's place when there is no time for one: how the document begins. */
export function opening(prose: string): string {
  return prose.length <= 240 ? prose : `${prose.slice(0, 240).replace(/\s+\S*$/, '')} …`;
}

const bare = (text: string) => text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
// What is code is no name.
const isName = (text: string) => /\p{L}/u.test(text) && !/[(){}/\\|_]/.test(text);
const longWords = (sentence: string) => sentence.toLowerCase().match(/\p{L}{4,}/gu) ?? [];

function tally(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
