// Sees to it that a container's image is on the node, by its imagePullPolicy and with kubelet's back-off between pulls.
import { imagePullPolicy, invalidReference } from '../../api/core/v1/pod/image-reference.ts';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import { aggregate } from '../../apimachinery/aggregate.ts';
import { formatGoDuration } from '../../apimachinery/duration.ts';
import type { EventText } from '../../client/events.ts';
import { GrpcError, grpcCode, rpcText } from '../../grpc/client.ts';
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import type { AuthConfig, CriImage } from '../cri/messages.ts';
import { nextBackoff, type RestartBackoff, restartDelays } from './pod-plan.ts';
import { credentialsFor, type RegistryCredential } from './registry-auth.ts';

/** Why a container waits for its image, as upstream's kubelet and runtimes name it. */
type ImageReason =
  | 'ErrImagePull'
  | 'ImagePullBackOff'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'ImageInspectError'
  | 'RegistryUnavailable'
  | 'SignatureValidationFailed';

/** The container waits with this reason and message, and is tried again at `retryAt` (milliseconds, as the clock's `monotonic`). */
export class ImageError extends Error {
  readonly reason: ImageReason;
  readonly retryAt: number;

  constructor(reason: ImageReason, message: string, retryAt: number) {
    super(message);
    this.reason = reason;
    this.retryAt = retryAt;
  }
}

interface FailedPull extends RestartBackoff {
  /** What the last pull failed for. */
  readonly cause: string;
}

export interface EnsureImage {
  readonly pod: Pod;
  readonly container: Container;
  readonly credentials: () => Promise<readonly RegistryCredential[]>;
  readonly event: (event: EventText) => void;
  /** Aborts when nobody needs the image any more. */
  readonly signal: AbortSignal;
}

export class ImagePuller {
  readonly #cri: Pick<Cri, 'imageStatus' | 'pullImage'>;
  readonly #clock: Clock;
  /** By pod and image, as upstream's. */
  readonly #failed = new Map<string, FailedPull>();

  constructor(cri: Pick<Cri, 'imageStatus' | 'pullImage'>, clock: Clock) {
    this.#cri = cri;
    this.#clock = clock;
  }

  /** Rejects with ImageError. */
  async ensure(wanted: EnsureImage): Promise<CriImage> {
    const { container, event } = wanted;
    const image = container.image ?? '';
    const policy = container.imagePullPolicy ?? imagePullPolicy(image);
    const retryAt = this.#clock.monotonic() + restartDelays.initial;
    const fail = (reason: ImageReason, why: string, message: string): never => {
      event({ type: 'Warning', reason: why, message });
      throw new ImageError(reason, message, retryAt);
    };
    const wrong = invalidReference(image);
    if (wrong) {
      const parse = `couldn't parse image name "${image}": ${wrong}`;
      return fail('InvalidImageName', 'InspectFailed', `Failed to apply default image tag "${image}": ${parse}`);
    }
    if (policy === 'Always') return this.#pull(wanted);
    const there = await this.#cri.imageStatus(image).catch((error: unknown) => {
      return fail('ImageInspectError', 'InspectFailed', `Failed to inspect image "${image}": ${rpcText(error)}`);
    });
    if (there) {
      const message = `Container image "${image}" already present on machine and can be accessed by the pod`;
      event({ type: 'Normal', reason: 'Pulled', message });
      return there;
    }
    if (policy !== 'Never') return this.#pull(wanted);
    const absent = `Container image "${image}" is not present with pull policy of Never`;
    return fail('ErrImageNeverPull', 'ErrImageNeverPull', absent);
  }

  async #pull({ pod, container, credentials, event, signal }: EnsureImage): Promise<CriImage> {
    const image = container.image ?? '';
    const key = `${pod.metadata.uid}\n${image}`;
    const failed = this.#failed.get(key);
    const started = this.#clock.monotonic();
    if (failed && started < failed.updatedAt + failed.delay) {
      const message = `Back-off pulling image "${image}"`;
      event({ type: 'Normal', reason: 'BackOff', message });
      throw new ImageError('ImagePullBackOff', `${message}: ${failed.cause}`, failed.updatedAt + failed.delay);
    }
    event({ type: 'Normal', reason: 'Pulling', message: `Pulling image "${image}"` });
    try {
      const pulled = await this.#pullWith(image, credentialsFor(image, await credentials()), signal);
      const took = formatGoDuration(this.#clock.monotonic() - started);
      const size = `Image size: ${pulled.size} bytes.`;
      const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting). ${size}`;
      event({ type: 'Normal', reason: 'Pulled', message });
      return pulled;
    } catch (error) {
      const text = pullText(error);
      event({ type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${text}` });
      const now = this.#clock.monotonic();
      const { reason, message } = pullFailure(image, text);
      this.#failed.set(key, { ...nextBackoff(failed, now, now), cause: `${reason}: ${message}` });
      // Tried again soon: the next try tells of the back-off, as upstream's second sync does.
      throw new ImageError(reason, message, now + 1000);
    }
  }

  /** Tries what there is in turn, or nothing; rejects with what all of it failed for. */
  async #pullWith(image: string, auths: readonly AuthConfig[], signal: AbortSignal): Promise<CriImage> {
    const errors: unknown[] = [];
    for (const auth of auths.length > 0 ? auths : [undefined]) {
      try {
        await this.#cri.pullImage(image, auth, signal);
        const pulled = await this.#cri.imageStatus(image);
        if (pulled) return pulled;
        errors.push(new Error('the image is not there after the pull'));
      } catch (error) {
        errors.push(error);
      }
    }
    throw errors.length === 1 ? errors[0] : new Error(aggregate(errors.map(pullText)));
  }

  forget(uid: string): void {
    for (const key of this.#failed.keys()) if (key.startsWith(`${uid}\n`)) this.#failed.delete(key);
  }
}

/** A code that says nothing is left out, as upstream does for pulls alone. */
function pullText(error: unknown): string {
  return error instanceof GrpcError && error.code === grpcCode.unknown ? error.message : rpcText(error);
}

/** Runtimes tell some failures by the first word of what they say (CRI's errors). */
function pullFailure(image: string, text: string): { readonly reason: ImageReason; readonly message: string } {
  const [, reason, rest = ''] = /^(RegistryUnavailable|SignatureValidationFailed)(.*)$/s.exec(text) ?? [];
  if (reason === undefined) return { reason: 'ErrImagePull', message: text };
  const isRegistry = reason === 'RegistryUnavailable';
  const why = isRegistry ? 'the registry is unavailable' : 'the signature validation failed';
  return {
    reason: isRegistry ? 'RegistryUnavailable' : 'SignatureValidationFailed',
    message: `image pull failed for ${image} because ${why}${rest}`,
  };
}
