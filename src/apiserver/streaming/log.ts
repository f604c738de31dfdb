// `pods/log`: the kubelet's answer, passed on as it comes, to a WebSocket as well.
import type { Duplex } from 'node:stream';
import type { ConnectHandler } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import type { ApiResponse } from '../request.ts';
import type { NodeLinks } from '../tunnel/node-links.ts';
import { askKubelet } from './kubelet-request.ts';
import { checkLogOptions, chooseContainer, findPod } from './pod-target.ts';
import { type AcceptedWebSocket, acceptWebSocket, isWebSocket } from './websocket-peer.ts';

/** Of a client that only reads; without one its messages are binary. */
const readerProtocols = ['binary.k8s.io', 'base64.binary.k8s.io'];

export function podLog(view: ObjectView, links: NodeLinks): ConnectHandler {
  return async (request, info): Promise<ApiResponse> => {
    const { query } = request;
    checkLogOptions(info.name, query);
    const pod = await findPod(view, info);
    const container = chooseContainer(pod, query.get('container') ?? '');
    const { nodeName } = pod.spec;
    // As upstream: a pod without a node has no log yet, which is no error.
    if (!nodeName) return { status: 204, headers: {}, body: '' };
    const options = new URLSearchParams(query);
    options.delete('container');
    const { stream } = await askKubelet(links, {
      nodeName,
      method: 'GET',
      path: `/containerLogs/${info.namespace}/${info.name}/${container}?${options}`,
      signal: request.signal,
    });
    const { upgrade } = request;
    if (!upgrade || !isWebSocket(upgrade))
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: stream };
    const serve = async () => send(await acceptWebSocket(upgrade, readerProtocols), stream);
    return { status: 101, headers: {}, body: { hijack: () => void serve().catch(() => upgrade.socket.destroy()) } };
  };
}

/** Each chunk as a message; the client's end ends the kubelet's answer. */
async function send({ webSocket, protocol }: AcceptedWebSocket, log: Duplex): Promise<void> {
  webSocket.once('close', () => log.destroy());
  const isText = protocol.startsWith('base64.');
  for await (const chunk of log as AsyncIterable<Buffer>) {
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    webSocket.send(isText ? chunk.toString('base64') : chunk, { binary: !isText }, () => resolve());
    await sent;
  }
  webSocket.close(1000);
}
