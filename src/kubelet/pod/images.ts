// Sees to it that a container's image is on the node, by its imagePullPolicy and with kubelet's back-off between pulls.
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import type { Clock } from '../../system/clock.ts';
import { type Cri, rpcText } from '../cri/client.ts';
import type { AuthConfig, CriImage } from '../cri/messages.ts';
import { registryOf } from './registry-auth.ts';

/** The container waits with this reason and message, and is tried again at `retryAt` (milliseconds since the epoch). */
export class ImageError extends Error {
  readonly reason: 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError';
  readonly retryAt: number;

  constructor(reason: ImageError['reason'], message: string, retryAt: number) {
    super(message);
    this.reason = reason;
    this.retryAt = retryAt;
  }
}

const delays = { initial: 10_000, max: 300_000 } as const;

interface PullBackoff {
  readonly delay: number;
  readonly until: number;
  /** What the last pull failed for. */
  readonly message: string;
}

export interface EnsureImage {
  readonly pod: Pod;
  readonly container: Container;
  readonly credentials: () => Promise<ReadonlyMap<string, AuthConfig>>;
  readonly event: (event: EventText) => void;
}

export class ImagePuller {
  readonly #cri: Cri;
  readonly #clock: Clock;
  /** By pod and image, as upstream's. */
  readonly #backoffs = new Map<string, PullBackoff>();

  constructor(cri: Cri, clock: Clock) {
    this.#cri = cri;
    this.#clock = clock;
  }

  /** Rejects with ImageError. */
  async ensure({ pod, container, credentials, event }: EnsureImage): Promise<CriImage> {
    const image = container.image ?? '';
    const policy = container.imagePullPolicy ?? defaultPolicy(image);
    const wrong = invalidReference(image);
    if (wrong) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${wrong}`;
      event({ type: 'Warning', reason: 'InspectFailed', message });
      throw new ImageError('InvalidImageName', message, this.#clock.now() + delays.initial);
    }
    const there = await this.#cri.imageStatus(image).catch((error: Error) => {
      throw new ImageError(
        'ImageInspectError',
        `Failed to inspect image "${image}": ${error.message}`,
        this.#clock.now() + delays.initial,
      );
    });
    if (there && policy !== 'Always') {
      const message = `Container image "${image}" already present on machine`;
      event({ type: 'Normal', reason: 'Pulled', message: `${message} and can be accessed by the pod` });
      return there;
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      event({ type: 'Warning', reason: 'ErrImageNeverPull', message });
      throw new ImageError('ErrImageNeverPull', message, this.#clock.now() + delays.initial);
    }
    return this.#pull({ pod, container, credentials, event });
  }

  async #pull({ pod, container, credentials, event }: EnsureImage): Promise<CriImage> {
    const image = container.image ?? '';
    const key = `${pod.metadata.uid}\n${image}`;
    const backoff = this.#backoffs.get(key);
    const started = this.#clock.now();
    if (backoff && started < backoff.until) {
      const message = `Back-off pulling image "${image}"`;
      event({ type: 'Normal', reason: 'BackOff', message });
      throw new ImageError('ImagePullBackOff', `${message}: ErrImagePull: ${backoff.message}`, backoff.until);
    }
    event({ type: 'Normal', reason: 'Pulling', message: `Pulling image "${image}"` });
    try {
      const auth = (await credentials()).get(registryOf(image));
      await this.#cri.pullImage(image, auth);
      const pulled = await this.#cri.imageStatus(image);
      if (!pulled) throw new Error('the image is not there after the pull');
      const took = this.#clock.now() - started;
      const size = `Image size: ${pulled.size} bytes.`;
      event({
        type: 'Normal',
        reason: 'Pulled',
        message: `Successfully pulled image "${image}" in ${took}ms (${took}ms including waiting). ${size}`,
      });
      this.#backoffs.delete(key);
      return pulled;
    } catch (error) {
      const cause = rpcText(error);
      event({ type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${cause}` });
      const delay = backoff ? Math.min(backoff.delay * 2, delays.max) : delays.initial;
      this.#backoffs.set(key, { delay, until: this.#clock.now() + delay, message: cause });
      // Tried again soon: the next try tells of the back-off, as upstream's second sync does.
      throw new ImageError('ErrImagePull', cause, this.#clock.now() + 1000);
    }
  }

  forget(uid: string): void {
    for (const key of this.#backoffs.keys()) if (key.startsWith(`${uid}\n`)) this.#backoffs.delete(key);
  }
}

/** The API's default: Always for `latest`, which is also what no tag means. */
function defaultPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return image.includes('@') || (name.includes(':') && !name.endsWith(':latest')) ? 'IfNotPresent' : 'Always';
}

/** Why a text is no image reference, in the words of distribution/reference; undefined for one that is. */
export function invalidReference(image: string): string | undefined {
  const [name = '', digest] = image.split('@', 2);
  const [, repository = '', tag] = /^(.*?)(?::([^/:]*))?$/.exec(name) ?? [];
  const [first = '', ...rest] = repository.split('/');
  const hasDomain = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const path = hasDomain ? rest.join('/') : repository;
  const isPath = (text: string) =>
    /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/.test(text);
  const isDomain =
    !hasDomain || /^[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]+)?$/.test(first) || /^\[[0-9a-fA-F:]+\](:[0-9]+)?$/.test(first);
  const isTag = tag === undefined || /^\w[\w.-]{0,127}$/.test(tag);
  const isDigest =
    digest === undefined || /^[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/.test(digest);
  if (isPath(path) && isDomain && isTag && isDigest) return undefined;
  const onlyCase = path !== path.toLowerCase() && isPath(path.toLowerCase());
  return `invalid reference format${onlyCase ? ': repository name must be lowercase' : ''}`;
}
