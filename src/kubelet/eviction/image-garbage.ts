// Which images go when the disk fills: pure. Upstream's image garbage collection.
import type { CriImage } from '../cri/messages.ts';

/** Percent of the disk: above `high` images are removed until `low` is reached. */
export interface ImageLimits {
  readonly high: number;
  readonly low: number;
}

/** kubelet's --image-gc-high-threshold and -low-threshold. */
export const defaultImageLimits: ImageLimits = { high: 85, low: 80 };
/** Milliseconds that an image stays at the least, so that one that was just pulled is not gone before it is used. */
export const minimumAge = 120_000;

export interface ImageGarbageInput {
  readonly images: readonly CriImage[];
  /** Ids of images that a container uses. */
  readonly used: ReadonlySet<string>;
  /** By image id: when it was seen first, and used last, by the same clock as `now`, in milliseconds. */
  readonly seen: ReadonlyMap<string, { readonly first: number; readonly last: number }>;
  readonly now: number;
  /** Bytes to be freed; infinite for all that can go. */
  readonly wanted: number;
}

/** Bytes to free; 0 below the limit. */
export function bytesToFree(
  disk: { readonly capacity: number; readonly available: number },
  limits: ImageLimits,
): number {
  // 100 is for never.
  if (limits.high === 100) return 0;
  // In whole percent, as upstream reckons: what is free is rounded down.
  const free = Math.floor((disk.available * 100) / disk.capacity);
  if (100 - free < limits.high) return 0;
  return Math.max(0, Math.floor((disk.capacity * (100 - limits.low)) / 100) - disk.available);
}

/** The images to remove, those longest unused first. Images that no registry has (Portico's own) and pinned ones stay. */
export function imagesToRemove({ images, used, seen, now, wanted }: ImageGarbageInput): CriImage[] {
  const stays = (image: CriImage) =>
    image.pinned || used.has(image.id) || image.repoTags.some((tag) => tag.startsWith('portico.local/'));
  const old = images
    .filter((image) => !stays(image) && now - (seen.get(image.id)?.first ?? now) >= minimumAge)
    .sort((a, b) => (seen.get(a.id)?.last ?? 0) - (seen.get(b.id)?.last ?? 0));
  const chosen: CriImage[] = [];
  let left = wanted;
  for (const image of old) {
    if (left <= 0) break;
    chosen.push(image);
    left -= image.size;
  }
  return chosen;
}
