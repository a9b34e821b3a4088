/**
 * The shape of plain data: a small part of JSON Schema, enough for plans as JSON and for what a step
 * must give. Each misfit names its path.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** A JSON Schema of these keywords; no others. */
export interface JsonShape {
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';
  readonly properties?: Readonly<Record<string, JsonShape>>;
  readonly required?: readonly string[];
  /** What other properties may be; `false`: there are none. */
  readonly additionalProperties?: JsonShape | boolean;
  readonly items?: JsonShape;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonShape[];
  readonly $defs?: Readonly<Record<string, JsonShape>>;
  /** `#/$defs/NAME`: what stands under `$defs` of the whole shape. */
  readonly $ref?: string;
}

/** A place in a value, and what is wrong there. */
export interface Misfit {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** All places where a value is not as the shape says. */
export function misfitsOf(
  shape: JsonShape,
  value: unknown,
  path: Misfit['path'] = [],
  whole: JsonShape = shape,
): Misfit[] {
  const wrong = (message: string): Misfit[] => [{ path, message }];
  if (shape.$ref !== undefined) {
    const target = whole.$defs?.[shape.$ref.slice('#/$defs/'.length)];
    return target === undefined ? wrong(`no ${shape.$ref}`) : misfitsOf(target, value, path, whole);
  }
  if (shape.anyOf !== undefined) {
    const tagged = byTag(shape.anyOf, value);
    if (tagged !== undefined && 'allowed' in tagged)
      return [{ path: [...path, tagged.tag], message: `allowed: ${tagged.allowed.join(', ')}` }];
    const each = (tagged?.forms ?? shape.anyOf).map((one) => misfitsOf(one, value, path, whole));
    // The one that it comes nearest to says best what is missing.
    return each.reduce((best, next) => (next.length < best.length ? next : best));
  }
  if (shape.enum !== undefined && !shape.enum.includes(value))
    return wrong(`allowed: ${shape.enum.map((one) => JSON.stringify(one)).join(', ')}`);
  if (shape.type !== undefined && !isOf(shape.type, value)) return wrong(`allowed: ${shape.type}`);
  if (typeof value === 'string' && value.length < (shape.minLength ?? 0))
    return wrong(`allowed: at least ${shape.minLength} characters`);
  if (typeof value === 'number' && value < (shape.minimum ?? -Infinity))
    return wrong(`allowed: a number >= ${shape.minimum}`);
  if (Array.isArray(value)) {
    if (value.length < (shape.minItems ?? 0))
      return wrong(`allowed: at least ${shape.minItems} items`);
    const { items } = shape;
    if (items === undefined) return [];
    return value.flatMap((item, index) => misfitsOf(items, item, [...path, index], whole));
  }
  if (typeof value !== 'object' || value === null) return [];
  const { properties = {}, required = [], additionalProperties = true } = shape;
  const missing = required
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => ({ path: [...path, name], message: 'missing' }));
  const others = Object.entries(value).flatMap(([name, part]): Misfit[] => {
    const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    // What JSON leaves out is not there.
    if (own === true || part === undefined) return [];
    if (own !== false && own !== undefined) return misfitsOf(own, part, [...path, name], whole);
    const allowed = Object.keys(properties).join(', ');
    return [{ path: [...path, name], message: `unknown; there are: ${allowed}` }];
  });
  return [...missing, ...others];
}

/** Where a property tells the forms of an object apart: the forms that it may be by that, or what is allowed. */
function byTag(
  forms: readonly JsonShape[],
  value: unknown,
):
  | { readonly forms: readonly JsonShape[] }
  | { readonly tag: string; readonly allowed: readonly string[] }
  | undefined {
  const isTag = (name: string): boolean =>
    forms.every(({ properties }) => properties?.[name]?.enum !== undefined);
  const tag = Object.keys(forms[0]?.properties ?? {}).find(isTag);
  if (tag === undefined || !isOf('object', value)) return undefined;
  const said = (value as Readonly<Record<string, unknown>>)[tag];
  const tagsOf = ({ properties }: JsonShape): readonly unknown[] => properties?.[tag]?.enum ?? [];
  const fitting = forms.filter((form) => tagsOf(form).includes(said));
  if (fitting.length > 0) return { forms: fitting };
  return { tag, allowed: forms.flatMap(tagsOf).map((one) => JSON.stringify(one)) };
}

/** A shape as a Standard Schema, which can say itself as JSON Schema. */
export function schemaOf<TValue>(shape: JsonShape): StandardSchemaV1<unknown, TValue> {
  const standard = {
    version: 1,
    vendor: 'troupe',
    validate(value: unknown): StandardSchemaV1.Result<TValue> {
      const issues = misfitsOf(shape, value);
      return issues.length === 0 ? { value: value as TValue } : { issues };
    },
    jsonSchema: { input: () => shape, output: () => shape },
  } as const;
  return { '~standard': standard };
}

const KEYWORDS: JsonShape = {
  type: 'object',
  additionalProperties: false,
  properties: {
    description: { type: 'string' },
    type: { enum: ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] },
    properties: { type: 'object', additionalProperties: { $ref: '#/$defs/shape' } },
    required: { type: 'array', items: { type: 'string' } },
    additionalProperties: { anyOf: [{ type: 'boolean' }, { $ref: '#/$defs/shape' }] },
    items: { $ref: '#/$defs/shape' },
    minItems: { type: 'integer' },
    minLength: { type: 'integer' },
    minimum: { type: 'number' },
    enum: { type: 'array', minItems: 1 },
    anyOf: { type: 'array', minItems: 1, items: { $ref: '#/$defs/shape' } },
  },
};

/** The shape of a shape: what it does not know it must not silently ignore. */
export const SHAPE: JsonShape = { $ref: '#/$defs/shape', $defs: { shape: KEYWORDS } };

function isOf(type: NonNullable<JsonShape['type']>, value: unknown): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
