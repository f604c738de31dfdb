// containerd's own event stream (containerd.services.events.v1): CRI of containerd 1.6 has none, and with it the
// kubelet sees a container end within milliseconds instead of at its next look.

import { GrpcClient, type Method } from '../../grpc/client.ts';
import { bytes, message, repeated, string, sub } from '../../grpc/codec.ts';

const any = message({ typeUrl: string(1), value: bytes(2) });
const envelope = message({ namespace: string(2), topic: string(3), event: sub(4, any) });
const subscribeRequest = message({ filters: repeated(string(1)) });
/** TaskExit and TaskOOM; `id` is that of the process: the container's own, or of an exec in it. */
const taskEvent = message({ containerId: string(1), id: string(2) });

const subscribe: Method<{ readonly filters?: readonly string[] }, RuntimeEnvelope> = {
  path: '/containerd.services.events.v1.Events/Subscribe',
  request: subscribeRequest,
  response: envelope,
};

interface RuntimeEnvelope {
  readonly namespace: string;
  readonly topic: string;
  readonly event: { readonly typeUrl: string; readonly value: Uint8Array } | undefined;
}

export interface RuntimeEvent {
  readonly type: 'exit' | 'oom';
  /** A container's or a sandbox's id. */
  readonly containerId: string;
}

export interface WatchRuntimeEvents {
  readonly socketPath: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RuntimeEvent) => void;
}

/** Runs until the stream ends, fails (rejects with GrpcError) or the signal aborts (rejects). */
export async function watchRuntimeEvents({ socketPath, signal, onEvent }: WatchRuntimeEvents): Promise<void> {
  const grpc = new GrpcClient(socketPath);
  try {
    await grpc.stream(
      subscribe,
      { filters: ['topic=="/tasks/exit"', 'topic=="/tasks/oom"'] },
      {
        signal,
        headers: { 'containerd-namespace': 'k8s.io' },
        onMessage({ topic, event }) {
          if (!event) return;
          const { containerId, id } = taskEvent.decode(event.value);
          if (topic === '/tasks/oom') onEvent({ type: 'oom', containerId });
          else if (id === containerId) onEvent({ type: 'exit', containerId });
        },
      },
    );
  } finally {
    grpc.close();
  }
}
