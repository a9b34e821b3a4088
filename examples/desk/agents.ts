/** The agents of the desk: what they do, what they say to each other, and who watches whom. */
import { basename } from 'node:path';

import { AskTimeout, agentName, ask, fromHandler, here } from 'troupe';
import type { AgentContext, AgentName, AnyRef, Down, Ref, ReplyTo } from 'troupe';
import { child, dynamicSupervisor, supervisor } from 'troupe/supervision';
import { assign, fromPromise, setup } from 'xstate';

import { classify, extract, opening, summarise } from './analyse.ts';
import type { Options } from './arguments.ts';
import { DocumentError, readDocument, type Result } from './document.ts';
import { parse, type Parsed } from './parse.ts';

type Found = Partial<Result>;
type Analysed = ReplyTo<{ type: 'analysed'; found: Found }>;
type Analyse = { type: 'analyse'; parsed: Parsed; replyTo: Analysed };
type Jobs = { next: number; open: Map<AnyRef, { path: string; startMs: number }> };
type Collect = { type: 'collect'; result: Result };

const Extractor = agentName<Ref<Analyse>>('extractor');
const Classifier = agentName<Ref<Analyse>>('classifier');
const Summariser = agentName<Ref<Analyse>>('summariser');
const Documents = agentName<ReturnType<typeof dynamicSupervisor>>('documents');
const Collector = agentName<Ref<Collect>>('collector');

/** Studies documents for whoever asks. One that stalls keeps only its own worker waiting. */
function analyst(name: AgentName<Ref<Analyse>>, study: (parsed: Parsed) => Found) {
  const logic = fromHandler({
    receive(_state, request: Analyse, ctx) {
      const { parsed } = request;
      if (parsed.stallMs > 0) {
        ctx.defer(request);
        ctx.after(parsed.stallMs, { ...request, parsed: { ...parsed, stallMs: 0 } });
      } else ctx.reply(request, { type: 'analysed', found: study(parsed) });
    },
  });
  return child({ id: name.name, name, logic });
}

/** Takes one document from its file to its outcome; an error that it does not expect crashes it. */
function worker(path: string, startMs: number, { timeoutMs, maxBytes }: Options) {
  const steps = ['extract', 'classify', 'summarise'] as const;
  const inTime = { timeoutMs: timeoutMs / 3 };
  return setup({
    types: { context: {} as { parsed?: Parsed; found: Found; steps: number } },
    actors: {
      read: fromPromise(async () => parse(path, await readDocument(path, maxBytes))),
      extract: ask(Extractor, 'analyse', inTime),
      classify: ask(Classifier, 'analyse', inTime),
      summarise: ask(Summariser, 'analyse', inTime),
    },
    actions: {
      keep: assign(({ context: { found, steps } }, more: Found) => {
        return { found: { ...found, ...more }, steps: steps + 1 };
      }),
      lack: assign(({ context: { found, steps } }, step: string) => {
        const soFar = found.reason === undefined ? 'no time to' : `${found.reason},`;
        return { found: { ...found, reason: `${soFar} ${step}` }, steps: steps + 1 };
      }),
      tell: ({ context: { parsed, found } }, outcome: Result['outcome']) => {
        // The opening takes the place of a summary for which there was no time.
        const about = parsed && { title: parsed.title, summary: opening(parsed.prose) };
        const result = { path, outcome, ms: here().now() - startMs, ...about, ...found };
        here().send(Collector, { type: 'collect', result });
      },
    },
    delays: {
      // A new life has what is left of its document's time, not all of it again.
      deadline: () => startMs + timeoutMs - here().now(),
      stall: ({ context }) => context.parsed?.stallMs ?? 0,
    },
  }).createMachine({
    context: { found: {}, steps: 0 },
    initial: 'reading',
    after: { deadline: '.timedOut' },
    states: {
      reading: {
        invoke: {
          src: 'read',
          onDone: { target: 'stalling', actions: assign({ parsed: ({ event }) => event.output }) },
          onError: {
            guard: ({ event }) => event.error instanceof DocumentError,
            target: 'failed',
            actions: { type: 'keep', params: ({ event }) => ({ reason: messageOf(event.error) }) },
          },
        },
      },
      stalling: { after: { stall: 'analysing' } },
      analysing: {
        invoke: steps.map((step) => ({
          src: step,
          id: step,
          input: ({ context }) => ({ parsed: context.parsed as Parsed }),
          onDone: { actions: { type: 'keep', params: ({ event }) => event.output.found } },
          onError: {
            guard: ({ event }) => event.error instanceof AskTimeout,
            actions: { type: 'lack', params: step },
          },
        })),
        always: { guard: ({ context }) => context.steps === steps.length, target: 'done' },
      },
      done: { type: 'final', entry: { type: 'tell', params: 'done' } },
      failed: { type: 'final', entry: { type: 'tell', params: 'failed' } },
      timedOut: { type: 'final', entry: { type: 'tell', params: 'timed out' } },
    },
  });
}

