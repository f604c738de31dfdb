// Turns the facts of a resource and what its kind adds into a ResourceDefinition: what holds for every kind (metadata,
// status, generation, the Name and Age columns) is here, so that a kind's folder says only what is its own.

import { age } from '../apimachinery/duration.ts';
import { deepEqual, isEmptyObject, setKey } from '../apimachinery/json/value.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import type { FieldError } from '../apimachinery/validation/field-error.ts';
import { type NameRule, pathSegment } from '../apimachinery/validation/names.ts';
import {
  type ObjectMetaRules,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../apimachinery/validation/object-meta.ts';
import type { Column, ResourceDefinition, ResourceFacts, StorageForm, Strategy } from './resource.ts';

type CountedMetadata = 'with annotations' | 'with labels';

/** What a kind adds to the generic definition. */
export interface Kind<T extends KubeObject> {
  readonly strategy?: Strategy<T>;
  /** What names look like; default: a DNS-1123 subdomain. */
  readonly nameRule?: NameRule;
  /** Finalizers need no domain. */
  readonly plainFinalizers?: boolean;
  readonly selectableFields?: ResourceDefinition<T>['selectableFields'];
  readonly unselectable?: ResourceDefinition<T>['unselectable'];
  readonly undeletable?: ResourceDefinition<T>['undeletable'];
  readonly columns?: readonly Column[];
  readonly cells?: (object: T, now: number) => unknown[];
  readonly rowConditions?: ResourceDefinition<T>['rowConditions'];
  readonly rowOrder?: ResourceDefinition<T>['rowOrder'];
  readonly allowCreateOnUpdate?: boolean;
  /** Default: true. */
  readonly allowUnconditionalUpdate?: boolean;
  readonly returnsDeletedObject?: boolean;
  readonly orphansByDefault?: ResourceDefinition['orphansByDefault'];
  readonly gracePeriodSeconds?: (object: T) => number | undefined;
  /** metadata.generation is kept: it counts changes of everything but metadata and status; of one part of metadata too if so. */
  readonly countsGeneration?: boolean | CountedMetadata;
  /** What status is on create; absent: `{}` where there is a status subresource. */
  readonly emptyStatus?: () => unknown;
  /** What of metadata a write of the status leaves as it was; absent: only what no client can change. */
  readonly statusKeeps?: 'labels' | 'metadata';
  /** The client may bring a status. */
  readonly keepsStatusOnCreate?: boolean;
  readonly deprecation?: string;
  /** Where and as what objects are kept, when not as they are served: two versions of one kind name one place. */
  readonly storage?: StorageForm;
}

/** Forgets the kind's type, so that definitions of all kinds fit one table: each is only ever given its own objects. */
export function anyKind<T extends KubeObject>(kind: Kind<T>): Kind<KubeObject> {
  return kind as unknown as Kind<KubeObject>;
}

/** An object of which only the parts that all kinds share are known. */
interface Generic extends KubeObject {
  status?: unknown;
}

/** A column; `priority` 1 is shown with `-o wide` only. */
export function column(
  name: string,
  description: string,
  options: { readonly type?: Column['type']; readonly format?: string; readonly priority?: 0 | 1 } = {},
): Column {
  const { type = 'string', format, priority = 0 } = options;
  return { name, type, ...(format !== undefined && { format }), description, priority };
}

export const nameColumn = column('Name', 'The name of the object, unique within its namespace and kind.', {
  format: 'name',
});

export const ageColumn = column('Age', 'The time since the object was created.');

/** The second column of kinds that upstream has no printer for: a time of day. */
const createdColumn = column('Created At', 'When the object was created.', { type: 'date' });

export function ageCell(object: KubeObject, now: number): string {
  return age(object.metadata.creationTimestamp, now);
}

export function defineResource<T extends KubeObject>(
  facts: ResourceFacts,
  subresources: readonly ResourceFacts[],
  kind: Kind<T> = {},
): ResourceDefinition<T> {
  return {
    ...facts,
    subresources,
    strategy: genericStrategy(facts, subresources, kind),
    selectableFields: kind.selectableFields ?? {},
    columns: kind.columns ?? [nameColumn, createdColumn],
    cells: kind.cells ?? ((object) => [object.metadata.name, object.metadata.creationTimestamp ?? '<unknown>']),
    allowCreateOnUpdate: kind.allowCreateOnUpdate ?? false,
    allowUnconditionalUpdate: kind.allowUnconditionalUpdate ?? true,
    returnsDeletedObject: kind.returnsDeletedObject ?? false,
    ...(kind.rowConditions && { rowConditions: kind.rowConditions }),
    ...(kind.rowOrder && { rowOrder: kind.rowOrder }),
    ...(kind.unselectable && { unselectable: kind.unselectable }),
    ...(kind.undeletable && { undeletable: kind.undeletable }),
    ...(kind.orphansByDefault && { orphansByDefault: kind.orphansByDefault }),
    ...(kind.deprecation && { deprecation: kind.deprecation }),
    ...(kind.storage && { storage: kind.storage }),
    ...(kind.gracePeriodSeconds && { gracePeriodSeconds: kind.gracePeriodSeconds }),
  };
}

function genericStrategy<T extends KubeObject>(
  facts: ResourceFacts,
  subresources: readonly ResourceFacts[],
  kind: Kind<T>,
): Strategy<T> {
  const own = kind.strategy ?? {};
  const hasStatus = subresources.some(({ resource }) => resource.endsWith('/status'));
  const emptyStatus = kind.emptyStatus ?? (hasStatus && !kind.keepsStatusOnCreate ? () => ({}) : undefined);
  const { nameRule, plainFinalizers = false } = kind;
  const rules = { namespaced: facts.namespaced, plainFinalizers, ...(nameRule && { name: nameRule }) };
  return {
    default(object: T) {
      dropEmptyMetadata(object);
      own.default?.(object);
    },
    prepareForCreate(object: T, warn?: (text: string) => void) {
      if (emptyStatus) (object as Generic).status = emptyStatus();
      if (kind.countsGeneration) object.metadata.generation = 1;
      own.prepareForCreate?.(object, warn);
    },
    prepareForUpdate(object: T, old: T) {
      if (hasStatus) keepStatus(object, old);
      own.prepareForUpdate?.(object, old);
      if (kind.countsGeneration) countGeneration(object, old, kind.countsGeneration);
    },
    prepareForStatusUpdate(object: T, old: T) {
      if (own.prepareForStatusUpdate) own.prepareForStatusUpdate(object, old);
      else keepAllButStatus(object, old);
      if (kind.statusKeeps) keepMetadata(object, old, fieldsKept[kind.statusKeeps]);
    },
    validate(object: T): FieldError[] {
      return joined(validateObjectMeta(object.metadata, rules), own.validate?.(object));
    },
    validateUpdate(object: T, old: T, warn?: (text: string) => void): FieldError[] {
      return [...validateAnyUpdate(object, old, rules), ...(own.validateUpdate?.(object, old, warn) ?? [])];
    },
    validateStatusUpdate(object: T, old: T, warn?: (text: string) => void): FieldError[] {
      return [...validateAnyUpdate(object, old, rules), ...(own.validateStatusUpdate?.(object, old, warn) ?? [])];
    },
    warnings: (object: T, old?: T) => own.warnings?.(object, old) ?? [],
    ...(own.statusWarnings && { statusWarnings: own.statusWarnings }),
    ...(own.subresources && {
      subresources: subresourceStrategies(own.subresources, { ...kind, namespaced: facts.namespaced }),
    }),
  };
}

/** Mostly nothing is wrong, and nothing is copied. */
function joined(first: FieldError[], second: FieldError[] = []): FieldError[] {
  if (first.length === 0) return second;
  return second.length === 0 ? first : [...first, ...second];
}

/** Metadata and generation are looked after as in writes of the object itself. */
function subresourceStrategies<T extends KubeObject>(
  subresources: NonNullable<Strategy<T>['subresources']>,
  { countsGeneration, plainFinalizers = false, namespaced }: Kind<T> & { readonly namespaced: boolean },
): NonNullable<Strategy<T>['subresources']> {
  return Object.fromEntries(
    Object.entries(subresources).map(([name, own]) => [
      name,
      {
        prepareForUpdate(object: T, old: T) {
          own.prepareForUpdate?.(object, old);
          if (countsGeneration) countGeneration(object, old, countsGeneration);
        },
        validateUpdate: (object: T, old: T) => [
          ...validateAnyUpdate(object, old, { namespaced, plainFinalizers }),
          ...(own.validateUpdate?.(object, old) ?? []),
        ],
      },
    ]),
  );
}

/** Upstream looks three times: as at any object, as at any update, and with the kind. So often a cause appears in the answer. */
function validateAnyUpdate(
  object: KubeObject,
  old: KubeObject,
  { namespaced, plainFinalizers }: Omit<ObjectMetaRules, 'name'>,
): FieldError[] {
  const { metadata } = object;
  return [
    ...validateObjectMeta(metadata, { namespaced, name: pathSegment, plainFinalizers: true }),
    ...validateObjectMetaUpdate(metadata, old.metadata, { plainFinalizers: true }),
    ...validateObjectMetaUpdate(metadata, old.metadata, { plainFinalizers: plainFinalizers ?? false }),
  ];
}

/** For {@link Strategy.prepareForUpdate}. */
export function keepStatus(object: Generic, old: Generic): void {
  if (old.status === undefined) delete object.status;
  else object.status = old.status;
}

/** A write to /status changes status and metadata (see `statusKeeps`); all else stays as it was. */
export function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  const target = object as Generic & Record<string, unknown>;
  const source = old as Generic & Record<string, unknown>;
  for (const key of Object.keys(target)) {
    if (!Object.hasOwn(source, key) && key !== 'status' && key !== 'apiVersion' && key !== 'kind') delete target[key];
  }
  for (const [key, value] of Object.entries(source)) {
    if (key !== 'status' && key !== 'metadata' && key !== 'apiVersion' && key !== 'kind') setKey(target, key, value);
  }
  keepMetadata(target, source, ['generation']);
}

