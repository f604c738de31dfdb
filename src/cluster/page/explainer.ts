// Answers the page's questions about the cluster, now or at an earlier moment, with the functions of src/explain.
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/types.ts';
import type { HistoryAnswer, PlanAnswer } from '../../explain/answers.ts';
import type { WorldFollower } from '../../explain/history/world-follower.ts';
import { type Asked, askConnections } from '../../explain/live/connections.ts';
import type { Moment, Picture } from '../../explain/picture/picture.ts';
import type { Story } from '../../explain/story/story.ts';
import type { Trace } from '../../explain/trace/trace.ts';
import { type ProxyMode, type ProxySettings, proxyModes } from '../../proxy/settings.ts';
import { proxySettings } from '../agent/proxy-settings.ts';
import type { ClusterSettings } from '../cluster-settings.ts';
import type { KnownNetwork } from './sessions.ts';

export interface Asking extends Pick<KnownNetwork, 'proxyMode'> {
  readonly client: Client;
}

/** Milliseconds by which those who ask may be ahead. */
const clockSkew = 60_000;
/** A slider has no more steps than pixels. */
const mostChanges = 2000;

export class Explainer {
  readonly #world: WorldFollower;
  readonly #cluster: ClusterSettings;

  constructor(world: WorldFollower, cluster: ClusterSettings) {
    this.#world = world;
    this.#cluster = cluster;
  }

  /** The world now, or as of a revision or a time (RFC 3339). Throws a StatusError for what is not kept. */
  at(when: string | null): Moment & { readonly objects: readonly KubeObject[] } {
    const { history, revision } = this.#world;
    if (when === null || when === '') {
      return { revision, time: history.last.time, objects: this.#world.objects() };
    }
    const moment = momentOf(when);
    const now = this.#world.now();
    if ('time' in moment && moment.time > now + clockSkew) {
      throw badRequest(`${when} is in the future: now it is ${new Date(now).toISOString()}`);
    }
    const found = history.at(moment);
    if (found) return found;
    const { first } = history;
    throw new StatusError({
      code: 410,
      reason: 'Expired',
      message: `${when} is before what is kept: history begins at revision ${first.revision}, ${new Date(first.time).toISOString()}`,
    });
  }

  history(): HistoryAnswer {
    const { first, last } = this.#world.history;
    return { first, last, changes: this.#world.history.changes().slice(-mostChanges) };
  }

  async picture(when: string | null): Promise<Picture> {
    const { itemsOf } = await import('../../explain/picture/picture-state.ts');
    const { revision, time, objects } = this.at(when);
    return { revision, time, items: itemsOf(objects) };
  }

  async story(service: string, when: string | null, mode: string | undefined): Promise<Story> {
    const { tellStory } = await import('../../explain/story/tell-story.ts');
    const { objects } = this.at(when);
    const story = await tellStory({
      objects,
      service,
      settings: this.#settings(mode),
      clusterDomain: this.#cluster.clusterDomain,
    });
    if (story) return story;
    throw new StatusError({ code: 404, reason: 'NotFound', message: `there is no Service ${service}` });
  }

  async trace(query: URLSearchParams, { proxyMode, reach }: KnownNetwork): Promise<Trace> {
    const [{ parseFrom, parseTo, TraceError }, { tracePacket }] = await Promise.all([
      import('../../explain/trace/ends.ts'),
      import('../../explain/trace/trace-packet.ts'),
    ]);
    const { objects } = this.at(query.get('at'));
    try {
      return tracePacket({
        objects,
        from: parseFrom(query.get('from') ?? '', 'default'),
        to: parseTo(query.get('to') ?? ''),
        settings: this.#settings(query.get('mode') ?? proxyMode),
        clusterDomain: this.#cluster.clusterDomain,
        entryNode: query.get('via') ?? undefined,
        reach,
      });
    } catch (error) {
      if (error instanceof TraceError) throw badRequest(error.message);
      throw error;
    }
  }

  /** A trace that nobody asked for, where there is something to trace. */
  async traceSomething(): Promise<void> {
    const objects = this.#world.objects();
    const pod = objects.find((object) => object.kind === 'Pod' && isRunning(object as Pod));
    const services = objects.filter((object) => object.kind === 'Service' && hasClusterIP(object as Service));
    // The first there is in most clusters leads to the API server alone.
    const service = services.at(-1) as Service | undefined;
    if (!pod || !service) return;
    const from = `pod/${objectKey(pod)}`;
    const to = `${service.metadata.name}.${service.metadata.namespace}:${service.spec.ports?.[0]?.port ?? 80}`;
    await this.trace(new URLSearchParams({ from, to }), {});
  }

  /** Connections through the doors of all Services, as the nodes' agents tell. */
  async connections(client: Client): Promise<Asked> {
    return askConnections(client, this.#world.objects());
  }

  /** `proposal` is `{manifests: YAML, without: [KIND/NAME]}`; the API server judges the manifests as the asking user's. */
  async plan(proposal: unknown, { client, proxyMode }: Asking): Promise<PlanAnswer> {
    const [{ foreseen, planChange }, { ProposalError, worldsOf }, { itemsOf }, { ManifestError, parseManifests }] =
      await Promise.all([
        import('../../explain/plan/plan-change.ts'),
        import('../../explain/plan/proposal.ts'),
        import('../../explain/picture/picture-state.ts'),
        import('../../explain/manifests.ts'),
      ]);
    const { manifests = '', without = [] } = proposal as { manifests?: unknown; without?: unknown };
    if (typeof manifests !== 'string' || !Array.isArray(without))
      throw badRequest('a plan is of manifests and without');
    try {
      const wanted = {
        manifests: await parseManifests(manifests, 'manifest'),
        without: without.map(String),
        namespace: 'default',
      };
      const worlds = { ...(await worldsOf(this.#world.objects(), wanted, client)), now: this.#world.now() };
      const { before } = worlds;
      const plan = await planChange({
        ...worlds,
        settings: this.#settings(proxyMode),
        clusterDomain: this.#cluster.clusterDomain,
        connections: () => askConnections(client, before),
      });
      return { plan, before: itemsOf(before), after: itemsOf(foreseen(worlds).objects) };
    } catch (error) {
      if (error instanceof ProposalError || error instanceof ManifestError) throw badRequest(error.message);
      throw error;
    }
  }

  #settings(wanted: string | undefined): ProxySettings {
    const mode = proxyModes.find((known): known is ProxyMode => known === (wanted ?? 'nftables'));
    if (!mode) throw badRequest(`${wanted} is none of ${proxyModes.join(', ')}`);
    return proxySettings(mode, this.#cluster);
  }
}

function isRunning({ spec, status }: Pod): boolean {
  return status?.phase === 'Running' && status.podIP !== undefined && spec.nodeName !== undefined;
}

function hasClusterIP({ spec }: Service): boolean {
  return spec?.clusterIP !== undefined && spec.clusterIP !== 'None';
}

function momentOf(text: string): { revision: number } | { time: number } {
  if (/^\d+$/.test(text)) return { revision: Number(text) };
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw badRequest(`${JSON.stringify(text)} is neither a resourceVersion nor a time such as 2026-01-31T12:00:00Z`);
  return { time };
}
