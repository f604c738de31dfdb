// Who owns which field: recorded on every write.
import type { KubeObject } from '../../apimachinery/object.ts';
import type { WriteQuery } from './options.ts';
import type { ResourceRequest } from './resource-request.ts';

export function recordManager(
  _request: ResourceRequest,
  _write: {
    readonly object: KubeObject;
    readonly old: Readonly<KubeObject> | undefined;
    readonly fieldManager: string;
  },
): void {}

export function applyConfiguration(
  _request: ResourceRequest,
  _apply: {
    readonly configuration: unknown;
    readonly old: Readonly<KubeObject> | undefined;
    readonly query: WriteQuery;
  },
): KubeObject {
  throw new Error('server-side apply is not there yet');
}
