// Runs one probe once, from the node's network. Outcomes and words are upstream's.

import { connect } from 'node:net';
import type { Container, HTTPGetAction, Probe } from '../../api/core/v1/types.generated.ts';
import { GrpcClient, GrpcError, grpcCode, rpcText } from '../../grpc/client.ts';
import { int, message, string } from '../../grpc/codec.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import { connectionError, httpGet, httpTarget, portNumber } from './http-get.ts';

export interface ProbeOutcome {
  readonly success: boolean;
  /** It succeeded, but its message is to be told. */
  readonly isWarning?: boolean;
  /** It could not be made: that says nothing of the container. */
  readonly isUnknown?: boolean;
  /** What is said after `Readiness probe failed: `; for an exec its output. */
  readonly message: string;
}

export interface ProbeTarget {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly containerId: string;
  readonly container: Container;
  readonly podIP: string;
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>;

const maxBody = 10 * 1024;

/** `timeout` in seconds. Never rejects. */
export async function runProbe(handler: Handler, target: ProbeTarget, timeout: number): Promise<ProbeOutcome> {
  try {
    if (handler.exec) return await execProbe(handler.exec.command ?? [], target, timeout);
    if (handler.httpGet) return await httpProbe(handler.httpGet, target, timeout);
    if (handler.tcpSocket) {
      const { host, port } = handler.tcpSocket;
      return await tcpProbe(host || target.podIP, portNumber(port, target.container), timeout);
    }
    if (handler.grpc)
      return await grpcProbe({ host: target.podIP, port: handler.grpc.port }, handler.grpc.service ?? '', timeout);
    return { success: true, message: '' };
  } catch (error) {
    return { success: false, isUnknown: true, message: rpcText(error) };
  }
}

async function execProbe(command: readonly string[], target: ProbeTarget, timeout: number): Promise<ProbeOutcome> {
  try {
    const result = await target.cri.execSync(target.containerId, command, timeout);
    const output = (result.stdout + result.stderr).slice(0, maxBody);
    return { success: result.exitCode === 0, message: output };
  } catch (error) {
    if (error instanceof GrpcError && error.code === grpcCode.deadlineExceeded) {
      return { success: false, message: `command timed out: "${command.join(' ')}" timed out after ${timeout}s` };
    }
    throw error;
  }
}

async function httpProbe(action: HTTPGetAction, target: ProbeTarget, timeout: number): Promise<ProbeOutcome> {
  const asked = httpTarget(action, target);
  const answer = await httpGet(asked, { userAgent: 'kube-probe/1.36', timeout }).catch((error: Error) => error);
  if (answer instanceof Error) return { success: false, message: answer.message };
  if (answer.status < 200 || answer.status >= 400)
    return { success: false, message: `HTTP probe failed with statuscode: ${answer.status}` };
  if (answer.status < 300) return { success: true, message: '' };
  return { success: true, isWarning: true, message: `Probe terminated redirects, Response body: ${answer.body}` };
}

function tcpProbe(host: string, port: number, timeout: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const where = joinHostPort(host, port);
    const socket = connect({ host, port });
    socket.setTimeout(timeout * 1000, () => {
      socket.destroy();
      resolve({ success: false, message: `dial tcp ${where}: i/o timeout` });
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ success: true, message: '' });
    });
    socket.once('error', (error) => resolve({ success: false, message: connectionError(error, where) }));
  });
}

const healthCheck = {
  path: '/grpc.health.v1.Health/Check',
  request: message({ service: string(1) }),
  response: message({ status: int(1) }),
};
const serving = 1;
const servingStatus = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

async function grpcProbe(
  target: { readonly host: string; readonly port: number },
  service: string,
  timeout: number,
): Promise<ProbeOutcome> {
  const client = new GrpcClient(target);
  try {
    const { status } = await client.unary(healthCheck, { service }, { timeout: timeout * 1000 });
    if (status === serving) return { success: true, message: '' };
    return { success: false, message: `service unhealthy (responded with "${servingStatus[status] ?? status}")` };
  } catch (error) {
    return { success: false, message: grpcFailure(error, joinHostPort(target.host, target.port), timeout) };
  } finally {
    client.close();
  }
}

/** Upstream dials until the time is over, whatever keeps it from the service: that is all that it tells of a connection. */
function grpcFailure(error: unknown, address: string, timeout: number): string {
  const code = error instanceof GrpcError ? error.code : grpcCode.unknown;
  const isAlone = code === grpcCode.unavailable || (error instanceof GrpcError && error.neverBegan);
  if (isAlone) return `timeout: failed to connect service "${address}" within ${timeout}s: context deadline exceeded`;
  if (code === grpcCode.deadlineExceeded) return `timeout: health rpc did not complete within ${timeout}s`;
  if (code !== grpcCode.unimplemented) return `error: health rpc probe failed: ${rpcText(error)}`;
  const words = error instanceof Error ? error.message : '';
  return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${words}`;
}
