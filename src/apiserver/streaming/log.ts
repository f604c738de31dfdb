// `pods/log`: the kubelet's answer, passed on as it comes.
import type { ConnectHandler } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import type { ApiResponse } from '../request.ts';
import type { TunnelRegistry } from '../tunnel/tunnel-registry.ts';
import { askKubelet } from './kubelet-request.ts';
import { checkLogOptions, chooseContainer, findPod } from './pod-target.ts';

export function podLog(view: ObjectView, tunnels: TunnelRegistry): ConnectHandler {
  return async (request, info): Promise<ApiResponse> => {
    const { query } = request;
    checkLogOptions(query);
    const pod = await findPod(view, info);
    const container = chooseContainer(pod, query.get('container') ?? '');
    const { nodeName } = pod.spec;
    // As upstream: a pod without a node has no log yet, which is no error.
    if (!nodeName) return { status: 204, headers: {}, body: '' };
    const options = new URLSearchParams(query);
    options.delete('container');
    const { stream } = await askKubelet(tunnels, {
      nodeName,
      method: 'GET',
      path: `/containerLogs/${info.namespace}/${info.name}/${container}?${options}`,
      signal: request.signal,
    });
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: stream };
  };
}