type OwnMetadata = 'generation' | 'labels' | 'annotations' | 'finalizers' | 'ownerReferences';

/** What of metadata clients write. */
export const writtenMetadata = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** Of what is named in `statusKeeps`. */
const fieldsKept = {
  labels: ['labels'],
  metadata: writtenMetadata,
} as const satisfies Record<string, readonly OwnMetadata[]>;

/** For writes that are not about metadata. */
export function keepMetadata(object: KubeObject, old: KubeObject, keys: readonly OwnMetadata[]): void {
  for (const key of keys) {
    if (old.metadata[key] === undefined) delete object.metadata[key];
    else Object.assign(object.metadata, { [key]: old.metadata[key] });
  }
}

/** Everything but metadata and status. */
function content(object: KubeObject): unknown {
  const { metadata: _metadata, status: _status, apiVersion: _apiVersion, kind: _kind, ...rest } = object as Generic;
  return rest;
}

function countGeneration(object: KubeObject, old: KubeObject, counted: true | CountedMetadata): void {
  const before = old.metadata.generation ?? 0;
  const part = counted === true ? undefined : counted === 'with labels' ? 'labels' : 'annotations';
  const same =
    deepEqual(content(object), content(old)) &&
    (!part || deepEqual(object.metadata[part] ?? {}, old.metadata[part] ?? {}));
  object.metadata.generation = same ? before : before + 1;
}

/** An empty text, list or map is the same as none, as it is to every client written in Go. */
function dropEmptyMetadata({ metadata }: KubeObject): void {
  for (const field of ['labels', 'annotations'] as const) {
    if (metadata[field] && isEmptyObject(metadata[field])) delete metadata[field];
  }
  for (const field of ['finalizers', 'ownerReferences'] as const) {
    if (metadata[field]?.length === 0) delete metadata[field];
  }
  if (metadata.generateName === '') delete metadata.generateName;
}
