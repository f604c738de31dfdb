// `portico rules --live`: what the proxy of a running node last wrote, each rule with the objects it was made of.
import { Failure } from '../cluster/failure.ts';
import { usage } from './flag-values.ts';
import { messageIn } from './message-in.ts';
import { clientOf, type ObjectFlags } from './objects.ts';

export interface LiveFlags extends ObjectFlags {
  readonly node: string;
  /** All Services, or the one of this NAMESPACE/NAME. */
  readonly live: string | true;
}

/** Asks the node through its API server (nodes/proxy); `unusable` are the flags given that do not go with it. */
export async function printLiveRules(flags: LiveFlags, unusable: readonly string[]): Promise<void> {
  const { live, node } = flags;
  if (unusable.length > 0) throw usage(`rules: --live does not go with --${unusable[0]}`);
  const query = new URLSearchParams();
  if (live !== true) {
    const [namespace = '', name] = live.split('/');
    if (!name) throw usage(`rules: --live: ${JSON.stringify(live)} is no NAMESPACE/NAME of a Service`);
    query.set('namespace', namespace);
    query.set('name', name);
  }
  const client = await clientOf(flags, 'rules');
  const { readText } = await import('../client/watch-stream.ts');
  const path = `/api/v1/nodes/${encodeURIComponent(node)}/proxy/portico/rules?${query}`;
  const { status, body } = await client.raw({ method: 'GET', path });
  const text = await readText(body);
  if (status !== 200) throw new Failure(`rules: node ${node}: ${messageIn(text) ?? text.trim()}`);
  process.stdout.write(text);
}
