// E1: a desk that writes, edits and publishes. The editor hangs, and a fallback edits; what was
// changed after the chief had approved it is not published.

import { fromHandler, type Ref, type System, type Wait } from 'troupe';
import {
  digestOf,
  guard,
  guardedAction,
  modelAgent,
  performer,
  pipeline,
  TaskFailed,
  scripted,
  type ApprovalRequest,
  type GuardEvent,
  type LanguageModel,
  type Task,
  type TaskRun,
  type Verdict,
} from 'troupe/actors';
import { choose, fail, hang, ok } from 'troupe/simulation';
import { z } from 'zod';
import { anyOf, simulated } from './simulated.ts';
import type { Scenario, Stage } from './stage.ts';

interface Article {
  readonly id: string;
  readonly text: string;
}
/** The desk's record: the digest of the text that each article has now. */
type Drafts = Readonly<Record<string, string>>;

const published: string[] = [];
const publish = guardedAction({
  effectClass: 'irreversible',
  args: z.object({ id: z.string(), text: z.string() }),
  watches: (drafts: Drafts, { id }) => drafts[id],
  effect: async ({ id, text }) => {
    published.push(`${id}: ${text}`);
    return `published ${id}`;
  },
});

/** Publishes nothing but the text on record, and that only with the chief's approval. */
const pressFor = (chief: Ref<ApprovalRequest>) =>
  guard({
    state: {} as Drafts,
    learn: (drafts: Drafts, fact: Drafts) => ({ ...drafts, ...fact }),
    actions: { publish },
    approver: chief,
    policy: {
      version: '1',
      rules: [
        {
          id: 'the text on record',
          rule: ({ action, state }) => {
            const { id, text } = action.args as Article;
            return state[id] === digestOf(text)
              ? { decision: 'escalate', reason: 'the chief reads it first' }
              : { decision: 'deny', reason: 'this is not the text on record' };
          },
        },
      ],
    },
  });

type PressEvent = GuardEvent<{ readonly publish: typeof publish }, Drafts>;
/** What differs from one play to the other. */
interface Newsroom {
  readonly say: (text: string) => void;
  readonly isLimited: boolean;
  readonly publishWith: (input: Article, run: TaskRun) => Generator<Wait<unknown>, string, unknown>;
}

/** The desk, with a chief who approves in a way of its own. */
function newsroom(
  system: System,
  model: LanguageModel,
  press: Ref<PressEvent>,
  { say, isLimited, publishWith }: Newsroom,
) {
  const write = modelAgent<{ id: string }>('writer', {
    model,
    instructions: 'You write one sentence about the topic.',
  });
  const article = performer(
    'article',
    function* ({ input }: Task<{ id: string }>, run) {
      const text = run.need(yield* run.perform(run.team.write, { input }));
      say(`the writer: "${text}"`);
      return { id: input.id, text };
    },
    { team: { write } },
  );
  // It was told to edit, and has not been heard of since.
  const editor = performer('editor', function* (task: Task<Article>, run) {
    yield* run.sleep(Infinity);
    return task.input;
  });
  const substitute = performer('substitute', ({ input }: Task<Article>) => {
    const text = input.text.replace('there sleep', 'their sleep');
    say(`the editor did not answer; the substitute: "${text}"`);
    return { ...input, text };
  });
  const publisher = performer('publisher', function* ({ input }: Task<Article>, run) {
    press.send({ type: 'learn', fact: { [input.id]: digestOf(input.text) } });
    return yield* publishWith(input, run);
  });
  const editing = {
    performer: editor,
    ...(isLimited && { timeoutMs: 1_000, fallback: substitute }),
  };
  return system.spawn(
    pipeline('content')
      .stage('write', { performer: article, timeoutMs: 5_000 })
      .stage('edit', editing)
      .stage('publish', { performer: publisher, timeoutMs: 15_000 })
      .build(),
    { id: 'content' },
  );
}

function* throughThePress(press: Ref<PressEvent>, args: Article, { ctx }: TaskRun) {
  const asked = { type: 'perform.publish', args } as const;
  const verdict: Verdict<string> = yield* ctx.ask(press, asked, { timeoutMs: 10_000 });
  if (verdict.ruling === 'performed') return verdict.result;
  const why = verdict.ruling === 'denied' ? verdict.reason : verdict.ruling;
  throw new TaskFailed({ kind: 'guardDenied', message: `not published: ${why}`, effect: 'none' });
}

