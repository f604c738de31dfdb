// Where the kernel does another thing than the model, in one line each; nothing when they agree.
import { joinHostPort } from '../../net/ip.ts';
import type { AddressPort } from '../../netfilter/packet.ts';
import { packetCounters } from '../../proxy/iptables/kernel-facts.ts';
import type { Trace } from '../trace/trace.ts';
import { type Flow, isSameEnd, type KernelPacket, type KernelStep, readFlow, readTrace } from './kernel-trace.ts';
import type { Seen, SendResult } from './watch.ts';

export interface NodeSeen extends Seen {
  readonly node: string;
}

export interface LiveHop {
  readonly node: string;
  readonly steps: readonly KernelStep[];
  readonly flow: Flow | undefined;
}

export interface LiveTrace {
  /** What the sender met; undefined for a packet of somebody else's. */
  readonly sent: SendResult | undefined;
  /** Of the nodes that the packet crossed, the first one first. */
  readonly hops: readonly LiveHop[];
  /** `unseen`: no kernel met it. */
  readonly result: 'arrives' | 'refused' | 'dropped' | 'unseen';
  /** Where it was addressed to at last, `address:port`; empty where it is unseen. */
  readonly destination: string;
  /** The client's address as the destination sees it; empty likewise. */
  readonly source: string;
  /** Nodes on the way that did not answer: what they did is not known. */
  readonly silent: readonly string[];
  /** What of the nodes nobody looks at in the proxy's mode, in a sentence. */
  readonly unseen?: string;
  /** Sentences; empty when model and kernel agree. */
  readonly differences: readonly string[];
}

export interface LiveRequest {
  readonly trace: Trace;
  /** Undefined for a packet of somebody else's. */
  readonly sent: SendResult | undefined;
  /** Who is asked answers, if only by refusing: so it is with TCP. */
  readonly isAnswered: boolean;
  readonly silent: readonly string[];
  /** The sender's node first. */
  readonly seen: readonly NodeSeen[];
  readonly watchTable: string;
  readonly sourcePort: number;
}

export function compareLive(request: LiveRequest): LiveTrace {
  const within = withinPod(request);
  if (within) return within;
  const { trace, sent, seen, silent, watchTable, sourcePort } = request;
  const [first, ...others] = seen;
  const packets = readTrace(first?.trace ?? [], watchTable);
  const packet = packets.find(({ source }) => source.port === sourcePort);
  const flow = (first?.conntrack ?? []).map(readFlow).find((one) => one?.source.port === sourcePort);
  const hops: LiveHop[] = first ? [{ node: first.node, steps: packet?.steps ?? [], flow }] : [];
  const last = followOn(others, { flow: flow ?? passed(packet), watchTable, hops });
  const destination = last?.answerer ?? packet?.destination;
  const drop = hops.flatMap(({ node, steps }) =>
    steps.filter(({ verdict }) => verdict === 'drop').map((step) => ({ node, ...step })),
  )[0];
  const end = destination ? hostPort(destination) : '';
  const isSeen = packet !== undefined || flow !== undefined;
  const result = drop
    ? droppedBy(drop)
    : (unseenEnd(trace, sent, end) ?? (sent === 'refused' && !last ? 'refused' : isSeen ? 'arrives' : 'unseen'));
  const live = {
    sent,
    silent,
    hops,
    result,
    destination: end,
    source: last?.client.address ?? packet?.source.address ?? '',
    ...(trace.mode === 'ipvs' && { unseen: unseenOfIpvs }),
  } as const;
  const strayRules = seen.flatMap(ruleDifferences);
  const differences = [
    ...(isSeen ? [] : [`on ${first?.node ?? 'no node'} the kernel saw no such packet leave`]),
    ...(drop === undefined && passesSilence(request) ? [] : outcomeDifferences(trace, live, drop)),
    ...answerDifferences(request, live),
    ...strayRules,
  ];
  return { ...live, differences: differences.length === 0 ? [] : [...differences, ...strangers(hops)] };
}

