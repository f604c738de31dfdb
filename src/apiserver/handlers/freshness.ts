// Reads that name a resourceVersion are answered by a cache that has come so far.

import { tooLargeResourceVersion } from '../errors.ts';
import { revisionOf } from './options.ts';
import type { ResourceRequest } from './resource-request.ts';

/** How long a reader waits for a revision that has not happened yet. */
const freshnessMs = 3000;

/** For a GET of one object that names a resourceVersion: as {@link notOlderThan}. */
export async function asFreshAsWanted(request: ResourceRequest): Promise<void> {
  const { query } = request.request;
  const wanted = query.size > 0 ? query.get('resourceVersion') : null;
  if (wanted && revisionOf(wanted) > 0) await notOlderThan(request, wanted);
}

/** Waits a little for a revision that is yet to come; then 504. */
export async function notOlderThan({ parts }: ResourceRequest, resourceVersion: string): Promise<void> {
  const { cache, clock } = parts;
  const revision = Number(resourceVersion);
  if (cache.revision >= revision) return;
  const late = new AbortController();
  const timer = clock.after(freshnessMs, () => late.abort());
  await cache.waitFor(revision, late.signal);
  timer.cancel();
  if (cache.revision < revision) throw tooLargeResourceVersion(resourceVersion, cache.revision);
}
