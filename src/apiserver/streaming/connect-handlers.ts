// Every subresource that talks in its own way, for Extensions.connect.
import type { Random } from '../../system/random.ts';
import type { ConnectHandler } from '../extensions.ts';
import { podExec, type StreamingParts } from './exec.ts';
import { podLog } from './log.ts';
import { podPortForward } from './port-forward.ts';
import { endpointProxy, nodeProxy } from './proxy.ts';

export interface ConnectOptions extends StreamingParts {
  readonly random: Random;
}

export function connectHandlers(parts: ConnectOptions): Readonly<Record<string, ConnectHandler>> {
  return {
    'pods/log': podLog(parts.view, parts.links),
    'pods/exec': podExec('exec', parts),
    'pods/attach': podExec('attach', parts),
    'pods/portforward': podPortForward(parts),
    'pods/proxy': endpointProxy('pods', parts),
    'services/proxy': endpointProxy('services', parts),
    'nodes/proxy': nodeProxy(parts),
  };
}
