// containerd's own event stream (containerd.services.events.v1): CRI of containerd 1.6 has none, and with it the
// kubelet sees a container end within milliseconds instead of at its next look.

import { GrpcClient, method } from '../../grpc/client.ts';
import { bytes, message, repeated, string, sub } from '../../grpc/codec.ts';

const any = message({ value: bytes(2) });
const envelope = message({ event: sub(4, any) });
const subscribeRequest = message({ filters: repeated(string(1)) });
/** `id` is that of the process: the container's own, or of an exec in it. */
const taskExit = message({ containerId: string(1), id: string(2) });

const subscribe = method('containerd.services.events.v1.Events/Subscribe', subscribeRequest, envelope);

export interface WatchExits {
  readonly socketPath: string;
  readonly signal: AbortSignal;
  /** Told of each container and sandbox that ends, by its id. */
  readonly onExit: (containerId: string) => void;
}

/** Runs until the stream ends, fails (rejects with GrpcError) or the signal aborts (rejects). */
export async function watchExits({ socketPath, signal, onExit }: WatchExits): Promise<void> {
  const grpc = new GrpcClient(socketPath);
  try {
    await grpc.stream(
      subscribe,
      { filters: ['topic=="/tasks/exit"'] },
      {
        signal,
        headers: { 'containerd-namespace': 'k8s.io' },
        onMessage({ event }) {
          if (!event) return;
          const { containerId, id } = taskExit.decode(event.value);
          if (id === containerId) onExit(containerId);
        },
      },
    );
  } finally {
    grpc.close();
  }
}
