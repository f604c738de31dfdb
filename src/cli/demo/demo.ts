// `portico up --demo`: what a Service is for, shown on the cluster that was just started. Everything printed is measured, and
// whatever is not as it must be ends it with a failure.
import { readKubeconfig } from '../../client/kubeconfig.ts';
import { kubectlOnPath } from '../../cluster/kubectl.ts';
import type { UpResult } from '../../cluster/up.ts';
import { type Actor, example, httpActor, kubectlActor } from './actor.ts';
import { showKill, showSelectorAndScale } from './changes.ts';
import { DemoCluster, type DemoTools } from './demo-cluster.ts';
import { showLoadBalancer } from './load-balancer.ts';
import { showOutcome } from './outcome.ts';
import { Page, type PageOutput } from './page.ts';
import { showNodePorts, showTraffic } from './traffic.ts';

export interface DemoOptions extends Pick<UpResult, 'record' | 'paths' | 'client'> {
  readonly tools: DemoTools;
  readonly signal: AbortSignal;
  readonly output: PageOutput;
}

/** What the chapters of the demo share. */
export interface Demo {
  readonly cluster: DemoCluster;
  readonly actor: Actor;
  readonly page: Page;
}

/** Rejects with a Failure that says what was not as it must be. */
export async function runDemo({ record, paths, client, tools, signal, output }: DemoOptions): Promise<void> {
  const access = await readKubeconfig(paths.kubeconfig, tools);
  const kubectl = kubectlOnPath(process.env.PATH);
  const actor = kubectl ? kubectlActor(tools.exec, kubectl, paths.kubeconfig) : httpActor(client);
  const demo: Demo = {
    actor,
    page: new Page(output),
    cluster: new DemoCluster({ client, record, access, tools, signal }),
  };
  demo.page.chapter(
    `Apply a Deployment of three pods and its Services${kubectl ? ' with stock kubectl' : ' over HTTP'}`,
  );
  demo.page.transcript(await actor.apply(example('nginx.yaml')));
  await showOutcome(demo);
  await showTraffic(demo);
  await showNodePorts(demo);
  await showLoadBalancer(demo);
  await showKill(demo);
  await showSelectorAndScale(demo);
}
