// How a kind is described. The API server serves whatever is described; a further kind is one small folder under
// src/api/<group>/<version>/<kind>/ that exports a ResourceDefinition, and one line in src/api/registry.ts.
import type { KubeObject } from '../apimachinery/object.ts';
import type { ObjectSchema } from '../apimachinery/schema/schema.ts';
import type { FieldError } from '../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from './apiextensions/v1/types.generated.ts';

/** What discovery says of a resource: one row of api-facts/resources.tsv. */
export interface ResourceFacts {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural; a subresource is `pods/log`. */
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  /** What discovery tells, where that is not all of `verbs`. */
  readonly discoveryVerbs?: readonly string[];
  /** Where the kind lives when that is not the resource's own group and version: `autoscaling/v1` of `scale`. */
  readonly kindGroupVersion?: { readonly group: string; readonly version: string };
}

/** A column of `kubectl get` (meta.k8s.io/v1 TableColumnDefinition). Priority 1 is shown with `-o wide` only. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  readonly priority: 0 | 1;
}

/**
 * The strategy of a kind: what happens to an object on its way in. Objects given to `default*` and `prepare*` are
 * fresh copies and are changed in place; `old` is never changed. All functions are pure otherwise.
 */
export interface Strategy<T extends KubeObject> {
  /** Fills in defaults, as upstream's SetDefaults_* do; runs on every write. */
  default?(object: T): void;
  /** Clears what a client may not set on create (status) and sets generation. */
  prepareForCreate?(object: T, warn?: (text: string) => void): void;
  /** Keeps what a client may not change with PUT (status), drops fields that the new type does not use, counts generation. */
  prepareForUpdate?(object: T, old: T): void;
  /** For PUT and PATCH of /status: keeps everything but status. Absent: the generic rule. */
  prepareForStatusUpdate?(object: T, old: T): void;
  /** Of a new object, in full: metadata too. */
  validate?(object: T): FieldError[];
  /** Of a changed object, in full: `validate` does not run on updates, since what was once valid may stay. */
  validateUpdate?(object: T, old: T, warn?: (text: string) => void): FieldError[];
  validateStatusUpdate?(object: T, old: T, warn?: (text: string) => void): FieldError[];
  /** Of writes to further subresources, by name: `resize`. What is not here follows the rules of the object itself. */
  readonly subresources?: Readonly<Record<string, SubresourceStrategy<T>>>;
  /** Texts for the Warning header (RFC 7234 warn-code 299). */
  warnings?(object: T, old?: T): string[];
  /** The same for writes to /status. */
  statusWarnings?(object: T): string[];
}

/**
 * How a resource's objects are kept when that is not as they are served: in the place of another resource, in another
 * version, or in need of a last touch when they are read. Definitions that name one place show the same objects: each
 * turns what is stored into its own version, whoever wrote it.
 */
export interface StorageForm {
  /** Objects are kept under `/registry/GROUP/RESOURCE/` of these; an empty group is the core group. */
  readonly group: string;
  readonly resource: string;
  /**
   * Stored objects (fresh copies, of any version that was ever stored) made what this definition serves: kind and
   * apiVersion too, in the order given. Absent: what is stored is served as it is, without being parsed. A promise where
   * it takes another program (a conversion webhook). Throws or rejects with a StatusError when it cannot.
   */
  fromStorage?(objects: KubeObject[]): KubeObject[] | Promise<KubeObject[]>;
  /** A valid object of this definition (a fresh copy) made what is stored. Absent: it is stored as it is. */
  toStorage?(object: KubeObject): KubeObject | Promise<KubeObject>;
}

/** Objects of a resource as another of its versions has them. */
export interface ConvertedVersion {
  readonly schema: ObjectSchema;
  /** An object of any version (which is not changed) made one of this. */
  convert(object: KubeObject): KubeObject;
}

/** What is special about writes to a subresource. */
export interface SubresourceStrategy<T extends KubeObject> {
  /** Keeps what the subresource does not change. */
  prepareForUpdate?(object: T, old: T): void;
  validateUpdate?(object: T, old: T): FieldError[];
}

/** meta.k8s.io/v1. */
export interface TableRowCondition {
  readonly type: 'Completed';
  readonly status: 'True';
  readonly reason: string;
  readonly message: string;
}

export interface ResourceDefinition<T extends KubeObject = KubeObject> extends ResourceFacts {
  /** `status`, `scale`, `log`, …: each also a row of the facts. */
  readonly subresources: readonly ResourceFacts[];
  readonly strategy: Strategy<T>;
  /** Fields for field selectors beside metadata.name and metadata.namespace, as their text; `undefined` is the empty string. */
  readonly selectableFields: Readonly<Record<string, (object: T) => string | undefined>>;
  /** What is said of any other field, in the words of the kind's own conversion, where those are not the usual ones. */
  unselectable?(field: string): string;
  readonly columns: readonly Column[];
  /** The cells of one row, in the order of `columns`. `now` in milliseconds since the epoch, for ages. */
  cells(object: T, now: number): unknown[];
  /** What clients may leave out by it, or print otherwise (upstream TableRowCondition): pods that have ended are Completed. */
  rowConditions?(object: T): readonly TableRowCondition[];
  /** The order of a Table's rows, where it is not that of names. */
  rowOrder?(a: T, b: T): number;
  /** PUT to a name that is not there creates (upstream AllowCreateOnUpdate). */
  readonly allowCreateOnUpdate: boolean;
  /** PUT without resourceVersion overwrites (upstream AllowUnconditionalUpdate). */
  readonly allowUnconditionalUpdate: boolean;
  /** DELETE answers with the object rather than with a Status (upstream ReturnDeletedObject). */
  readonly returnsDeletedObject: boolean;
  /**
   * DELETE that says nothing of dependents lets them be (upstream DefaultGarbageCollectionPolicy); the warning tells clients so.
   * Absent: they go.
   */
  readonly orphansByDefault?: { readonly warning?: string };
  /** Why DELETE of the object of this name is refused; undefined: it is not. That of a collection goes by no name. */
  undeletable?(name: string): string | undefined;
  /** A text for the Warning header of every answer, reads too: the whole kind is deprecated. */
  readonly deprecation?: string;
  /** Seconds that DELETE without options waits (Pods: their terminationGracePeriodSeconds); undefined is no graceful deletion. */
  gracePeriodSeconds?(object: T): number | undefined;
  /** The kind of a list, where that is not the kind's name with `List`. */
  readonly listKind?: string;
  /** Absent: objects are kept as they are served, under the resource's own group and name. */
  readonly storage?: StorageForm;
  /** The type, where the tables of facts do not have the kind. */
  readonly schema?: ObjectSchema;
  /** A version of a custom resource, served or not; undefined: there is none. Built-in versions are found in the registry. */
  inVersion?(apiVersion: string): ConvertedVersion | undefined;
  /** Loads what the rules of a write need (a library, compiled expressions): runs before them, cheap when done. */
  load?(): Promise<void>;
  /** Where the scale subresource finds and puts numbers, for kinds without `spec.replicas`: paths of field names. */
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath?: string;
  };
  /** The type for OpenAPI, where the tables of facts do not have the kind. */
  readonly openApiSchema?: JSONSchemaProps;
  /** Aborts when the resource is no longer served: its watches end. */
  readonly gone?: AbortSignal;
  /** base64 of what tells clients that storage changed (discovery's storageVersionHash). */
  readonly storageVersionHash?: string;
}
