// `pods/exec` and `pods/attach`: the kubelet is asked first, so that a refusal is an answer; only then is the client's
// connection upgraded. Clients of v5.channel.k8s.io are told in the upgraded connection, as by upstream's translator to SPDY:
// kubectl would take an answer without an upgrade for a server that knows no WebSockets, and ask again over SPDY.
import { badRequest, internalError } from '../../apimachinery/status.ts';
import { channel } from '../../client/stream-frames.ts';
import type { Clock } from '../../system/clock.ts';
import type { Authorizer } from '../access-control.ts';
import { forbiddenError } from '../authorization/messages.ts';
import type { ConnectHandler } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import type { ApiRequest, ApiResponse, Upgrade, User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { NodeLinks } from '../tunnel/node-links.ts';
import { type FramePeer, pump } from './frame-peer.ts';
import { answerOfKubelet } from './kubelet-request.ts';
import { chooseContainer, execQuery, findPod, hostOf } from './pod-target.ts';
import { acceptSpdyPeer, isSpdy } from './spdy-peer.ts';
import { acceptWebSocket, channelProtocols, isWebSocket, WebSocketPeer } from './websocket-peer.ts';

export interface StreamingParts {
  readonly view: ObjectView;
  readonly links: NodeLinks;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
}

/** The connection to upgrade; throws 400 for requests that ask for none. */
export function requireUpgrade({ upgrade }: ApiRequest): Upgrade {
  if (upgrade && (isWebSocket(upgrade) || isSpdy(upgrade))) return upgrade;
  throw badRequest('Upgrade request required');
}

/**
 * A WebSocket begins with GET, which must not be a way around the right to `create` (KEP-5331
 * AuthorizePodWebsocketUpgradeCreatePermission).
 */
export async function checkCreateToo(authorizer: Authorizer, user: User, info: RequestInfo): Promise<void> {
  if (info.verb === 'create') return;
  const attributes = { user, verb: 'create', info: { ...info, verb: 'create' } };
  const decision = await authorizer.authorize(attributes);
  if (!decision.allowed) throw forbiddenError(attributes, decision.reason);
}

export function podExec(kind: 'exec' | 'attach', parts: StreamingParts): ConnectHandler {
  return async (request, info, user) => {
    const pod = await findPod(parts.view, info);
    const container = chooseContainer(pod, request.query.get('container') ?? '');
    const nodeName = hostOf(pod);
    // Of these it is the kubelet that complains, upstream: the pod's node comes first.
    const wanted = execQuery(request.query, kind);
    const upgrade = requireUpgrade(request);
    await checkCreateToo(parts.authorizer, user, info);
    const path = `/${kind}/${info.namespace}/${info.name}/${container}?${wanted}`;
    const answer = await answerOfKubelet(parts.links, { nodeName, method: 'POST', path, signal: request.signal });
    if ('refusal' in answer) return refuse(upgrade, answer.refusal);
    const { stream } = answer;
    const serve = async () => {
      const peer = await accept(upgrade, wanted, parts.clock);
      if (peer) await pump(peer, stream);
      else stream.destroy();
    };
    const end = () => {
      stream.destroy();
      upgrade.socket.destroy();
    };
    return { status: 101, headers: {}, body: { hijack: () => void serve().catch(end) } };
  };
}

/** In the words of upstream's ways to the client, to which clients of SPDY add `unable to upgrade connection: `. */
function refuse(upgrade: Upgrade, refusal: string): ApiResponse {
  if (!offersTranslation(upgrade)) {
    return { status: 500, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${refusal}\n` };
  }
  const { status } = internalError(`unable to upgrade connection: ${refusal}`);
  const tell = async () => {
    const accepted = await acceptWebSocket(upgrade, channelProtocols);
    accepted.stream.resume(); // what the client sends meanwhile is nobody's
    const peer = new WebSocketPeer(accepted);
    await peer.send({ channel: channel.error, data: Buffer.from(JSON.stringify(status)) });
    peer.close();
  };
  return {
    status: 101,
    headers: {},
    body: { hijack: () => void tell().catch(() => upgrade.socket.destroy()) },
  };
}

function offersTranslation(upgrade: Upgrade): boolean {
  const offered = upgrade.incoming.headers['sec-websocket-protocol'] ?? '';
  return isWebSocket(upgrade) && offered.split(/\s*,\s*/).includes('v5.channel.k8s.io');
}

async function accept(upgrade: Upgrade, wanted: URLSearchParams, clock: Clock): Promise<FramePeer | undefined> {
  if (isSpdy(upgrade)) return acceptSpdyPeer({ upgrade, wanted, clock });
  return new WebSocketPeer(await acceptWebSocket(upgrade, channelProtocols));
}
