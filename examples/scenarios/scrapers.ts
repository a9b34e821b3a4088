// E3: five scrapers and twenty pages, two at a time of each host. One scraper is shut out by
// CAPTCHAs, one crashes again and again, and the overseer's desk is killed in the midst of it; yet
// every page is accounted for, once.

import { agentName, fromHandler, type AnyRef } from 'troupe';
import {
  assignmentOf,
  fanIn,
  limited,
  limiter,
  overseer,
  performer,
  rung,
  TaskFailed,
  type Escalation,
  type Outcome,
  type PerformerRef,
  type Slot,
  type Task,
} from 'troupe/actors';
import { choose } from 'troupe/simulation';
import type { Scenario, Stage } from './stage.ts';

interface Page {
  readonly url: string;
  readonly by: string;
}
/** What a page does to whoever tries it. */
type Web = (url: string, by: string, strategy: string) => 'read' | 'CAPTCHA' | 'crash';

const HOSTS = ['alpha', 'gamma', 'beta', 'delta'];
const NAMES = ['s1', 's2', 's3', 's4', 's5'];
const URLS = [HOSTS.slice(0, 2), HOSTS.slice(2)].flatMap((pair) =>
  [1, 2, 3, 4, 5].flatMap((page) => pair.map((host) => `${host}/${page}`)),
);

/** s3 is shut out of gamma, and of beta without a proxy; s4 crashes; delta/5 lets nobody in. */
const web: Web = (url, by, strategy) => {
  if (by === 's4') return 'crash';
  if (url === 'delta/5' || (by === 's3' && url.startsWith('gamma'))) return 'CAPTCHA';
  return by === 's3' && url.startsWith('beta') && strategy === 'headless' ? 'CAPTCHA' : 'read';
};

/** What was read, and by how many at a time. */
class Readings {
  readonly read: string[] = [];
  readonly #now = new Map<string, number>();
  most = 0;

