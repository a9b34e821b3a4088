import { describe, expect, it } from 'vitest';
import {
  markdownOf,
  sequenceDiagram,
  svgOf,
  waitForGraph,
  type Report,
  type Step,
} from 'troupe/simulation';
import { reports } from './failures.ts';

/** A report whose shrunk run has other steps. */
function withSteps(steps: readonly Step[]): Report<undefined> {
  const report = reports.overtaking();
  const failure = report.failure!;
  return { ...report, failure: { ...failure, minimal: { ...failure.minimal!, steps } } };
}

const [plainStep] = reports.stuck().failure!.steps as [Step];

describe('the sequence in Mermaid', () => {
  it('has a lane for each agent that has part in it, and no other', () => {
    const text = sequenceDiagram(reports.overtaking());
    expect(text.split('\n')[0]).toBe('sequenceDiagram');
    const lanes = [...text.matchAll(/(?:actor|participant) \w+ as (.*)/g)].map(([, lane]) => lane);
    expect(lanes).toEqual(['outside', 'A', 'B', 'C']);
  });

  it('frames the message that overtakes another, and shows the late one', () => {
    expect(sequenceDiagram(reports.overtaking())).toMatch(
      /rect rgba\(.*\)\n +p2->>p3: \d+\. use\n +p1--\)p3: init is still on its way\n +end/,
    );
  });

  it('draws a loop as a loop', () => {
    expect(sequenceDiagram(reports.handoff())).toMatch(
      /loop for ever\n.*p1->>p2: 2\. task\n.*p2->>p1: 3\. task\n[\s\S]*end$/,
    );
  });

  it('says who owes what', () => {
    expect(sequenceDiagram(reports.stuck())).toContain('owes outside the answer to q');
    expect(sequenceDiagram(reports.deadlock())).toContain('note over p1: waits for B (q)');
  });

  it('shows crashes and restarts in the lane of their agent', () => {
    const notes = ['W crashed: Error: no; really', 'W restarted (life 2)'];
    const text = sequenceDiagram(withSteps([{ ...plainStep, id: 'B>C:use#1', agent: 'C', notes }]));
    const [, lane] = /participant (\w+) as W/.exec(text) ?? [];
    expect(text).toContain(`note over ${lane}: W crashed: Error: no#59; really`);
    expect(text).toContain(`note over ${lane}: ✂ restarted, life 2`);
  });

  it('shows 40 arrows at most, and counts the rest', () => {
    const steps = Array.from({ length: 100 }, (_, index) => ({
      ...plainStep,
      id: `A>C:m#${index + 1}`,
      agent: 'C',
      cause: index - 1,
    }));
    const text = sequenceDiagram(withSteps(steps));
    expect(text.match(/->>/g)).toHaveLength(40);
    expect(text).toContain('… 60 more steps …');
  });

  it('opens as many frames as it closes', () => {
    for (const make of Object.values(reports)) {
      const text = sequenceDiagram(make());
      expect(text.match(/^ +(rect|loop) /gm)?.length ?? 0).toBe(
        text.match(/^ +end$/gm)?.length ?? 0,
      );
    }
  });
});

describe('the graph of who waits for whom', () => {
  it('is a circle', () => {
    expect(waitForGraph(reports.deadlock())).toBe(
      'graph LR\n  p0["A"]\n  p1["B"]\n  p0 -- "q" --> p1\n  p1 -- "q" --> p0',
    );
  });

  it('is empty when nobody waits in a circle', () => {
    expect(waitForGraph(reports.stuck())).toBe('');
  });
});

describe('the SVG', () => {
  it.each(Object.keys(reports) as (keyof typeof reports)[])('of %s stands alone', (name) => {
    const svg = svgOf(reports[name]());
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="[\d.]+" height="[\d.]+"/,
    );
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg).not.toMatch(/<script|<image|href=|@import|url\(|NaN|undefined|Infinity/);
    // Well-formed: every element that is opened is closed.
    const depth = [...svg.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)].reduce(
      (sum, [, close, , empty]) => sum + (close === '/' ? -1 : empty === '/' ? 0 : 1),
      0,
    );
    expect(depth).toBe(0);
  });

  it('writes what a program calls its things as text, not as markup', () => {
    const report = reports.stuck();
    const svg = svgOf({ ...report, name: '<b>&"' });
    expect(svg).toContain('&lt;b&gt;&amp;&quot;');
    expect(svg).not.toContain('<b>');
  });

  it('slants the message that is late, from where it was sent', () => {
    const svg = svgOf(reports.overtaking());
    const [, y1, y2] =
      /<line class="arrow late pending" x1="[\d.]+" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)"/.exec(
        svg,
      ) ?? [];
    expect(Number(y2)).toBeGreaterThan(Number(y1) + 20);
  });
});

it('a page holds the explanation and the diagrams', () => {
  const page = markdownOf(reports.deadlock(), 'the text');
  expect(page).toMatch(/^# DEADLOCK: two that wait\n/);
  expect(page).toContain('```text\nthe text\n```');
  expect(page.match(/```mermaid/g)).toHaveLength(2);
});
