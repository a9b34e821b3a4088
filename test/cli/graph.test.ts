import { describe, expect, it } from 'vitest';
import { fixture, troupe } from './run.ts';

describe('troupe check --graph', { timeout: 60_000 }, () => {
  it('says who can send what to whom, what looks wrong, and what it cannot see', () => {
    const { status, stdout } = troupe('check', '--graph', fixture('machines'));
    expect(stdout).toMatch(/^team\n\ngraph LR\n/);
    expect(stdout).toContain('possible ask cycle: left ─q→ right ─q→ left');
    expect(stdout).toMatch(/what cannot be seen:\n {3}opaque is a function/);
    expect(status).toBe(0);
  });

  it('writes it as JSON', () => {
    const { stdout } = troupe('check', '--graph', '--json', fixture('machines'));
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'team', file: fixture('machines'), links: { length: 5 }, warnings: { length: 4 } },
    ]);
  });

  it('says so when there is nothing to look at', () => {
    const { status, stderr } = troupe('check', '--graph', fixture('none'));
    expect(stderr).toContain('exports no scenario and no machine');
    expect(status).toBe(2);
  });
});