/** Hands out documents as there is room, takes one outcome of each, and ends when none is left. */
function collector(paths: readonly string[], options: Options, onResult: (result: Result) => void) {
  const fill = function* (state: Jobs, ctx: AgentContext<Collect | Down>) {
    while (state.open.size < options.concurrency) {
      const path = paths[state.next];
      if (path === undefined) return;
      const startMs = ctx.now();
      const logic = worker(path, startMs, options);
      // A poison document takes down its own small tree, after two restarts, and nothing else.
      const limits = { intensity: 2, periodMs: options.timeoutMs };
      const children = [child({ id: 'worker', logic, restart: 'transient', significant: true })];
      const tree = supervisor({ children, ...limits, autoShutdown: 'any_significant' });
      const id = `${(state.next += 1)}:${basename(path).replace(/[\s\p{C}#]/gu, '_')}`;
      const spec = child({ id, logic: tree, restart: 'temporary' });
      const asked = ctx.ask(Documents, { type: 'startChild', spec }, { timeoutMs: Infinity });
      const ref = (yield* asked).ref as AnyRef;
      ctx.monitor(ref);
      state.open.set(ref, { path, startMs });
    }
  };
  return fromHandler({
    initial: (): Jobs => ({ next: 0, open: new Map() }),
    start: fill,
    *receive(state, event: Collect | Down, ctx) {
      if (event.type === 'collect') return onResult(event.result);
      const { path = '', startMs = 0 } = state.open.get(event.ref) ?? {};
      state.open.delete(event.ref);
      // This counts only for a document without an outcome: its worker crashed too often.
      const cause = event.reason.type === 'shutdown' ? (event.reason.cause as Error) : undefined;
      const reason = `its worker crashed: ${messageOf(cause?.cause ?? event.reason.type)}`;
      onResult({ path, outcome: 'failed', reason, ms: ctx.now() - startMs });
      yield* fill(state, ctx);
      if (state.open.size === 0) ctx.stop();
    },
  });
}

/** The whole tree: three analysts, the documents that are on the desk, and the collector. */
export function desk(...[paths, options, onResult]: Parameters<typeof collector>) {
  const analysts = [
    analyst(Extractor, extract),
    analyst(Classifier, classify),
    analyst(Summariser, summarise),
  ];
  const documents = dynamicSupervisor({ maxChildren: options.concurrency });
  const logic = collector(paths, options, onResult);
  return supervisor({
    strategy: 'one_for_all',
    autoShutdown: 'any_significant',
    children: [
      child({ id: 'analysts', logic: supervisor({ children: analysts }) }),
      child({ id: 'documents', name: Documents, logic: documents }),
      child({ id: 'collector', name: Collector, logic, restart: 'transient', significant: true }),
    ],
  });
}

export const messageOf = (error: unknown) =>
  error instanceof Error ? error.message : String(error);
