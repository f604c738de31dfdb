/** Keeps a map at so many entries at most: those that were put in first go. Who puts an entry in anew after each use drops what was not used longest. */
export function dropOldest<K>(map: Map<K, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