async function play(stage: Stage): Promise<void> {
  published.length = 0;
  const { system } = stage;
  // The chief approves everything; once, the article is changed while the chief reads it.
  let change: (() => void) | undefined;
  const chief = system.spawn(
    fromHandler({
      *receive(_, request: ApprovalRequest, ctx) {
        yield* ctx.sleep(2_000);
        change?.();
        stage.say(`the chief approves ${(request.args as Article).id}`);
        ctx.reply(request, { type: 'approval', isApproved: true, by: 'chief', reason: 'fine' });
      },
    }),
    { id: 'chief' },
  );
  const press = system.spawn(pressFor(chief), { id: 'press' });
  const model = stage.model(['Otters hold hands in there sleep.', 'Otters use stones as tools.']);
  const content = newsroom(system, model, press, {
    say: (text) => stage.say(text),
    isLimited: !stage.without('limits'),
    *publishWith(input, run) {
      const args = { ...input };
      const isChanged = input.id === 'a2';
      change = () => {
        if (!isChanged) return;
        args.text = 'Otters are cats.';
        stage.say('somebody changes a2 meanwhile: "Otters are cats."');
        press.send({ type: 'learn', fact: { a2: digestOf(args.text) } });
      };
      if (!stage.without('guard')) return yield* throughThePress(press, { ...args }, run);
      yield* run.sleep(2_000);
      change();
      return yield* run.effect('publish', () => publish.effect(args, nobody));
    },
  });
  for (const id of ['a1', 'a2']) {
    const options = { deadlineMs: 30_000, budget: { tokens: 5_000, hops: 6 } };
    await stage.perform(content, { goal: `publish ${id}`, input: { id } }, options);
  }
  stage.say(`published: ${published.join(' | ') || 'nothing'}`);
}

/** The chief says yes, no, or nothing; the article may change while it is read. */
const approved: string[] = [];
const underAllOrders = simulated({
  input: { id: 'a1' },
  build(system) {
    approved.length = 0;
    published.length = 0;
    const chief: Ref<ApprovalRequest> = system.spawn(
      fromHandler({
        *receive(_: undefined, request: ApprovalRequest, ctx) {
          const article = request.args as Article;
          const says = choose('the chief', ['yes', 'no', 'nothing', 'yes, but it was changed']);
          if (says === 'nothing') return ctx.defer(request);
          const isApproved = says !== 'no';
          if (says === 'yes, but it was changed') {
            ctx.send(press, { type: 'learn', fact: { [article.id]: 'another text' } });
            // The press has heard of the change before the approval leaves, or none leaves.
            try {
              yield* ctx.ask(press, { type: 'audit' });
            } catch {
              return ctx.defer(request);
            }
          } else if (isApproved) approved.push(article.text);
          ctx.reply(request, { type: 'approval', isApproved, by: 'chief', reason: 'so be it' });
        },
      }),
      { id: 'chief' },
    );
    const press = system.spawn(pressFor(chief), { id: 'press' });
    const silently: Newsroom = {
      say: () => undefined,
      isLimited: true,
      publishWith: (input, run) => throughThePress(press, input, run),
    };
    return newsroom(system, scripted([]), press, silently);
  },
  effects: {
    'model/scripted': anyOf('Otters hold hands in there sleep.', ''),
    '/press/publish': ({ input }) => {
      published.push((input as Article).text);
      return [ok('published'), fail(new Error('the press stands still')), hang()];
    },
  },
  invariant: {
    'nothing is published that the chief has not approved as it is': () =>
      published.every((text) => approved.includes(text)),
  },
});

const nobody = { idempotencyKey: 'none', signal: new AbortController().signal };

export default {
  id: 'E1',
  name: 'content-pipeline',
  shows: 'A hanging editor is replaced, and a text changed after its approval is not published.',
  removable: ['guard', 'limits'],
  play,
  simulated: underAllOrders,
} satisfies Scenario;