/** Traces of nftables do not go through IPVS, and its servers are listed by no program that the other modes need. */
const unseenOfIpvs =
  'in mode ipvs the virtual servers, and the rules and sets beside them, are not compared with the model, and no trace shows which server took the packet: ipvsadm -Ln lists them';

/** Connection tracking forgets at once who was refused by the one asked; the packet went there all the same. */
function passed(packet: KernelPacket | undefined): Flow | undefined {
  if (packet?.end === undefined || packet.end === 'dropped') return undefined;
  const { source, destination, end } = packet;
  return { source, destination, client: end.source, answerer: end.destination };
}

/** A node that may be on the way does not say what it did: what the others saw is not the end of it. */
function passesSilence({ trace, silent }: LiveRequest): boolean {
  return trace.outcomes.some(({ hops }) => hops?.some(({ node }) => silent.includes(node)));
}

/** What a pod sends to itself no node sees, and so none has a say in it. */
function withinPod({ trace, sent, silent }: LiveRequest): LiveTrace | undefined {
  const [outcome] = trace.outcomes;
  if (outcome?.hops?.length !== 0) return undefined;
  const { destination, source } = outcome;
  return { sent, silent, hops: [], result: 'arrives', destination, source, differences: [] };
}

const droppedBy = ({ rule }: KernelStep): LiveTrace['result'] => (/reject|REJECT/.test(rule) ? 'refused' : 'dropped');

/** Who refuses, or drops without a rule (a pod that gets what it sent itself, an address of nobody), shows in no kernel's trace. */
function unseenEnd(trace: Trace, sent: SendResult | undefined, end: string): LiveTrace['result'] | undefined {
  const result = sent === 'no answer' ? 'dropped' : sent === 'refused' ? 'refused' : undefined;
  return trace.outcomes.some((one) => one.destination === end && one.result === result) ? result : undefined;
}

interface Following extends Pick<LiveRequest, 'watchTable'> {
  readonly flow: Flow | undefined;
  /** Those so far; the others are added. */
  readonly hops: LiveHop[];
}

/** The connection as the last node on the way knows it: each may translate what the one before sent on. */
function followOn(others: readonly NodeSeen[], { flow, watchTable, hops }: Following): Flow | undefined {
  const arrivalOf = (other: NodeSeen, at: Flow) =>
    readTrace(other.trace, watchTable).find((packet) => isSameFlow(packet, at));
  let last = flow;
  for (;;) {
    const at = last;
    const isOn = (other: NodeSeen) => hops.some(({ node }) => node === other.node);
    const next = others.find((other) => at && !isOn(other) && arrivalOf(other, at));
    if (!at || !next) return at;
    const there = next.conntrack
      .flatMap((line) => readFlow(line) ?? [])
      .find(({ source, destination }) => isSameEnd(source, at.client) && isSameEnd(destination, at.answerer));
    const arrival = arrivalOf(next, at);
    hops.push({ node: next.node, steps: arrival?.steps ?? [], flow: there });
    last = there ?? passed(arrival) ?? at;
  }
}

/** Rules on the way that are none of Portico's: when something differs, they are who did it. */
function strangers(hops: readonly LiveHop[]): string[] {
  return hops.flatMap(({ node, steps }) =>
    steps
      .filter(({ table, chain, rule }) => rule !== '' && !/ portico-/.test(table) && !/KUBE-/.test(chain + rule))
      .map((step) => `on ${node} it meets a rule that is none of Portico's: ${stepText(step)}`),
  );
}

const hostPort = ({ address, port }: AddressPort): string => joinHostPort(address, port);

function isSameFlow({ source, destination }: KernelPacket, flow: Flow): boolean {
  return isSameEnd(source, flow.client) && isSameEnd(destination, flow.answerer);
}

type Met = Pick<LiveTrace, 'result' | 'destination' | 'source'>;

