import { expect, test } from 'vitest';
import {
  autoUpdate,
  bootstrapFlowSchemas,
  bootstrapPriorityLevels,
  type FlowSchemaObject,
} from './bootstrap-objects.ts';
import { danglingCondition, isObsolete, reconciledConfiguration } from './reconcile.ts';

const named = (name: string) => bootstrapFlowSchemas.find(({ metadata }) => metadata.name === name)!;

/** A stored one, as somebody left it. */
function present(name: string, { precedence = 7, kept = 'true', generation = 2 } = {}) {
  const { metadata, spec, ...rest } = named(name);
  const annotations: Record<string, string> = kept === '' ? {} : { [autoUpdate]: kept };
  const changed = { ...spec!, matchingPrecedence: precedence };
  return { ...rest, metadata: { ...metadata, generation, annotations }, spec: changed } as FlowSchemaObject;
}

test('every schema names a priority level that is there', () => {
  const levels = new Set(bootstrapPriorityLevels.map(({ metadata }) => metadata.name));
  expect(bootstrapFlowSchemas.map(({ spec }) => levels.has(spec!.priorityLevelConfiguration.name!))).not.toContain(
    false,
  );
  expect([bootstrapFlowSchemas.length, levels.size]).toEqual([11, 8]);
});

test.each([
  // name, what is stored, the precedence and the annotation that it comes to have (undefined: it is left alone)
  ['probes', { precedence: 2 }, undefined],
  ['probes', {}, [2, 'true']],
  ['probes', { kept: 'false' }, undefined],
  ['probes', { kept: '' }, [7, 'false']],
  ['probes', { kept: '', generation: 1 }, [2, 'true']],
  ['probes', { kept: 'perhaps' }, [7, 'false']],
  ['exempt', { kept: 'false' }, [1, 'true']],
  ['catch-all', {}, [10_000, 'true']],
] as const)('%s, stored as %j', (name, stored, wanted) => {
  const changed = reconciledConfiguration(present(name, stored), named(name));
  const found = changed && [changed.spec?.matchingPrecedence, changed.metadata.annotations?.[autoUpdate]];
  expect(found).toEqual(wanted);
});

test('users say how much of the exempt level is lent, and nothing else of it', () => {
  const exempt = bootstrapPriorityLevels.find(({ metadata }) => metadata.name === 'exempt')!;
  const lent = { ...exempt, spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 9, lendablePercent: 50 } } };
  expect(reconciledConfiguration(lent, exempt)).toBeUndefined();
  expect(reconciledConfiguration({ ...lent, spec: { type: 'Exempt' } }, exempt)?.spec).toEqual(exempt.spec);
});

test('what an older version made is removed, unless somebody took it over', () => {
  const old = (annotations: Record<string, string>) => ({ metadata: { name: 'old', annotations } });
  expect(isObsolete(old({ [autoUpdate]: 'true' }), bootstrapFlowSchemas)).toBe(true);
  expect(isObsolete(old({ [autoUpdate]: 'false' }), bootstrapFlowSchemas)).toBe(false);
  expect(isObsolete(old({}), bootstrapFlowSchemas)).toBe(false);
  expect(isObsolete(named('probes'), bootstrapFlowSchemas)).toBe(false);
});

test('a schema whose priority level is missing says so', () => {
  const schema = named('service-accounts');
  const found = danglingCondition(schema, new Set(['workload-low']), 'now');
  const about = 'This FlowSchema references the PriorityLevelConfiguration object named "workload-low"';
  expect(found).toEqual({
    ...{ type: 'Dangling', status: 'False', reason: 'Found', lastTransitionTime: 'now' },
    message: `${about} and it exists`,
  });
  const told = { ...schema, status: { conditions: [found!] } };
  expect(danglingCondition(told, new Set(['workload-low']), 'later')).toBeUndefined();
  expect(danglingCondition(told, new Set(), 'later')).toEqual({
    ...{ type: 'Dangling', status: 'True', reason: 'NotFound', lastTransitionTime: 'later' },
    message: `${about} but there is no such object`,
  });
});
