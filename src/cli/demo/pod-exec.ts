// Runs a command in a pod through the API server, as kubectl exec does: a WebSocket that carries channels (v5.channel.k8s.io).
import type { ClusterAccess } from '../../client/kubeconfig.ts';
import { Failure } from '../../cluster/failure.ts';

export interface PodExec {
  readonly pod: string;
  readonly namespace: string;
  readonly command: readonly string[];
}

const channels = { stdout: 1, stderr: 2, error: 3 } as const;

/** Resolves with the standard output of a command that ended with 0; rejects with what went wrong otherwise. */
export async function podExec(
  access: ClusterAccess,
  { pod, namespace, command }: PodExec,
  signal?: AbortSignal,
): Promise<string> {
  const { WebSocket } = await import('ws');
  const query = new URLSearchParams([
    ...command.map((word) => ['command', word] as [string, string]),
    ['stdout', 'true'],
    ['stderr', 'true'],
  ]);
  const url = `${access.server.replace(/^http/, 'ws')}/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
  const { ca, cert, key } = access;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['v5.channel.k8s.io'], { ca, cert, key });
    const output: Buffer[] = [];
    let complaint = '';
    let result: { status?: string; message?: string } | undefined;
    const stop = (): void => socket.terminate();
    signal?.addEventListener('abort', stop, { once: true });
    socket.on('message', (data: Buffer) => {
      const content = data.subarray(1);
      if (data[0] === channels.stdout) output.push(content);
      else if (data[0] === channels.stderr) complaint += content.toString();
      else if (data[0] === channels.error) result = JSON.parse(content.toString());
    });
    socket.on('unexpected-response', (_request, response) => {
      reject(new Failure(`exec in ${pod} was refused with ${response.statusCode}`));
      response.resume();
    });
    socket.on('error', (error) => reject(new Failure(`exec in ${pod} failed: ${error.message}`, { cause: error })));
    socket.on('close', () => {
      signal?.removeEventListener('abort', stop);
      if (result?.status === 'Success') resolve(Buffer.concat(output).toString());
      else
        reject(
          new Failure(`exec in ${pod} failed: ${complaint.trim() || result?.message || 'the connection closed early'}`),
        );
    });
  });
}
