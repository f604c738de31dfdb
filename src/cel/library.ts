// All functions of the Kubernetes environment (apiserver/pkg/cel/environment, of release 1.36), by name.
import { table } from '../apimachinery/table.ts';
import { addressFunctions } from './functions/addresses.ts';
import { authorizerFunctions } from './functions/authorizer.ts';
import { standardFunctions } from './functions/conversions.ts';
import { kubernetesFunctions } from './functions/kubernetes.ts';
import { listFunctions } from './functions/lists.ts';
import { operators } from './functions/operators.ts';
import { semverFunctions } from './functions/semver.ts';
import { stringFunctions } from './functions/strings.ts';
import type { Overload } from './overload.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  string,
  timestamp,
  uint,
} from './types.ts';

function byName(overloads: readonly Overload[]): ReadonlyMap<string, readonly Overload[]> {
  const found = new Map<string, Overload[]>();
  for (const overload of overloads) {
    const same = found.get(overload.name);
    if (same) same.push(overload);
    else found.set(overload.name, [overload]);
  }
  return found;
}

export const library: ReadonlyMap<string, readonly Overload[]> = byName([
  ...operators(),
  ...standardFunctions(),
  ...stringFunctions(),
  ...listFunctions(),
  ...kubernetesFunctions(),
  ...addressFunctions(),
  ...semverFunctions(),
  ...authorizerFunctions(),
]);

/** Names that stand for types: `type(x) == string`. The value is the type's name at run time. */
export const typeNames = table<{ readonly type: CelType; readonly name: string }>({
  bool: { type: bool, name: 'bool' },
  bytes: { type: bytes, name: 'bytes' },
  double: { type: double, name: 'double' },
  int: { type: int, name: 'int' },
  uint: { type: uint, name: 'uint' },
  string: { type: string, name: 'string' },
  null_type: { type: nullType, name: 'null_type' },
  list: { type: listOf(dyn), name: 'list' },
  map: { type: mapOf(dyn, dyn), name: 'map' },
  type: { type: { kind: 'primitive', name: 'type' }, name: 'type' },
  'google.protobuf.Timestamp': { type: timestamp, name: 'google.protobuf.Timestamp' },
  'google.protobuf.Duration': { type: duration, name: 'google.protobuf.Duration' },
});
