// `POST /portico/v1/nodes/NAME/tunnel`: where agents upgrade their connection into a tunnel.
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import type { PathHandler } from '../extensions.ts';
import type { ApiRequest, ApiResponse, User } from '../request.ts';
import { unescaped } from '../unescaped.ts';
import type { TunnelRegistry } from './tunnel-registry.ts';

const pattern = /^\/portico\/v1\/nodes\/([^/]+)\/tunnel$/;

/** A node may only be served by its own agent, or by an administrator. */
export function mayServeNode(user: User | undefined, nodeName: string): boolean {
  if (!user) return false;
  if (user.groups.includes('system:masters')) return true;
  return user.name === `system:node:${nodeName}` && user.groups.includes('system:nodes');
}

export function tunnelPath(tunnels: TunnelRegistry): PathHandler {
  return {
    path: '/portico/v1/nodes/',
    async handle(request: ApiRequest, user: User | undefined): Promise<ApiResponse> {
      const match = pattern.exec(request.path);
      if (!match)
        throw new StatusError({
          code: 404,
          reason: 'NotFound',
          message: 'the path of a tunnel is /portico/v1/nodes/NAME/tunnel',
        });
      const nodeName = unescaped(match[1]!);
      if (!mayServeNode(user, nodeName)) {
        const message = `forbidden: User "${user?.name ?? 'system:anonymous'}" cannot serve node "${nodeName}"`;
        throw new StatusError({ code: 403, reason: 'Forbidden', message, details: {} });
      }
      if (request.upgrade?.incoming.headers.upgrade?.toLowerCase() !== 'portico-tunnel') {
        throw badRequest('Upgrade: portico-tunnel is required');
      }
      return {
        status: 101,
        headers: {},
        body: {
          hijack({ socket, head }) {
            const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: portico-tunnel\r\n\r\n';
            socket.write(answer);
            if (head.length > 0) socket.unshift(head);
            tunnels.accept(nodeName, socket);
          },
        },
      };
    },
  };
}
