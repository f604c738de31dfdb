// The columns of a custom resource (additionalPrinterColumns) and their cells.
import { findValues, type PathStep, parseJsonPath } from '../../api/apiextensions/schema/json-path.ts';
import type { CustomResourceColumnDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { nameColumn } from '../../api/define.ts';
import type { Column, ResourceDefinition } from '../../api/resource.ts';
import { age } from '../../apimachinery/duration.ts';
import { goText, printedJson } from '../../apimachinery/json/go-text.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { parseTime } from '../../apimachinery/time.ts';

const usual: readonly CustomResourceColumnDefinition[] = [
  {
    name: 'Age',
    type: 'date',
    jsonPath: '.metadata.creationTimestamp',
    description: 'When the object was created.',
  },
];

export function tableOf(
  given: readonly CustomResourceColumnDefinition[],
): Pick<ResourceDefinition, 'columns' | 'cells'> {
  const own = (given.length > 0 ? given : usual).map((column) => ({ column, path: parseJsonPath(column.jsonPath) }));
  // Upstream shows none of the columns from the first one that it cannot read.
  const broken = own.findIndex(({ path }) => path === undefined);
  const readable = broken < 0 ? own : own.slice(0, broken);
  return {
    columns: [nameColumn, ...readable.map(({ column }) => columnOf(column))],
    cells: (object, now) => [
      object.metadata.name,
      ...readable.map(({ column, path }) => cellOf(object, { type: column.type, path: path ?? [], now })),
    ],
  };
}

function columnOf({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column {
  return {
    name,
    type: type as Column['type'],
    format: format ?? '',
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: (priority ?? 0) as Column['priority'],
  };
}

interface CellRequest {
  readonly type: string;
  readonly path: readonly PathStep[];
  readonly now: number;
}

function cellOf(object: unknown, { type, path, now }: CellRequest): unknown {
  const [value] = findValues(object, path);
  if (value === undefined) return null;
  switch (type) {
    case 'string':
      return printed(value);
    case 'integer':
      return typeof value === 'bigint' ? value : typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      // Nothing is no time, but is not wrong either.
      if (value === '' || value === 'null') return age(undefined, now);
      return parseTime(value) === undefined ? '<invalid>' : age(value, now);
    default:
      return null;
  }
}

/** As kubectl's JSONPath prints a value. */
function printed(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return '<no value>';
  return isObject(value) || Array.isArray(value) ? printedJson(value) : goText(value);
}
