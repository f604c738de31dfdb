// Removes images that no container uses: now and then, when the disk is fuller than it may be, and all of them when it runs short.
// What is said of the node is upstream's (pkg/kubelet/images/image_gc_manager.go).
import { aggregate } from '../../apimachinery/aggregate.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { EventText } from '../../client/events.ts';
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import type { CriImage } from '../cri/messages.ts';
import type { Amounts } from '../stats/machine.ts';
import { bytesToFree, type ImageLimits, imagesToRemove } from './image-garbage.ts';

export interface ImageCollectorOptions {
  readonly cri: Pick<Cri, 'listImages' | 'listContainers' | 'removeImage'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly limits: ImageLimits;
  /** Says something of the node. */
  readonly event: (event: EventText) => void;
  readonly log: (message: string) => void;
}

/** Milliseconds from one look to the next. */
const period = 300_000;

export class ImageCollector {
  readonly #options: ImageCollectorOptions;
  readonly #seen = new Map<string, { readonly first: number; readonly last: number }>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #hasLooked = false;

  constructor(options: ImageCollectorOptions) {
    this.#options = options;
  }

  /** To be called when the kubelet begins: images that are there by then need not grow old before they may go. */
  async begin(): Promise<void> {
    await this.#look().catch((error: unknown) => this.#options.log(`images: ${errorMessage(error)}`));
  }

  /** Removes all that nobody uses. */
  async removeUnused(): Promise<void> {
    await this.#free(Number.POSITIVE_INFINITY).catch((error: Error) => this.#options.log(`images: ${error.message}`));
  }

  /** Looks at the disk of the images, if it is time; what goes wrong twice in a row is said of the node. */
  async collect(disk: Amounts): Promise<void> {
    const { clock, log } = this.#options;
    if (clock.monotonic() - this.#lookedAt < period) return;
    this.#lookedAt = clock.monotonic();
    try {
      await this.#collect(disk);
      this.#hasFailed = false;
    } catch (error) {
      const message = errorMessage(error);
      log(`images: ${message}`);
      // Once may be the runtime's, which is just starting.
      if (this.#hasFailed) this.#warn('ImageGCFailed', message);
      this.#hasFailed = true;
    }
  }

  async #collect(disk: Amounts): Promise<void> {
    if (disk.capacity === 0) throw this.#warn('InvalidDiskCapacity', 'invalid capacity 0 on image filesystem');
    const wanted = bytesToFree(disk, this.#options.limits);
    const found = await this.#free(wanted);
    if (found >= wanted) return;
    const numbers = `Attempted to free ${wanted} bytes, but only found ${found} bytes eligible to free.`;
    throw this.#warn('FreeDiskSpaceFailed', `Failed to garbage collect required amount of images. ${numbers}`);
  }

  #warn(reason: string, message: string): Error {
    this.#options.event({ type: 'Warning', reason, message });
    return new Error(message);
  }

  /** Notes which images are there, and which of them are used. */
  async #look(): Promise<{ readonly images: readonly CriImage[]; readonly used: ReadonlySet<string> }> {
    const { cri, clock } = this.#options;
    const now = clock.monotonic();
    const [images, containers] = await Promise.all([cri.listImages(), cri.listContainers()]);
    const used = new Set(containers.map(({ imageRef }) => imageRef));
    for (const { id } of images) {
      const { first = this.#hasLooked ? now : Number.NEGATIVE_INFINITY, last = 0 } = this.#seen.get(id) ?? {};
      this.#seen.set(id, { first, last: used.has(id) ? now : last });
    }
    for (const id of this.#seen.keys()) if (!images.some((image) => image.id === id)) this.#seen.delete(id);
    this.#hasLooked = true;
    return { images, used };
  }

  /** Looks through the images, and removes those that can go until so many bytes are free. Resolves with how many it were. */
  async #free(wanted: number): Promise<number> {
    const { cri, clock, log } = this.#options;
    const now = clock.monotonic();
    const { images, used } = await this.#look();
    const errors: string[] = [];
    let freed = 0;
    for (const image of imagesToRemove({ images, used, seen: this.#seen, now, wanted })) {
      log(`image ${image.repoTags[0] ?? image.id} is removed: nobody uses it and the disk fills`);
      try {
        await cri.removeImage(image.id);
        freed += image.size;
      } catch (error) {
        errors.push(errorMessage(error));
      }
    }
    if (errors.length === 0) return freed;
    const numbers = `wanted to free ${wanted === Number.POSITIVE_INFINITY ? 'all' : wanted} bytes, but freed ${freed} bytes`;
    throw new Error(`${numbers} space with errors in image deletion: ${aggregate(errors)}`);
  }
}
