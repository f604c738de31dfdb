// `portico/testing`: a cluster in the caller's own process (docs/testing.md).
export type { GroupVersionResource, KubeList, KubeObject, WatchEvent } from '../apimachinery/object.ts';
export { isAlreadyExists, isConflict, isNotFound, StatusError } from '../apimachinery/status.ts';
export type {
  DeleteOptions,
  ListOptions,
  PatchRequest,
  ResourceClient,
  WatchOptions,
  WriteOptions,
} from '../client/types.ts';
export type { Manifest } from './apply.ts';
export type { TestClock } from './cluster-clock.ts';
export * from './resources.ts';
export { type StartClusterOptions, startCluster, type TestCluster } from './start-cluster.ts';
export type { ObjectName } from './wait-for.ts';
