import { deepEqual } from '../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../apimachinery/validation/names.ts';
import { immutableMessage, nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateCSIDriverName } from '../../core/v1/volume-sources.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { nonNegative } from '../../validation/values.ts';
import type { CSINode, CSINodeDriver } from './types.generated.ts';

const { required, invalid, duplicate } = fieldError;

const maxNodeID = 256;

function validateDrivers(drivers: readonly CSINodeDriver[]): FieldError[] {
  const seen = new Set<string>();
  return drivers.flatMap((driver, i) => {
    const at = `spec.drivers[${i}]`;
    const errors = [
      ...validateCSIDriverName(`${at}.name`, driver.name),
      ...validateNodeID(`${at}.nodeID`, driver.nodeID),
      ...nonNegative(`${at}.allocatable.count`, driver.allocatable?.count),
    ];
    if (seen.has(driver.name)) errors.push(duplicate(`${at}.name`, driver.name));
    seen.add(driver.name);
    const keys = driver.topologyKeys ?? [];
    for (const [j, key] of keys.entries()) {
      if (!key) errors.push(required(at));
      if (keys.indexOf(key) < j) errors.push(duplicate(at, key));
      errors.push(...nameErrors(qualifiedName, at, key));
    }
    return errors;
  });
}

function validateNodeID(field: string, id: string): FieldError[] {
  if (!id) return [required(field)];
  return Buffer.byteLength(id) > maxNodeID ? [invalid(field, id, `must be ${maxNodeID} characters or less`)] : [];
}

/** A driver that a node has stays as it is there: it goes, and comes anew. */
function validateUpdate({ spec }: CSINode, old: CSINode): FieldError[] {
  const before = new Map((old.spec.drivers ?? []).map((driver) => [driver.name, driver]));
  const changed = (spec.drivers ?? []).filter((driver) => {
    const was = before.get(driver.name);
    return was && !deepEqual({ ...driver, allocatable: undefined }, { ...was, allocatable: undefined });
  });
  const errors = validateDrivers(spec.drivers ?? []);
  return [...errors, ...changed.map((driver) => invalid('spec.drivers', printedDriver(driver), immutableMessage))];
}

/** As upstream prints it: of its own type, which has no JSON names, without what may change. */
function printedDriver({ name: Name, nodeID: NodeID, topologyKeys }: CSINodeDriver): unknown {
  return { Name, NodeID, TopologyKeys: topologyKeys ?? null, Allocatable: null };
}

/** What the drivers on a node call it. */
export const csiNode: Kind<CSINode> = {
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  strategy: { validate: ({ spec }) => validateDrivers(spec.drivers ?? []), validateUpdate },
  columns: [nameColumn, column('Drivers', 'How many drivers the node has.', { type: 'integer' }), ageColumn],
  cells: (object, now) => [object.metadata.name, object.spec.drivers?.length ?? 0, ageCell(object, now)],
};
