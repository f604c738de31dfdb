// Holds our protocol buffers against those of k8s.io/api: its round-trip data has every field of every kind, as JSON and as
// bytes. `run` gives the folder; kinds that are not served are named, and passed over.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { decodeProtobuf } from '../../src/api/protobuf/decode.ts';
import { encodeObject, type Typed } from '../../src/api/protobuf/envelope.ts';

const [, , folder = '.'] = process.argv;
const counts = { same: 0, unknown: 0, differ: 0 };
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const object = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Typed;
  const bytes = readFileSync(join(folder, file.replace(/json$/, 'pb')));
  const encoded = encodeObject(object);
  if (!encoded) {
    counts.unknown += 1;
    continue;
  }
  const { apiVersion, kind, value } = decodeProtobuf(bytes);
  const isSame = isDeepStrictEqual({ apiVersion, kind, ...value }, object) && bytes.equals(encoded);
  counts[isSame ? 'same' : 'differ'] += 1;
  if (!isSame) process.stdout.write(`FAILED ${file}\n`);
}
process.stdout.write(`${counts.same} kinds are the same in protocol buffers, ${counts.unknown} are not served\n`);
process.exitCode = counts.differ > 0 || counts.same === 0 ? 1 : 0;
