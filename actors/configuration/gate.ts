/**
 * The gate: which members of a team there are in an environment, by its flags.
 */
import { InvalidOption } from '../../runtime/index.ts';
import type { Team } from '../performer.ts';
import type { Config, FlagOf } from './config.ts';

/** A team in which those behind a flag may be missing. */
export type Gated<TTeam, TGated> = Omit<TTeam, keyof TGated> &
  Partial<Pick<TTeam, keyof TTeam & keyof TGated>>;

/**
 * The team without those whose flag is off: what is not there is not started, and nobody can give it
 * a task. Throws `InvalidOption` for a member that the team does not have, and for a flag that the
 * schema does not know.
 *
 * @example
 * ```ts
 * import { gate, loadConfig } from 'troupe/actors';
 * import { z } from 'zod';
 *
 * const schema = z.object({ flags: z.object({ summaries: z.boolean() }) });
 * const defaults = { flags: { summaries: false } };
 * const config = loadConfig({ name: 'desk', schema }, { environment: 'staging', defaults });
 * const team = gate(
 *   config,
 *   { answer: performer('answer', () => 'yes'), summarise: performer('summarise', () => 'y') },
 *   { summarise: 'summaries' },
 * );
 * const desk = performer(
 *   'desk',
 *   (_task, run) => (run.team.summarise === undefined ? 'no summaries here' : 'with summaries'),
 *   { team },
 * );
 * ```
 */
export function gate<
  T,
  TTeam extends Team,
  const TGated extends { readonly [K in keyof TTeam]?: FlagOf<T> },
>(config: Config<T>, team: TTeam, flags: TGated): Gated<TTeam, TGated> {
  for (const member of Object.keys(flags)) {
    if (Object.hasOwn(team, member)) continue;
    const allowed = Object.keys(team).join(', ');
    throw new InvalidOption({ field: 'gate', given: member, allowed });
  }
  const isThere = ([member]: [string, unknown]): boolean => {
    const flag = (flags as Readonly<Record<string, FlagOf<T> | undefined>>)[member];
    return flag === undefined || config.enabled(flag);
  };
  return Object.fromEntries(Object.entries(team).filter(isThere)) as Gated<TTeam, TGated>;
}
