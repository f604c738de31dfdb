// The parameters of paths and queries: which operation takes which, of what type, and what each says.

import { table } from '../../apimachinery/table.ts';
import type { JsonSchema, OpenApiVersion } from './components.ts';

/** Query parameters by operation. */
export const query = {
  write: ['dryRun', 'fieldManager', 'fieldValidation'],
  list: [
    'allowWatchBookmarks',
    'continue',
    'fieldSelector',
    'labelSelector',
    'limit',
    'resourceVersion',
    'resourceVersionMatch',
    'sendInitialEvents',
    'timeoutSeconds',
    'watch',
  ],
  delete: [
    'dryRun',
    'gracePeriodSeconds',
    'ignoreStoreReadErrorWithClusterBreakingPotential',
    'orphanDependents',
    'propagationPolicy',
  ],
} as const;

const booleans = new Set([
  'allowWatchBookmarks',
  'sendInitialEvents',
  'watch',
  'force',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'follow',
  'insecureSkipTLSVerifyBackend',
  'previous',
  'stderr',
  'stdin',
  'stdout',
  'timestamps',
  'tty',
]);
const integers = new Set([
  'limit',
  'timeoutSeconds',
  'gracePeriodSeconds',
  'limitBytes',
  'ports',
  'sinceSeconds',
  'tailLines',
]);

const parameterDescriptions = table<string>({
  allowWatchBookmarks: 'Whether a watch is told now and then how far it has come, by events of type BOOKMARK.',
  command: 'What to run, a word each; no shell reads it.',
  container: 'The container; may be left out where the pod has one, or names a default.',
  continue: 'The continue of the page before.',
  dryRun: 'All: everything is checked and answered as if, and nothing is kept.',
  fieldManager: 'Who writes, for managed fields; the first part of User-Agent when not set. An apply needs it.',
  fieldSelector: 'Only objects with these values of fields, as in metadata.name=a,status.phase!=Running.',
  fieldValidation:
    'What becomes of unknown and repeated fields: Strict refuses, Warn (the default) warns, Ignore drops them.',
  follow: 'Goes on with what is written later.',
  force: 'Of an apply: fields of other managers are taken over.',
  gracePeriodSeconds: 'Seconds until the object goes; 0 is at once.',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'Delete the object though it cannot be read.',
  labelSelector: 'Only objects with these labels, as in app=a,tier in (b,c),!old.',
  insecureSkipTLSVerifyBackend: 'Takes a kubelet for what it says it is.',
  limit: 'At most this many objects; the continue of the answer leads to the rest.',
  limitBytes: 'At most this many bytes.',
  name: 'The name of the object.',
  namespace: 'The namespace of the object.',
  orphanDependents: 'Deprecated: use propagationPolicy.',
  path: 'What follows in the path of the request that is passed on.',
  ports: 'The ports to forward, for clients that name them at once.',
  pretty: 'true: JSON is indented.',
  previous: 'The log of the container before its last restart.',
  propagationPolicy: 'What becomes of dependents: Background, Foreground or Orphan.',
  resourceVersion:
    'Of lists: not older than this, or as resourceVersionMatch says; 0 is any. Of watches: only what changed later.',
  resourceVersionMatch: 'Exact or NotOlderThan.',
  sendInitialEvents: 'Of watches: what is there comes first, as events of type ADDED, and then a BOOKMARK.',
  sinceSeconds: 'Only what was written in the last so many seconds.',
  stderr: 'Whether the standard error is passed on.',
  stdin: 'Whether the standard input is passed on.',
  stdout: 'Whether the standard output is passed on.',
  stream: 'All, Stdout or Stderr.',
  tailLines: 'Only the last so many lines.',
  timeoutSeconds: 'Seconds after which the answer ends.',
  timestamps: 'Each line begins with the time at which it was written.',
  tty: 'Whether the command has a terminal.',
  watch: 'Changes as they happen, instead of a list.',
});

/** A parameter, in the words of Swagger or of OpenAPI 3. */
export function parameter(name: string, place: 'path' | 'query', version: OpenApiVersion): JsonSchema {
  const type = booleans.has(name) ? 'boolean' : integers.has(name) ? 'integer' : 'string';
  const description = parameterDescriptions[name];
  const common = {
    name,
    in: place,
    ...(description && { description }),
    ...(place === 'path' && { required: true }),
  };
  if (version === 2) return { ...common, type, uniqueItems: true };
  return { ...common, schema: { type, uniqueItems: true } };
}
