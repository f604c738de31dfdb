// What the server does with its own FlowSchemas and PriorityLevelConfigurations, and with the status of all FlowSchemas.
import type { FlowSchemaCondition } from '../../api/flowcontrol/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { autoUpdate, type FlowSchemaObject, mandatoryNames, type PriorityLevelObject } from './bootstrap-objects.ts';

export type Configuration = FlowSchemaObject | PriorityLevelObject;

/** As Go's strconv.ParseBool. */
function parseBool(text: string | undefined): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text ?? '')) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text ?? '') ? false : undefined;
}

/**
 * The object as it should be, or undefined where it is so. A mandatory one gets its spec back; another only while its annotation
 * says so, or says nothing and nobody changed its spec yet: who does is left alone from then on (upstream's ensurer).
 */
export function reconciledConfiguration<T extends Configuration>(present: Readonly<T>, expected: T): T | undefined {
  const { annotations, generation, name } = present.metadata;
  const said = parseBool(annotations?.[autoUpdate]);
  const isKept = mandatoryNames.has(name) || (said ?? generation === 1);
  const isChanged = isKept && !isAsExpected(present.spec, expected.spec);
  if (said === isKept && !isChanged) return undefined;
  return {
    ...present,
    metadata: { ...present.metadata, annotations: { ...annotations, [autoUpdate]: String(isKept) } },
    ...(isChanged && { spec: expected.spec }),
  };
}

/** How much of the exempt level others may borrow is the users' to say. */
function isAsExpected(present: Configuration['spec'], expected: Configuration['spec']): boolean {
  const own = present && 'exempt' in present && present.exempt;
  return jsonEqual(present, expected && 'exempt' in expected && own ? { ...expected, exempt: own } : expected);
}

/** Objects of an older version that are no more: the server made them, and nobody took them over. */
export function isObsolete({ metadata }: Readonly<KubeObject>, expected: readonly KubeObject[]): boolean {
  const isKnown = expected.some((one) => one.metadata.name === metadata.name);
  return !isKnown && parseBool(metadata.annotations?.[autoUpdate]) === true;
}

/** The condition Dangling that a FlowSchema should have; undefined: it has it. `now` as RFC 3339. */
export function danglingCondition(
  { spec, status }: Readonly<FlowSchemaObject>,
  levels: ReadonlySet<string>,
  now: string,
): FlowSchemaCondition | undefined {
  const { name = '' } = spec?.priorityLevelConfiguration ?? {};
  const isFound = levels.has(name);
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
  const wanted = {
    type: 'Dangling',
    status: isFound ? 'False' : 'True',
    reason: isFound ? 'Found' : 'NotFound',
    message: `${about} ${isFound ? 'and it exists' : 'but there is no such object'}`,
  };
  const present = status?.conditions?.find(({ type }) => type === wanted.type);
  const isSame =
    present?.status === wanted.status && present.reason === wanted.reason && present.message === wanted.message;
  return isSame ? undefined : { ...wanted, lastTransitionTime: now };
}