function outcomeDifferences(
  trace: Trace,
  met: Met,
  drop: (KernelStep & { readonly node: string }) | undefined,
): string[] {
  const wanted = trace.outcomes.map((outcome) => {
    const isLeaving = outcome.result === 'leaves the cluster';
    return { ...outcome, isLeaving, result: isLeaving ? 'arrives' : outcome.result };
  });
  const where = drop ? `: on ${drop.node}, ${stepText(drop)}` : '';
  const same = wanted.filter(({ result }) => result === met.result);
  if (met.result === 'unseen') return [];
  if (same.length === 0) {
    const said = [...new Set(wanted.map(({ result }) => result))].join(' or ') || 'nothing is sent';
    return [
      `the model says: ${said}; in the kernel it ${met.result === 'arrives' ? `arrives at ${met.destination}` : `is ${met.result}`}${where}`,
    ];
  }
  if (met.result !== 'arrives') return [];
  const there = same.filter(({ destination }) => destination === met.destination);
  if (there.length === 0) {
    return [
      `the kernel sends it to ${met.destination}; the model knows ${[...new Set(same.map(({ destination }) => destination))].join(', ')}`,
    ];
  }
  // What leaves the cluster may be hidden behind the node by the pod network, which is not of the model.
  if (there.some(({ source, isLeaving }) => isLeaving || source === met.source)) return [];
  return [`the destination sees ${met.source}, where the model says ${there[0]?.source}`];
}

/** A packet that arrives at somebody who is known, and whose sender hears nothing. */
function answerDifferences(request: LiveRequest, met: Met): string[] {
  const { trace, sent, isAnswered } = request;
  const arrives = trace.outcomes.some(
    ({ result, destination, isUnanswered }) => result === 'arrives' && !isUnanswered && destination === met.destination,
  );
  if (!isAnswered || sent !== 'no answer' || met.result !== 'arrives' || !arrives) return [];
  if (passesSilence(request)) return [];
  return [
    `the model says that ${met.destination} answers; no answer came to the sender: something on the way back drops it`,
  ];
}

export function stepText({ table, chain, rule, verdict }: KernelStep): string {
  return `${table} ${chain}: ${rule === '' ? 'policy' : rule} (${verdict})`;
}

/** Rules that the kernel has and the model has not, and the other way round. */
export function ruleDifferences({
  node,
  kernelRules,
  modelRules,
}: Pick<NodeSeen, 'node' | 'kernelRules' | 'modelRules'>): string[] {
  const [kernel, model] = [comparable(kernelRules), comparable(modelRules)];
  const known = new Set(model);
  const present = new Set(kernel);
  return [
    ...kernel
      .filter((line) => !known.has(line))
      .map((line) => `on ${node} the kernel has what no object gives rise to: ${line}`),
    ...model.filter((line) => !present.has(line)).map((line) => `on ${node} the kernel lacks: ${line}`),
  ];
}

/** What frames rules and elements, and says nothing by itself. */
const frame = /^(?:|type .*|typeof .*|flags .*|size .*|timeout .*|comment .*|#.*)$/;
/** Chains of which there are as many as were ever needed, and sets that fill by themselves. */
const incidental = /(?:^| )(?:local-)?lb-\d+$|^set (?:\S+ )?affinity/;

/** Packets are counted where the kernel can: by rules that would stand without it, and by one of its own for node ports. */
const counting = /-m nfacct --nfacct-name +(\S+) /;

/**
 * Rules and elements with the chain, map or set that they are in. Which index an endpoint has depends on the past, and so
 * does in which of the maps of endpoints it is: both are left out.
 */
function comparable(lines: readonly string[]): string[] {
  let block = '';
  return lines.flatMap((line) => {
    const text = line
      .trim()
      .replace('elements = { ', '')
      .replace(/[ ,}]+$/, '');
    const [, opened] = /^((?:chain|map|set|table) .+?) \{$/.exec(line.trim()) ?? [];
    if (opened !== undefined) block = opened;
    const counter = counting.exec(text)?.[1];
    const isIncidental = incidental.test(block) || counter === packetCounters.localhostNodePorts;
    if (opened !== undefined || frame.test(text) || isIncidental) return [];
    // Lines of iptables name their chain themselves.
    if (block === '') return [text.replace(counting, '')];
    const isEndpoints = /endpoints-\d+$/.test(block);
    return [isEndpoints ? `${block.replace(/-\d+$/, '')}: ${text.replace(/ \. \d+ : /, ' : ')}` : `${block}: ${text}`];
  });
}
