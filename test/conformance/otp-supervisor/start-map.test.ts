// OTP's supervisor_SUITE, group sup_start_map. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import {
  ChildNotFound,
  InvalidOption,
  StartFailed,
  dynamicSupervisor,
  getChildSpec,
  startChild,
  supervisor,
} from 'troupe';
import { Stage } from '../../supervision/cast.ts';

describe('sup_start_map', () => {
  it('sup_start_map: a spec gets its defaults filled in, and an unknown id is not found', async () => {
    const stage = new Stage();
    const worker = stage.worker('a');
    const inner = dynamicSupervisor();
    const sup = await stage.start(
      supervisor({
        children: [
          { id: 'a', logic: worker },
          { id: 'b', logic: inner },
        ],
      }),
    );
    expect(await stage.run(getChildSpec(sup, 'a'))).toMatchObject({
      id: 'a',
      logic: worker,
      restart: 'permanent',
      shutdown: 5_000,
      type: 'worker',
      significant: false,
    });
    expect(await stage.run(getChildSpec(sup, 'b'))).toMatchObject({
      id: 'b',
      logic: inner,
      restart: 'permanent',
      shutdown: 'infinity',
      type: 'supervisor',
    });
    expect(await stage.failure(getChildSpec(sup, 'c'))).toBeInstanceOf(ChildNotFound);
  });

  it('sup_start_map_simple: a dynamic supervisor gives the spec of a child by its ref, and none for a stranger', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const stranger = await stage.start(stage.worker('s'), 'stranger');
    const ref = await stage.run(startChild(sup, stage.spec('a', { restart: 'transient' })));
    expect(await stage.run(getChildSpec(sup, ref))).toMatchObject({
      id: 'a',
      restart: 'transient',
      shutdown: 5_000,
      type: 'worker',
      significant: false,
    });
    expect(await stage.failure(getChildSpec(sup, stranger))).toBeInstanceOf(ChildNotFound);
  });

  it('sup_start_map_faulty_specs: a faulty spec fails the start and is named; so does an unknown key, which OTP ignores', async () => {
    const stage = new Stage();
    const logic = stage.worker('a');
    const faulty = [
      [{ logic }, 'children[0].id'],
      [{ id: 'a' }, 'children[0].logic'],
      ['a', 'children[0]'],
      [null, 'children[0]'],
      [{ id: 'a', logic, colour: 'green' }, 'children[0].colour'],
    ] as const;
    for (const [spec, field] of faulty) {
      const options = { children: [spec as never] };
      expect(() => supervisor(options)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', field }) as Error,
      );
      const starting = stage.system.start(
        supervisor(() => options),
        { id: 'sup' },
      );
      const error = (await stage.failure(starting)) as StartFailed;
      expect(error).toBeInstanceOf(StartFailed);
      expect(error.cause).toMatchObject({ field });
      expect(error.cause).toBeInstanceOf(InvalidOption);
    }
  });
});
