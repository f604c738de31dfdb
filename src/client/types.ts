// What controllers, kubelet, proxy and DNS know of the API server. The implementations (HTTPS with a kubeconfig, or the
// server's own handler in the same process) are beside this file.
import type { GroupVersionResource, KubeList, KubeObject, WatchEvent } from '../apimachinery/object.ts';

export interface ListOptions {
  /** Absent means all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
  /** Objects come with kind, apiVersion and metadata alone (meta.k8s.io PartialObjectMetadata), where the server can. */
  readonly metadataOnly?: boolean;
  /** Aborted, the answer is waited for no more. */
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  readonly signal: AbortSignal;
  readonly allowWatchBookmarks?: boolean;
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** Fields that the kind does not have are refused, as `kubectl apply` asks for. */
  readonly fieldValidation?: 'Strict';
  /** `status`, `scale`, `binding`, …; absent means the object itself. */
  readonly subresource?: string;
}

export interface PatchRequest {
  readonly name: string;
  readonly namespace?: string;
  readonly type: 'json' | 'merge' | 'strategic' | 'apply';
  readonly body: unknown;
  /** For `apply`: take over fields that others own. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/**
 * One resource of the API. Every call rejects with a StatusError (apimachinery/status.ts) when the server refuses. Objects say
 * their apiVersion and kind, those of lists too.
 */
export interface ResourceClient<T extends KubeObject> {
  get(name: string, namespace?: string): Promise<T>;
  list(options?: ListOptions): Promise<KubeList<T>>;
  /** Objects may be shared and must not be changed. */
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The namespace is the object's own. */
  create(object: T, options?: WriteOptions): Promise<T>;
  update(object: T, options?: WriteOptions): Promise<T>;
  patch(request: PatchRequest, options?: WriteOptions): Promise<T>;
  delete(name: string, namespace?: string, options?: DeleteOptions): Promise<void>;
}

export interface RawRequest {
  readonly method: string;
  /** With its query, from `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Of a watch: the caller takes {@link RawResponse.events} where there are some. */
  readonly takesEvents?: boolean;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** In place of the body, where server and client are one process. Objects are shared and must not be changed. */
  readonly events?: AsyncIterable<WatchEvent<KubeObject>>;
}

/** Carries one request to an API server: over HTTPS, or straight into the handler of the same process. */
export interface Transport {
  request(request: RawRequest): Promise<RawResponse>;
}

export interface Client {
  resource<T extends KubeObject>(resource: GroupVersionResource): ResourceClient<T>;
  /** For paths that are no resource (`/version`, `/healthz`). */
  raw(request: RawRequest): Promise<RawResponse>;
}

/** Read access to an informer's cache. Objects are shared and must not be changed. */
export interface Lister<T extends KubeObject> {
  get(name: string, namespace?: string): Readonly<T> | undefined;
  /** All, or those of one namespace. */
  list(namespace?: string): readonly Readonly<T>[];
}

export interface InformerHandler<T extends KubeObject> {
  added?(object: Readonly<T>): void;
  updated?(object: Readonly<T>, old: Readonly<T>): void;
  deleted?(object: Readonly<T>): void;
  /** Called once, after the first complete list was delivered. */
  synced?(): void;
}

/**
 * Keeps a copy of a resource by list and watch. Handlers see each change once and in order; after a lost watch it
 * lists again and delivers only what differs. A handler added late is given the present objects as `added`.
 */
export interface Informer<T extends KubeObject> {
  readonly lister: Lister<T>;
  readonly hasSynced: boolean;
  /** Resolves once the first list is in the cache; rejects when the signal aborts first. */
  synced(signal?: AbortSignal): Promise<void>;
  addHandler(handler: InformerHandler<T>): void;
  /** Runs until the signal aborts. Failures of the server are retried with back-off, never thrown. */
  run(signal: AbortSignal): Promise<void>;
}

export interface InformerScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** A server that does not know the field selector is asked for all objects, which handlers then must bear. */
  readonly isFieldSelectorOptional?: boolean;
}

/** Told of a resource's objects, of whom no copy is kept for it. No more than the metadata is to be looked at: there may be no more. */
export interface Follower {
  /** All that there is now follows: at first, and after a watch was lost. What went in between is not told. */
  listing(): void;
  /** The object is there: it has changed, or is told of as all are. `isNew`: it never was there before. */
  seen(object: Readonly<KubeObject>, isNew: boolean): void;
  gone(object: Readonly<KubeObject>): void;
  /** What {@link listing} began is complete. */
  listed(): void;
}

export interface Following {
  /** What is there, where others follow whole objects of the resource. */
  readonly lister: Lister<KubeObject> | undefined;
  /** Resolves once all that there is was told; rejects when the signal aborts first. */
  synced(signal?: AbortSignal): Promise<void>;
}

/** One informer per resource and scope, shared by all who ask. `run` starts those asked for so far, and later ones as they come. */
export interface Informers {
  informer<T extends KubeObject>(resource: GroupVersionResource, scope?: InformerScope): Informer<T>;
  /** Follows all objects of a resource: those of the informer of whole objects, where somebody has asked for one. */
  follow(resource: GroupVersionResource, follower: Follower): Following;
  /** Ends the informers of a resource that is served no more; who asks for it again gets a new one. */
  forget(resource: GroupVersionResource): void;
  run(signal: AbortSignal): Promise<void>;
}
