// Runs one lifecycle hook once. Unlike probes, HTTP hooks succeed with whatever answer, and nothing limits how long one takes
// but the grace period of a container that ends.
import type { Container, HTTPGetAction, LifecycleHandler } from '../../api/core/v1/types.generated.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import type { EventText } from '../../client/events.ts';
import { rpcText } from '../../grpc/client.ts';
import { formatPod, type PodIdentity } from '../pod/identity.ts';
import { httpGet, httpTarget, isPlainAnswer } from './http-get.ts';
import type { ProbeOutcome, ProbeTarget } from './probe.ts';

export interface HookTarget extends ProbeTarget {
  readonly pod: PodIdentity;
  readonly event: (event: EventText, container: Container) => void;
  /** Ends it early, as one that failed. */
  readonly signal?: AbortSignal;
}

/** `timeout` in seconds; without it there is no limit. Never rejects. The message is that of the container's status. */
export async function runHook(hook: LifecycleHandler, target: HookTarget, timeout?: number): Promise<ProbeOutcome> {
  const { cri, clock, container, containerId, pod, signal } = target;
  const where = `for Container "${container.name}" in Pod "${formatPod(pod)}" failed - error`;
  try {
    if (hook.exec) {
      const { command = [] } = hook.exec;
      const { exitCode, stdout, stderr } = await cri.execSync(containerId, command, timeout ?? 0, signal);
      if (exitCode === 0) return { success: true, message: '' };
      const output = stdout + stderr;
      const error = `command '${command.join(' ')}' exited with ${exitCode}: ${output}`;
      const message = `Exec lifecycle hook ([${command.join(' ')}]) ${where}: ${error}, message: ${quoted(output)}`;
      return { success: false, message };
    }
    if (hook.httpGet) await httpHook(hook.httpGet, target, timeout);
    else if (hook.sleep) await clock.sleep(hook.sleep.seconds * 1000, signal);
    else return { success: false, message: 'Cannot run handler: invalid handler' };
    return { success: true, message: '' };
  } catch (error) {
    const why = rpcText(error);
    if (hook.httpGet)
      return { success: false, message: `HTTP lifecycle hook (${hook.httpGet.path ?? ''}) ${where}: ${why}` };
    const command = hook.exec?.command?.join(' ') ?? '';
    return { success: false, message: `Exec lifecycle hook ([${command}]) ${where}: ${why}, message: ""` };
  }
}

/** A hook of scheme HTTPS that is answered in HTTP is asked again in HTTP, as upstream does. Rejects when no answer comes. */
async function httpHook(action: HTTPGetAction, target: HookTarget, timeout?: number): Promise<void> {
  const asked = httpTarget(action, target);
  const options = { userAgent: 'kube-lifecycle/1.36', timeout, signal: target.signal };
  try {
    await httpGet(asked, options);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (asked.url.protocol !== 'https:' || !cause || !isPlainAnswer(cause)) throw error;
    await httpGet({ ...asked, url: new URL(String(asked.url).replace(/^https/, 'http')) }, options);
    const message = `request to HTTPS lifecycle hook ${asked.url.host} got HTTP response, retry with HTTP succeeded`;
    target.event({ type: 'Warning', reason: 'LifecycleHTTPFallback', message }, target.container);
  }
}
