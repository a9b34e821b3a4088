/** Configuration (R33): layers, checks, secrets that stay secret, flags, and the diff of two environments. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { diffConfigs } from '../../../actors/configuration/diff.ts';
import {
  InvalidConfig,
  loadConfig,
  type ConfigSources,
} from '../../../actors/configuration/config.ts';
import { Secret } from '../../../actors/configuration/secret.ts';

const spec = {
  name: 'desk',
  schema: z.object({
    model: z.object({ endpoint: z.url(), apiKey: z.instanceof(Secret) }),
    limits: z.object({ calls: z.coerce.number().int().positive() }).default({ calls: 5 }),
    hosts: z.array(z.string()).default([]),
    flags: z.object({ summaries: z.boolean().default(false) }).default({ summaries: false }),
  }),
  secrets: ['model.apiKey'],
  variables: { 'model.apiKey': 'DESK_API_KEY', 'limits.calls': 'DESK_CALLS' },
};
const endpoint = 'https://models.example.org';
const key = 'sk-very-secret';
const complete: ConfigSources = {
  environment: 'staging',
  defaults: { model: { endpoint } },
  variables: { DESK_API_KEY: key },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(file: string, values: unknown): void {
  writeFileSync(join(folder, file), typeof values === 'string' ? values : JSON.stringify(values));
}

describe('layers', () => {
  test('cover each other: defaults, file, file of the environment, variables, arguments', () => {
    const layers: Partial<ConfigSources>[] = [
      { defaults: { model: { endpoint }, limits: { calls: 1 } } },
      { folder },
      { folder },
      { variables: { DESK_API_KEY: key, DESK_CALLS: '4' } },
      { args: { 'limits.calls': 5 } },
    ];
    const origins = [
      'defaults',
      'desk.json',
      'desk.staging.json',
      'DESK_CALLS',
      'argument limits.calls',
    ];
    let sources: ConfigSources = complete;
    for (const [index, layer] of layers.entries()) {
      if (index === 1) write('desk.json', { limits: { calls: 2 } });
      if (index === 2) write('desk.staging.json', { limits: { calls: 3 } });
      sources = { ...sources, ...layer };
      const config = loadConfig(spec, sources);
      expect(config.value.limits.calls).toBe(index + 1);
      expect(config.origin('limits.calls')).toBe(origins[index]);
    }
  });

  test('leave what they do not name, and replace lists whole', () => {
    write('desk.json', { hosts: ['a', 'b'], limits: { calls: 7 } });
    write('desk.staging.json', { hosts: ['c'] });
    const { value } = loadConfig(spec, { ...complete, folder });
    expect(value.hosts).toEqual(['c']);
    expect(value.limits.calls).toBe(7);
  });

  test('of another environment are not read', () => {
    write('desk.production.json', { limits: { calls: 9 } });
    expect(loadConfig(spec, { ...complete, folder }).value.limits.calls).toBe(5);
  });

  test('treat an empty variable as not set', () => {
    const variables = { DESK_API_KEY: key, DESK_CALLS: '' };
    expect(loadConfig(spec, { ...complete, variables }).value.limits.calls).toBe(5);
  });

  test('cannot reach into what every object inherits', () => {
    write('desk.json', '{"__proto__": {"polluted": true}}');
    expect(() => loadConfig(spec, { ...complete, folder })).toThrow(/desk\.json.*__proto__/);
    expect(() => loadConfig(spec, { ...complete, args: { '__proto__.polluted': true } })).toThrow(
      /argument __proto__\.polluted/,
    );
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('a start is refused', () => {
  test('with every missing key, and where it can be set', () => {
    const error = failure({ environment: 'production', folder });
    expect(error).toBeInstanceOf(InvalidConfig);
    expect(error.message).toMatch(/desk for production/);
    expect(error.message).toMatch(
      /model: .*not set; set it in desk\.production\.json or desk\.json/,
    );
    const half = failure({ environment: 'production', defaults: { model: { endpoint } } });
    expect(half.message).toMatch(/model\.apiKey: .*set it in DESK_API_KEY/);
  });

  test('with the layer that set a wrong value', () => {
    const variables = { DESK_API_KEY: key, DESK_CALLS: 'many' };
    const error = failure({ ...complete, variables });
    expect((error as InvalidConfig).problems).toEqual([
      expect.stringMatching(/^limits\.calls: .*\(from DESK_CALLS\)$/),
    ]);
  });

  test('for a file that is no JSON, without its text', () => {
    write('desk.json', `{"model": {"apiKey": ${key}}}`);
    const error = failure({ ...complete, folder });
    expect(error.message).toMatch(/desk\.json: given "text that is no JSON"/);
    expect(error.message).not.toContain(key.slice(0, 4));
  });

  test.each([['[]'], ['null'], ['3']])('for a file that is no object: %s', (text) => {
    write('desk.json', text);
    expect(() => loadConfig(spec, { ...complete, folder })).toThrow(/a JSON object/);
  });

  test('for an environment that would name a file elsewhere', () => {
    expect(() => loadConfig(spec, { ...complete, environment: '../prod' })).toThrow(/environment/);
  });
});

describe('a secret', () => {
  test('is a handle that no text, copy or error shows', () => {
    const config = loadConfig(spec, complete);
    const { apiKey } = config.value.model;
    expect(apiKey.reveal()).toBe(key);
    const shown = [
      String(apiKey),
      format('%s %o', apiKey, apiKey),
      inspect(config, { depth: 9, showHidden: true }),
      JSON.stringify(config.value),
      inspect(structuredClone(apiKey), { showHidden: true }),
      JSON.stringify([...config.sourced]),
    ];
    for (const text of shown) expect(text).not.toContain(key);
  });

  test('of the wrong kind is refused without being shown', () => {
    const error = failure({ ...complete, variables: {}, args: { 'model.apiKey': [key] } });
    expect(error.message).toMatch(/model\.apiKey: a secret must be a string/);
    expect(error.message).not.toContain(key);
  });
});

test('the values are frozen and typed by the schema', () => {
  const { value } = loadConfig(spec, complete);
  expectTypeOf(value.limits.calls).toEqualTypeOf<number>();
  expectTypeOf(value.model.apiKey).toEqualTypeOf<Secret>();
  expect(() => ((value.limits as { calls: number }).calls = 1)).toThrow(TypeError);
});

test('a scope shows an agent its keys and no others', () => {
  const view = loadConfig(spec, complete).scope('limits', 'hosts');
  expectTypeOf(view).toEqualTypeOf<{ limits: { calls: number }; hosts: string[] }>();
  expect(Object.keys(view)).toEqual(['limits', 'hosts']);
});

test('a flag is on or off, and one that the schema does not know is an error', () => {
  const config = loadConfig(spec, { ...complete, args: { 'flags.summaries': true } });
  expect(config.enabled('summaries')).toBe(true);
  expect(loadConfig(spec, complete).enabled('summaries')).toBe(false);
  // @ts-expect-error the schema has no such flag
  expect(() => config.enabled('sumaries')).toThrow(/"sumaries", allowed: summaries/);
});

test('the diff of two environments names path, values and layers, and shows no secret', () => {
  write('desk.production.json', { limits: { calls: 50 }, hosts: ['a'] });
  const staging = loadConfig(spec, { ...complete, folder });
  const production = loadConfig(spec, {
    ...complete,
    folder,
    environment: 'production',
    variables: { DESK_API_KEY: 'sk-other' },
  });
  const differences = diffConfigs(staging, production);
  expect(differences).toEqual([
    { path: 'hosts', right: { value: ['a'], origin: 'desk.production.json' } },
    { path: 'limits.calls', right: { value: 50, origin: 'desk.production.json' } },
    {
      path: 'model.apiKey',
      left: { value: '[secret model.apiKey]', origin: 'DESK_API_KEY' },
      right: { value: '[secret model.apiKey]', origin: 'DESK_API_KEY' },
    },
  ]);
  expect(diffConfigs(staging, staging)).toEqual([]);
});

function failure(sources: ConfigSources): Error {
  try {
    loadConfig(spec, sources);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the configuration was accepted');
}