  begin(host: string, change: number): void {
    const now = (this.#now.get(host) ?? 0) + change;
    this.#now.set(host, now);
    this.most = Math.max(this.most, now);
  }
}

const hosts = (concurrency: number) =>
  limiter(Object.fromEntries(HOSTS.map((host) => [host, { concurrency }])));

const scraper = (name: string, limits: AnyRef, readings: Readings, page: Web) =>
  performer(name, (task: Task<string>, run) => {
    const url = task.input;
    const [host = ''] = url.split('/');
    return limited(run, limits as never, host, function* () {
      const { strategy = 'headless' } = assignmentOf(task);
      readings.begin(host, 1);
      yield* run.sleep(200);
      readings.begin(host, -1);
      const came = page(url, name, strategy);
      // The browser does not only fail: it takes its scraper with it.
      if (came === 'crash') {
        run.ctx.exit(run.ctx.parent!, { type: 'crash', error: new Error('the browser crashed') });
        yield* run.sleep(Infinity);
      }
      if (came === 'CAPTCHA') {
        const message = `${name} got a CAPTCHA from ${url} (${strategy})`;
        throw new TaskFailed({ kind: 'blockedExternally', message, effect: 'none' });
      }
      readings.read.push(url);
      return { url, by: name };
    });
  });

/** Takes what nobody could read, for somebody to look at tomorrow. */
const operator = performer('operator', ({ input }: Task<Escalation<string>>, run) => {
  const failures = input.attempts.flatMap(({ failure }) => failure ?? []);
  return run.partial({ url: input.input, by: 'operator' }, { missing: ['the text'], failures });
});

const team = (limits: AnyRef, readings: Readings, page: Web, names = NAMES) =>
  overseer('scrapers', {
    workers: Object.fromEntries(names.map((n) => [n, scraper(n, limits, readings, page)])),
    ladder: [
      rung.retry(2),
      rung.strategy('proxy'),
      rung.strategy('API'),
      rung.reassign(),
      rung.escalate(operator),
    ],
    intensity: 2,
    attemptMs: Infinity,
  });

/** The same scrapers, and nobody who looks after them: each page goes to the next one, once. */
const unsupervised = (stage: Stage, limits: AnyRef, readings: Readings) => {
  const crew = NAMES.map((name) =>
    stage.system.spawn(scraper(name, limits, readings, web), { id: name }),
  );
  let turn = 0;
  return performer('scrapers', function* ({ input }: Task<string>, run) {
    const next = crew[turn++ % crew.length] as unknown as PerformerRef<string, Page>;
    return run.need(yield* run.perform(next, { input }));
  });
};

async function play(stage: Stage): Promise<void> {
  const readings = new Readings();
  const limits = stage.system.spawn(hosts(stage.without('limits') ? 20 : 2), { id: 'hosts' });
  const isBare = stage.without('supervision');
  const logic = isBare ? unsupervised(stage, limits, readings) : team(limits, readings, web);
  const scrapers = stage.system.spawn(logic, { id: 'scrapers' });
  stage.system.inspect((event) => {
    if (event.type === 'restarted') stage.say(`${event.path} is started again`);
    if (event.type !== 'report') return;
    const { label, fields } = event.report;
    if (label === 'overseer/worker_given_up')
      stage.say(`${(fields as { worker: string }).worker} crashed too often: it is given up`);
    const { what, why = '' } = fields as { what: string; why?: string };
    if (label === 'actors/decision' && !why.startsWith('first')) stage.say(`${what}: ${why}`);
  });
  const boss = isBare ? '/scrapers' : '/scrapers/team/crew/desk/agent';
  stage.system.spawn(
    fromHandler({
      *afterStart(_: undefined, ctx) {
        yield* ctx.sleep(500);
        stage.say(`${boss} is killed; ${readings.read.length} pages have been read`);
        const desk = agentName('/scrapers/team/crew/desk');
        ctx.exit(isBare ? scrapers : ctx.whereis(desk)!, { type: 'killed' });
      },
      receive: () => undefined,
    }),
  );

  const crawl = fanIn('crawl', { worker: scrapers, concurrency: 20, collect: (slots) => slots });
  const ref = stage.system.spawn(crawl, { id: 'crawl' });
  const outcome = await stage.perform(ref, { goal: 'read them all', input: URLS });
  const slots: readonly Slot<Page>[] = 'output' in outcome ? outcome.output : [];
  const by = (who: (page: Page) => boolean) =>
    slots.filter((slot) => slot.status === 'ok' && who(slot.output)).length;
  const read = by((page) => page.by !== 'operator');
  const escalated = by((page) => page.by === 'operator');
  stage.say(
    `${slots.length} pages: ${read} read, ${escalated} escalated, ${slots.length - read - escalated} lost`,
  );
  const twice = readings.read.length - new Set(readings.read).size;
  stage.say(`read twice: ${twice}; at one host at a time: ${readings.most} at most`);
}

const outcomes: Outcome[] = [];

export default {
  id: 'E3',
  name: 'scrapers',
  shows:
    'Scrapers are shut out and crash, their overseer is killed, and no page is lost or read twice.',
  removable: ['supervision', 'limits'],
  play,
  simulated: {
    name: 'two scrapers, two pages, and a web that does its worst',
    setup({ spawn, client }) {
      outcomes.length = 0;
      const limits = spawn(hosts(2), { id: 'hosts' });
      const worst: Web = () => choose('page', ['read', 'CAPTCHA', 'crash']);
      const ref = spawn(team(limits, new Readings(), worst, ['s1', 's2']), { id: 'scrapers' });
      for (const url of ['alpha/1', 'beta/1'])
        client(url.replace('/', '-'), function* (ctx) {
          const task = { id: url, goal: 'read', input: url };
          const asked = { type: 'task', task, by: ctx.self, timeoutMs: Infinity } as const;
          outcomes.push((yield* ctx.ask(ref, asked, { timeoutMs: Infinity })).outcome);
        });
    },
    faults: { crash: { of: ['scrapers/team/crew/desk/agent'], max: 1 } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    eventually: { 'each page is accounted for, once': () => outcomes.length === 2 },
  },
} satisfies Scenario;
