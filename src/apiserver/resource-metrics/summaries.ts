// Metrics of a node and its pods from its kubelet's summary (stats/v1alpha1): pure.
export interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

interface Reading {
  readonly time?: string;
  readonly usageNanoCores?: number;
  readonly workingSetBytes?: number;
}

interface Measured {
  readonly cpu?: Reading;
  readonly memory?: Reading;
}

/** As much of a summary as is used here. What a kubelet has none of, Go's has as null. */
export interface Summary {
  readonly node: Measured;
  readonly pods: readonly MeasuredPod[] | null;
}

interface MeasuredPod {
  readonly podRef: { readonly name: string; readonly namespace: string };
  readonly containers: readonly (Measured & { readonly name: string })[] | null;
}

export interface PodUsage {
  readonly name: string;
  readonly namespace: string;
  readonly timestamp: string;
  readonly containers: { readonly name: string; readonly usage: Usage }[];
}

/** Undefined where CPU or memory were not measured: half a measure misleads. */
function usageOf({ cpu, memory }: Measured): Usage | undefined {
  if (cpu?.usageNanoCores === undefined || memory?.workingSetBytes === undefined) return undefined;
  return { cpu: `${Math.round(cpu.usageNanoCores)}n`, memory: `${Math.ceil(memory.workingSetBytes / 1024)}Ki` };
}

export function nodeUsage({ node }: Summary): { readonly timestamp: string; readonly usage: Usage } | undefined {
  const usage = usageOf(node);
  return usage && { timestamp: node.cpu?.time ?? '', usage };
}

/** Pods of which every container was measured. */
export function podUsages({ pods }: Summary): PodUsage[] {
  return (pods ?? []).flatMap(({ podRef: { name, namespace }, containers: listed }) => {
    const containers = listed ?? [];
    const measured = containers.flatMap((container) => {
      const usage = usageOf(container);
      return usage ? [{ name: container.name, usage }] : [];
    });
    if (measured.length === 0 || measured.length < containers.length) return [];
    return [{ name, namespace, timestamp: containers[0]?.cpu?.time ?? '', containers: measured }];
  });
}
