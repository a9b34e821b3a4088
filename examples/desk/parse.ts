/** The parser's craft: from the text of a file to its title, its headings and its prose. */
import { basename } from 'node:path';

import { lexer, walkTokens, type MarkedToken, type Token } from 'marked';

export interface Parsed {
  readonly format: 'markdown' | 'source' | 'text';
  readonly title: string;
  readonly headings: readonly string[];
  /** The text that is meant for people, a paragraph per line; of a source file, its comments. */
  readonly prose: string;
  /** How long the directive `<!-- desk: stall MS -->` wants each step to take longer. */
  readonly stallMs: number;
}

const MARKDOWN = /\.(md|markdown)$/i;
const SOURCE = /\.([cm]?[jt]s|[jt]sx|c|cpp|css|go|h|java|rs|swift)$/i;

/** Whether a walk through a folder takes a file for a document. */
export const isDocument = (name: string) =>
  [MARKDOWN, SOURCE, /\.txt$/i].some((each) => each.test(name));

/** Parses a document by the ending of its name. A poisoned one throws a plain `Error`. */
export function parse(path: string, text: string): Parsed {
  if (MARKDOWN.test(path)) return parseMarkdown(basename(path), text);
  const format = SOURCE.test(path) ? 'source' : 'text';
  // In a source a line is a comment when it begins as one, and any other ends a paragraph.
  const told = (line: string) => (format === 'source' ? (COMMENT.exec(line)?.[1] ?? '') : line);
  const prose = inLines(text.split('\n').map(told).join('\n'));
  return { format, title: basename(path), headings: [], prose, stallMs: 0 };
}

const COMMENT = /^\s*(?:\/\/+|\/\*+|\*+\/?)(.*?)(?:\*\/)?$/;

function parseMarkdown(name: string, text: string): Parsed {
  const tokens = flat(lexer(text));
  // A directive counts as an HTML comment only; one that is quoted as code is no directive.
  const html = tokens.map((token) => (token.type === 'html' ? token.text : '')).join('');
  const [, directive, ms = 0] = /<!-- desk: (poison|stall (\d+)) -->/.exec(html) ?? [];
  if (directive === 'poison') throw new Error('the document is poisoned');
  const headings = tokens.filter(({ type }) => type === 'heading').map(plain);
  // The text of a tight list's item is no paragraph, but a text that has tokens of its own.
  const prose = tokens.filter(({ type }) => type === 'paragraph' || type === 'text').map(plain);
  const [title = name] = headings;
  const stallMs = Number(ms);
  return { format: 'markdown', title, headings, prose: inLines(prose.join('\n\n')), stallMs };
}

/** All tokens, those within others too, in the order of the text. */
function flat(tokens: Token[]): MarkedToken[] {
  const all: MarkedToken[] = [];
  void walkTokens(tokens, (token) => void all.push(token as MarkedToken));
  return all;
}

function plain(token: MarkedToken): string {
  const text = flat('tokens' in token ? (token.tokens ?? []) : []).map((part) => {
    if (part.type === 'br') return ' ';
    return ['text', 'escape', 'codespan'].includes(part.type) && 'text' in part ? part.text : '';
  });
  return text.join('').replaceAll('&nbsp;', ' ').replaceAll('&amp;', '&');
}

function inLines(text: string): string {
  const lines = text.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s+/g, ' ').trim());
  return lines.filter(Boolean).join('\n');
}
