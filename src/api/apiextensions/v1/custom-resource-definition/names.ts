// Which of the names that a definition asks for it gets: those that no other definition of its group has
// (upstream's naming condition controller).
import { aggregate } from '../../../../apimachinery/aggregate.ts';
import { jsonEqual } from '../../../../apimachinery/json/value.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../types.generated.ts';
import { type Condition, findCondition } from './conditions.ts';

export interface NamesDecision {
  readonly acceptedNames: CustomResourceDefinitionNames;
  readonly namesAccepted: Condition;
  /** Undefined: stays as it is. */
  readonly established: Condition | undefined;
}

/** `others` are the definitions of the same group, without this one. Undefined: it has the names that it asks for. */
export function decideNames(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): NamesDecision | undefined {
  if (jsonEqual(definition.spec.names, definition.status?.acceptedNames ?? {})) return undefined;
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { status } of [definition, ...others]) {
    const { plural = '', singular = '', shortNames = [], kind = '', listKind = '' } = status?.acceptedNames ?? {};
    for (const name of [plural, singular, ...shortNames]) resources.add(name);
    for (const name of [kind, listKind]) kinds.add(name);
  }
  const wanted = definition.spec.names;
  const accepted: CustomResourceDefinitionNames = { ...(definition.status?.acceptedNames ?? { kind: '', plural: '' }) };
  let refusal: Pick<Condition, 'reason' | 'message'> | undefined;
  const decide = (field: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: ReadonlySet<string>) => {
    const name = wanted[field] ?? '';
    if (name !== accepted[field] && used.has(name)) refusal = { reason, message: inUse(name) };
    else accepted[field] = name;
  };
  decide('plural', 'PluralConflict', resources);
  decide('singular', 'SingularConflict', resources);
  const taken = (wanted.shortNames ?? []).filter((name) => !accepted.shortNames?.includes(name) && resources.has(name));
  if (taken.length > 0) {
    refusal = { reason: 'ShortNamesConflict', message: aggregate(taken.map(inUse)) };
  } else if (wanted.shortNames) accepted.shortNames = [...wanted.shortNames];
  else delete accepted.shortNames;
  decide('kind', 'KindConflict', kinds);
  decide('listKind', 'ListKindConflict', kinds);
  if (wanted.categories) accepted.categories = [...wanted.categories];
  else delete accepted.categories;
  return { acceptedNames: accepted, ...conditionsFor(definition, refusal) };
}

function inUse(name: string): string {
  return `${JSON.stringify(name)} is already in use`;
}

function conditionsFor(
  definition: CustomResourceDefinition,
  refusal: Pick<Condition, 'reason' | 'message'> | undefined,
): Pick<NamesDecision, 'namesAccepted' | 'established'> {
  const present = findCondition(definition, 'Established');
  if (refusal) {
    const established = {
      type: 'Established',
      status: 'False',
      reason: 'NotAccepted',
      message: 'not all names are accepted',
    };
    return {
      namesAccepted: { type: 'NamesAccepted', status: 'False', ...refusal },
      established: present ? undefined : established,
    };
  }
  // That it is established is said once this is seen.
  const established = {
    type: 'Established',
    status: 'False',
    reason: 'Installing',
    message: 'the initial names have been accepted',
  };
  return {
    namesAccepted: { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
    established: present?.status === 'True' ? undefined : established,
  };
}
