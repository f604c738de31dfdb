// The few things that the crash test asks of a cluster, in the namespace `default`.
import type { ConfigMap, Pod, Service } from '../../src/api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import { httpActor } from '../../src/cli/demo/actor.ts';
import { configMaps, endpointSlices, pods, services } from '../../src/client/resources.ts';
import { adminClient } from '../../src/cluster/admin-client.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';

const namespace = 'default';

export async function createNamespacedClient(kubeconfig: string) {
  const client = await adminClient(kubeconfig, { clock: realClock, files: realFiles });
  return {
    apply: (file: string) => httpActor(client).apply(file),
    /** Returns the name, which begins with the prefix, once the write was acknowledged. */
    async createConfigMap(prefix: string): Promise<string> {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '', generateName: prefix, namespace } };
      return (await client.resource<ConfigMap>(configMaps).create(object)).metadata.name;
    },
    async configMaps(): Promise<string[]> {
      return (await client.resource<ConfigMap>(configMaps).list({ namespace })).items.map((c) => c.metadata.name);
    },
    async nodePort(service: string): Promise<number> {
      return (await client.resource<Service>(services).get(service, namespace)).spec?.ports?.[0]?.nodePort ?? 0;
    },
    async readyEndpoints(service: string): Promise<number> {
      const labelSelector = `kubernetes.io/service-name=${service}`;
      const slices = (await client.resource<EndpointSlice>(endpointSlices).list({ namespace, labelSelector })).items;
      return slices.flatMap((s) => s.endpoints ?? []).filter((e) => e.conditions?.ready).length;
    },
    async podRestarts(): Promise<number> {
      const { items } = await client.resource<Pod>(pods).list({ namespace });
      return items.flatMap((p) => p.status?.containerStatuses ?? []).reduce((sum, c) => sum + c.restartCount, 0);
    },
    /** The text of one answer on a connection of its own; empty when none comes. */
    async ask(host: string, port: number): Promise<string> {
      try {
        const response = await fetch(`http://${host}:${port}/`, {
          headers: { connection: 'close' },
          signal: AbortSignal.timeout(60_000),
        });
        return await response.text();
      } catch {
        return '';
      }
    },
  };
}
