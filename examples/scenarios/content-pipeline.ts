// E1: a desk that writes, edits and publishes. The editor hangs, and a fallback edits; what was
// changed after the chief had approved it is not published.

import { fromHandler, type Ref } from 'troupe';
import {
  digestOf,
  guard,
  guardedAction,
  modelAgent,
  performer,
  pipeline,
  TaskFailed,
  type ApprovalRequest,
  type Performer,
  type Task,
  type Verdict,
} from 'troupe/actors';
import { z } from 'zod';
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
const press = (chief: Ref<ApprovalRequest>) =>
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

async function play(stage: Stage): Promise<void> {
  published.length = 0;
  const write = modelAgent<{ id: string }>('writer', {
    model: stage.model(['Otters hold hands in there sleep.', 'Otters use stones as tools.']),
    instructions: 'You write one sentence about the topic.',
  });
  const article = performer(
    'article',
    function* ({ input }: Task<{ id: string }>, run) {
      const text = run.need(yield* run.perform(run.team.write, { input }));
      stage.say(`the writer: "${text}"`);
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
    stage.say(`the editor did not answer; the substitute: "${text}"`);
    return { ...input, text };
  });

  // The chief approves everything; once, the article is changed while the chief reads it.
  let change: (() => void) | undefined;
  const chief = stage.system.spawn(
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
  const desk = stage.system.spawn(press(chief), { id: 'press' });
  const publisher = performer('publisher', function* ({ input }: Task<Article>, run) {
    desk.send({ type: 'learn', fact: { [input.id]: digestOf(input.text) } });
    const args = { ...input };
    change =
      input.id === 'a2'
        ? () => {
            args.text = 'Otters are cats.';
            stage.say('somebody changes a2 meanwhile: "Otters are cats."');
            desk.send({ type: 'learn', fact: { a2: digestOf(args.text) } });
          }
        : undefined;
    if (stage.without('guard')) {
      yield* run.sleep(2_000);
      change?.();
      return yield* run.effect('publish', () => publish.effect(args, nobody));
    }
    const asked = { type: 'perform.publish', args: { ...args } } as const;
    const verdict: Verdict<string> = yield* run.ctx.ask(desk, asked, { timeoutMs: 10_000 });
    if (verdict.ruling === 'performed') return verdict.result;
    const why = verdict.ruling === 'denied' ? verdict.reason : verdict.ruling;
    throw new TaskFailed({ kind: 'guardDenied', message: `not published: ${why}`, effect: 'none' });
  });
  const editing: { performer: Performer<Article, Article>; timeoutMs?: number } = {
    performer: editor,
    ...(!stage.without('limits') && { timeoutMs: 1_000, fallback: substitute }),
  };
  const content = stage.system.spawn(
    pipeline('content')
      .stage('write', { performer: article, timeoutMs: 5_000 })
      .stage('edit', editing)
      .stage('publish', { performer: publisher, timeoutMs: 15_000 })
      .build(),
    { id: 'content' },
  );

  for (const id of ['a1', 'a2']) {
    const options = { deadlineMs: 30_000, budget: { tokens: 5_000, hops: 6 } };
    await stage.perform(content, { goal: `publish ${id}`, input: { id } }, options);
  }
  stage.say(`published: ${published.join(' | ') || 'nothing'}`);
}

const nobody = { idempotencyKey: 'none', signal: new AbortController().signal };

export default {
  id: 'E1',
  name: 'content-pipeline',
  shows: 'A hanging editor is replaced, and a text changed after its approval is not published.',
  removable: ['guard', 'limits'],
  play,
} satisfies Scenario;
