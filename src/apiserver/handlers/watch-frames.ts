// Sends the events of a watch in the form and encoding the client asked for: as bytes, or to a reader in this process as
// they are.
import { apiVersionOf, type KubeObject, type WatchEvent } from '../../apimachinery/object.ts';
import type { StatusError } from '../../apimachinery/status.ts';
import { loadProtobuf, messageOf, type Protobuf } from '../encoding.ts';
import type { ByteSink } from '../request.ts';
import type { CacheEvent, ChangeType } from '../watch-cache/resource-cache.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import {
  emptyRow,
  includeObject,
  isMetadataForm,
  listTypeOf,
  partialMetadata,
  type TableRow,
  tableColumns,
  tableOf,
  tableRow,
} from './render.ts';
import type { ResourceRequest } from './resource-request.ts';

type Frame = string | Uint8Array;

/** One watcher's. Watchers of the same form share what a change is encoded to. */
export class WatchFrames {
  readonly #request: ResourceRequest;
  /** Loaded when the client wants it. */
  readonly #protobuf: Protobuf | undefined;
  /** Names the form; undefined for whole objects in JSON, which events encode by themselves. */
  readonly #key: string | undefined;
  /** The columns of a Table go with the first event only. */
  #hasColumns = false;

  constructor(request: ResourceRequest, protobuf: Protobuf | undefined) {
    const { encoding, as, version } = request.format;
    this.#request = request;
    this.#protobuf = protobuf;
    const include = as === 'Table' ? includeObject(request.request.query) : '';
    this.#key = as === 'object' && encoding === 'json' ? undefined : [encoding, as, version, include].join(' ');
  }

  /** A change, told as an event of another type where a selector makes it one. */
  change(event: CacheEvent, type: ChangeType, sink: ByteSink): void {
    if (this.#key === undefined) {
      if (sink.writeEvent) sink.writeEvent({ type, object: event.stateFor(type).object });
      else sink.write(event.frame(type));
      return;
    }
    if (sink.writeEvent && this.#isMetadata) {
      sink.writeEvent({ type, object: this.#metadataOf(event.stateFor(type)) });
      return;
    }
    const key = `${this.#key} ${type} ${this.#hasColumns}`;
    const frame = event.encoded(key, () => this.#frame(type, event.stateFor(type)));
    this.#hasColumns = true;
    sink.write(frame);
  }

  /** An object that was there before the watch began. Returns what the sink returns. */
  present(stored: StoredObject, sink: ByteSink): boolean {
    if (this.#key === undefined && sink.writeEvent) return sink.writeEvent({ type: 'ADDED', object: stored.object });
    if (sink.writeEvent && this.#isMetadata) {
      return sink.writeEvent({ type: 'ADDED', object: this.#metadataOf(stored) });
    }
    const frame = this.#frame('ADDED', stored);
    this.#hasColumns = true;
    return sink.write(frame);
  }

  get #isMetadata(): boolean {
    const { as, encoding } = this.#request.format;
    return encoding === 'json' && isMetadataForm({ as });
  }

  /** For readers in this process. */
  #metadataOf({ metadata }: StoredObject): KubeObject {
    return partialMetadata({ metadata }, this.#request.format.version);
  }

  bookmark(sink: ByteSink, revision: number, annotations?: Readonly<Record<string, string>>): void {
    const { definition } = this.#request;
    const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
    const plain = { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata };
    this.#send('BOOKMARK', this.#bookmarkView(plain as unknown as KubeObject), sink);
    this.#hasColumns = true;
  }

  /** The end of the present state. A list to put it in goes with it: clients that read a list this way begin with that. */
  initialEventsEnd(sink: ByteSink, revision: number): void {
    this.bookmark(sink, revision, {
      'k8s.io/initial-events-end': 'true',
      'kubernetes.io/initial-events-list-blueprint': emptyList(this.#request, this.#protobuf).toString('base64'),
    });
  }

  #bookmarkView(plain: KubeObject): unknown {
    const { format } = this.#request;
    if (format.as === 'object') return plain;
    if (isMetadataForm(format)) return partialMetadata(plain, format.version);
    return this.#table(emptyRow(plain, this.#request), plain);
  }

  error({ status }: StatusError, sink: ByteSink): void {
    this.#send('ERROR', status, sink);
  }

  #send(type: 'BOOKMARK' | 'ERROR', object: unknown, sink: ByteSink): void {
    if (this.#key === undefined && sink.writeEvent) sink.writeEvent({ type, object } as WatchEvent<KubeObject>);
    else sink.write(this.#encode(type, object));
  }

  #frame(type: ChangeType, stored: StoredObject): Frame {
    const { format } = this.#request;
    if (format.as === 'object') return this.#wholeObject(type, stored);
    const { object } = stored;
    if (isMetadataForm(format)) return this.#encode(type, partialMetadata(object, format.version));
    return this.#encode(type, this.#table(tableRow(object, this.#request), object));
  }

  #table(row: TableRow, { metadata }: Readonly<KubeObject>): unknown {
    const { format, definition } = this.#request;
    const columns = this.#hasColumns ? null : tableColumns(definition);
    const { resourceVersion } = metadata;
    return tableOf([row], { resourceVersion }, { version: format.version, columns });
  }

  #wholeObject(type: ChangeType, stored: StoredObject): Frame {
    const protobuf = this.#protobuf;
    if (!protobuf) return `{"type":"${type}","object":${stored.text}}\n`;
    const { definition } = this.#request;
    const typed = { apiVersion: apiVersionOf(definition), kind: definition.kind };
    const message = stored.message((object) => messageOf(object, protobuf));
    return protobuf.watchFrame(type, protobuf.enveloped(typed, message));
  }

  #encode(type: string, object: unknown): Frame {
    const protobuf = this.#protobuf;
    if (!protobuf) return `${JSON.stringify({ type, object })}\n`;
    const typed = object as { apiVersion: string; kind: string };
    return protobuf.watchFrame(type, protobuf.enveloped(typed, messageOf(typed, protobuf)));
  }
}

/** As a list of nothing would be answered in this form and encoding, but for its revision. */
function emptyList(request: ResourceRequest, protobuf: Protobuf | undefined): Buffer {
  const { definition, format } = request;
  const metadata = {};
  if (protobuf) {
    const { head, tail } = protobuf.encodeList({ ...listTypeOf(request), metadata, items: [] });
    return Buffer.concat([head, tail]);
  }
  const list =
    format.as === 'Table'
      ? tableOf([], metadata, { version: format.version, columns: tableColumns(definition) })
      : { ...listTypeOf(request), metadata, items: null };
  return Buffer.from(`${JSON.stringify(list)}\n`);
}

export async function watchFrames(request: ResourceRequest): Promise<WatchFrames> {
  return new WatchFrames(request, request.format.encoding === 'protobuf' ? await loadProtobuf() : undefined);
}
