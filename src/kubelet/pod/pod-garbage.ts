// What a pod that goes on leaves behind in the runtime: containers that were replaced, and sandboxes left empty.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { ContainerStarter } from './container-starter.ts';
import type { ObservedPod } from './observed.ts';
import type { PodContext } from './pod-context.ts';

/** Keeps of each container the present one and one before (`kubectl logs --previous`); older ones go with their logs. */
export async function collectGarbage(
  pod: Pod,
  { containers, sandboxes }: ObservedPod,
  { context, starter }: { readonly context: PodContext; readonly starter: ContainerStarter },
): Promise<void> {
  const { cri } = context.options;
  const seen = new Map<string, number>();
  for (const container of containers) {
    const count = (seen.get(container.name) ?? 0) + 1;
    seen.set(container.name, count);
    if (count <= 2 || container.state !== 'exited') continue;
    await cri.removeContainer(container.id);
    await starter.removeLog(pod, container);
    context.reader.forget([container.id]);
  }
  for (const sandbox of sandboxes.slice(1)) {
    if (!sandbox.ready && !containers.some((c) => c.sandboxId === sandbox.id)) await cri.removePodSandbox(sandbox.id);
  }
}
