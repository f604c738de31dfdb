// A process that writes as fast as it can and tells its parent what was acknowledged, until it is killed.
import { SqliteStorage } from '../sqlite-storage.ts';

if (!import.meta.main) throw new Error('this is a program, not a module');
const storage = await SqliteStorage.open({ path: process.argv[2]! });
let acknowledged = 0;
for (let i = 0; i < 100_000; i += 10) {
  await Promise.all(
    Array.from({ length: 10 }, async (_, j) => {
      await storage.transact({ compare: [], operations: [{ type: 'put', key: `/${i + j}`, value: 'x'.repeat(500) }] });
      acknowledged += 1;
    }),
  );
  process.send?.(acknowledged);
}
