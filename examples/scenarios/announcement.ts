// E2: a blog post goes to Twitter, the newsletter, RSS and Slack over a bus. Slack is down, the bus is
// killed meanwhile, and the blog publishes a second time to be sure: nothing is lost or posted twice.

import { agentName, type Ref } from 'troupe';
import {
  eventBus,
  MemoryBusStore,
  performer,
  publish,
  TaskFailed,
  type BusEvent,
  type BusMessage,
  type PerformerRef,
  type SubscriptionSpec,
  type Task,
} from 'troupe/actors';
import { choose } from 'troupe/simulation';
import { child, supervisor } from 'troupe/supervision';
import type { Scenario, Stage } from './stage.ts';

const CHANNELS = ['twitter', 'newsletter', 'rss', 'slack'];
const POST = { topic: 'blog.published', payload: 'Otters hold hands', id: 'post 1' };
const Bus = agentName<Ref<BusMessage>>('bus');

/** Posts what it is told, when its service lets it. */
const channel = (name: string, post: (name: string, title: string) => void) =>
  performer(name, function* ({ input }: Task<BusEvent<string>>, run) {
    yield* run.sleep(100);
    post(name, input.payload);
  });

const subscription = (ref: PerformerRef<BusEvent<string>, void>): SubscriptionSpec<string> => ({
  topics: ['blog.*'],
  performer: ref,
  attemptsMax: 3,
  backoff: { minMs: 1_000, maxMs: 10_000, jitter: 0 },
});

const supervisedBus = () =>
  supervisor({
    children: [child({ id: 'bus', logic: eventBus({ store: new MemoryBusStore() }), name: Bus })],
  });

async function play(stage: Stage): Promise<void> {
  const { system } = stage;
  const posted: string[] = [];
  let isSlackUp = false;
  const post = (name: string, title: string) => {
    if (name === 'slack' && !isSlackUp) {
      stage.say('slack answers 503');
      throw new TaskFailed({ kind: 'toolError', message: '503 from slack', effect: 'none' });
    }
    posted.push(name);
    stage.say(`${name} has "${title}"`);
  };
  const isBare = stage.without('supervision');
  if (isBare) system.spawn(eventBus(), { id: 'bus', name: Bus });
  else await stage.run(system.start(supervisedBus(), { id: 'office' }));
  const bus = system.ref(isBare ? '/bus' : '/office/bus') as Ref<BusMessage>;
  for (const id of CHANNELS) {
    const spec = subscription(system.spawn(channel(id, post), { id }));
    await stage.run(bus.ask({ type: 'subscribe', id, spec }));
  }

  const blog = performer('blog', function* (_: Task<string>, run) {
    const { isRepeated, subscriptions } = yield* publish(run, bus, POST);
    const whom = isRepeated ? 'nobody: the bus has had it' : `${subscriptions} channels`;
    stage.say(`the blog publishes "${POST.payload}", to ${whom}`);
    yield* run.sleep(500);
  });
  const office = performer('office', function* ({ input }: Task<'look' | 'replay'>, run) {
    const asked = { type: 'deadLetters', subscription: 'slack' } as const;
    if (input === 'look') yield* run.sleep(10_000);
    for (const { event, attempts, failure } of (yield* run.ctx.ask(bus, asked)).letters)
      stage.say(`dead letter of slack: ${event.id}, ${attempts} attempts, ${failure?.message}`);
    if (input === 'look') return;
    isSlackUp = true;
    const { count } = yield* run.ctx.ask(bus, { type: 'replay', subscription: 'slack' });
    stage.say(`slack is up again: ${count} dead letter is replayed`);
    yield* run.sleep(500);
  });
  const press = system.spawn(blog, { id: 'blog' });
  const desk = system.spawn(office, { id: 'desk' });
  const options = { deadlineMs: 20_000, budget: { hops: 4 } };
  await stage.perform(press, { goal: 'announce the post', input: '' }, options);
  stage.say('the bus is killed');
  await stage.kill(bus);
  await stage.perform(desk, { goal: 'see who has not got it', input: 'look' }, options);
  await stage.perform(press, { goal: 'be sure of it', input: '' }, options);
  await stage.perform(desk, { goal: 'bring it to slack', input: 'replay' }, options);
  const counts = CHANNELS.map((name) => `${name} ${posted.filter((each) => each === name).length}`);
  stage.say(`times posted: ${counts.join(', ')}`);
}

const seen: string[] = [];
let isPublished = false;

export default {
  id: 'E2',
  name: 'announcement',
  shows:
    'Slack fails and the other channels do not; the replay brings it to Slack and to nobody else.',
  removable: ['supervision'],
  play,
  simulated: {
    name: 'two channels, one of which fails as it likes',
    setup({ spawn, client }) {
      seen.length = 0;
      isPublished = false;
      spawn(supervisedBus(), { id: 'office' });
      const post = (name: string) => {
        const isDown = name === 'slack' && choose('slack', ['up', 'down']) === 'down';
        if (isDown) throw new TaskFailed({ kind: 'toolError', message: '503 from slack' });
        seen.push(name);
      };
      const refs = ['rss', 'slack'].map((id) => ({ id, ref: spawn(channel(id, post), { id }) }));
      client('blog', function* (ctx) {
        for (const { id, ref } of refs) {
          const spec = { ...subscription(ref), timeoutMs: Infinity };
          yield* ctx.ask(Bus, { type: 'subscribe', id, spec }, { timeoutMs: Infinity });
        }
        for (const _ of ['once', 'and to be sure'])
          yield* ctx.ask(Bus, { type: 'publish', event: POST }, { timeoutMs: Infinity });
        isPublished = true;
      });
    },
    faults: { crash: { of: ['rss/$*', 'slack/$*'], max: 1, when: ['before'] } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    invariant: {
      'nothing is posted twice': () => new Set(seen).size === seen.length,
    },
    eventually: { 'rss has it': () => isPublished && seen.includes('rss') },
  },
} satisfies Scenario;
