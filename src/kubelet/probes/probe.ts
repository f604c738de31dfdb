// Runs one probe or lifecycle handler once, from the node's network. Outcomes and words are upstream's.

import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, HTTPGetAction, LifecycleHandler, Probe } from '../../api/core/v1/types.generated.ts';
import { table } from '../../apimachinery/table.ts';
import { GrpcClient, GrpcError, grpcCode } from '../../grpc/client.ts';
import { int, message, string } from '../../grpc/codec.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import { http } from '../../system/http.ts';
import type { Cri } from '../cri/client.ts';

export interface ProbeOutcome {
  readonly success: boolean;
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

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

const userAgent = 'kube-probe/1.36';
const maxBody = 10 * 1024;

/** `timeout` in seconds. Never rejects: a probe that cannot be made has failed. */
export async function runProbe(handler: Handler, target: ProbeTarget, timeout: number): Promise<ProbeOutcome> {
  try {
    if (handler.exec) return await execProbe(handler.exec.command ?? [], target, timeout);
    if (handler.httpGet) return await httpProbe(handler.httpGet, target, timeout);
    if (handler.tcpSocket) {
      const { host = target.podIP, port } = handler.tcpSocket;
      return await tcpProbe(host, portNumber(port, target.container), timeout);
    }
    if (handler.grpc)
      return await grpcProbe({ host: target.podIP, port: handler.grpc.port }, handler.grpc.service ?? '', timeout);
    if (handler.sleep) await target.clock.sleep(handler.sleep.seconds * 1000);
    return { success: true, message: '' };
  } catch (error) {
    return { success: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** A port by number or by the name that the container gives it. */
function portNumber(port: number | string, container: Container): number {
  const found = container.ports?.find((p) => p.name === String(port))?.containerPort ?? Number(port);
  if (!Number.isInteger(found) || found < 1 || found > 65_535) throw new Error(`couldn't find port: ${port}`);
  return found;
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

function httpProbe(action: HTTPGetAction, target: ProbeTarget, timeout: number): Promise<ProbeOutcome> {
  const secure = action.scheme === 'HTTPS';
  const port = portNumber(action.port, target.container);
  const host = action.host || target.podIP;
  const path = (action.path ?? '/').startsWith('/') ? (action.path ?? '/') : `/${action.path}`;
  const url = `${secure ? 'https' : 'http'}://${joinHostPort(host, port)}${path}`;
  const headers: Record<string, string> = { 'User-Agent': userAgent, Accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  return new Promise((resolve) => {
    const failed = (why: string) => resolve({ success: false, message: `Get "${url}": ${why}` });
    const answer = (response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      response.resume();
      clearTimeout(timer);
      if (status >= 200 && status < 400) resolve({ success: true, message: '' });
      else resolve({ success: false, message: `HTTP probe failed with statuscode: ${status}` });
    };
    const send = secure ? httpsRequest : http.request;
    const request = send(
      { host, port, path, method: 'GET', headers, agent: false, ...(secure && { rejectUnauthorized: false }) },
      answer,
    );
    const timer = setTimeout(() => {
      failed('context deadline exceeded (Client.Timeout exceeded while awaiting headers)');
      request.destroy();
    }, timeout * 1000);
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      failed(dialError(error, host, port));
    });
    request.end();
  });
}

function tcpProbe(host: string, port: number, timeout: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.setTimeout(timeout * 1000, () => {
      socket.destroy();
      resolve({ success: false, message: `dial tcp ${joinHostPort(host, port)}: i/o timeout` });
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ success: true, message: '' });
    });
    socket.once('error', (error) => resolve({ success: false, message: dialError(error, host, port) }));
  });
}

/** Go's words for a connection that could not be made. */
function dialError(error: NodeJS.ErrnoException, host: string, port: number): string {
  const words = table<string>({
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'connect: connection timed out',
  });
  const known = words[error.code ?? ''];
  if (known) return `dial tcp ${joinHostPort(host, port)}: ${known}`;
  return error.code === 'ECONNRESET' ? 'EOF' : error.message;
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
    const why = error instanceof Error ? error.message : String(error);
    return {
      success: false,
      message: `timeout: failed to connect service "${joinHostPort(target.host, target.port)}" within ${timeout}s: ${why}`,
    };
  } finally {
    client.close();
  }
}
