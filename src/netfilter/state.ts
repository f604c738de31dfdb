// A packet on its way: a value, so that a throw of the dice is several of them.
import type { Routing } from './address.ts';
import type {
  AddressPort,
  Connection,
  Decision,
  HookName,
  Outcome,
  Packet,
  Protocol,
  Step,
  Verdict,
} from './packet.ts';

interface List<T> {
  readonly last: T;
  readonly before: List<T> | undefined;
}

export interface PacketState {
  readonly protocol: Protocol;
  readonly source: AddressPort;
  readonly destination: AddressPort;
  readonly mark: number;
  readonly inInterface: string | undefined;
  readonly outInterface: string | undefined;
  readonly fromBridgePort: boolean;
  readonly connection: Connection;
  readonly original: { readonly source: AddressPort; readonly destination: AddressPort };
  /** Whether connection tracking has settled the translation of the destination, and of the source. */
  readonly settled: { readonly destination: boolean; readonly source: boolean };
  readonly masqueraded: boolean;
  /** By connection tracking, not by IPVS. */
  readonly destinationTranslated: boolean;
  /** The virtual server that took the packet. */
  readonly virtualServer: { readonly address: string; readonly port: number } | undefined;
  readonly hook: HookName;
  readonly probability: number;
  readonly steps: List<Step> | undefined;
  readonly remembers: List<{ readonly list: string; readonly address: string }> | undefined;
}

export function firstState(packet: Packet, source: AddressPort): PacketState {
  const { protocol, destination, inInterface, fromBridgePort = false, mark = 0 } = packet;
  return {
    protocol,
    source,
    destination,
    mark,
    inInterface,
    outInterface: undefined,
    fromBridgePort,
    connection: packet.connection ?? { state: 'new' },
    original: { source, destination },
    settled: { destination: false, source: false },
    masqueraded: false,
    destinationTranslated: false,
    virtualServer: undefined,
    hook: inInterface === undefined ? 'output' : 'prerouting',
    probability: 1,
    steps: undefined,
    remembers: undefined,
  };
}

/** The packet after a decision, which had other ways to go if its chance is below 1. */
export function decided(state: PacketState, decision: Decision, chance = 1): PacketState {
  const { hook, source, destination, mark, steps } = state;
  const step: Step = { hook, decision, chance, packet: { source, destination, mark } };
  return { ...state, steps: { last: step, before: steps } };
}

export function remembered(state: PacketState, list: string, address: string): PacketState {
  return { ...state, remembers: { last: { list, address }, before: state.remembers } };
}

/** The packet with the node's address on the device it leaves by as its source. */
export function masqueraded(state: PacketState, routing: Routing): PacketState {
  const address = routing.addressOf(state.outInterface ?? '') ?? state.source.address;
  return { ...state, source: { ...state.source, address }, masqueraded: true };
}

function inOrder<T>(list: List<T> | undefined): T[] {
  const items: T[] = [];
  for (let rest = list; rest; rest = rest.before) items.push(rest.last);
  return items.reverse();
}

export function outcomeOf(state: PacketState, verdict: Verdict): Outcome {
  const { probability, source, destination, mark, masqueraded, original } = state;
  const { address, port } = original.destination;
  return {
    probability,
    verdict,
    source,
    destination,
    mark,
    masqueraded,
    translated: destination.address !== address || destination.port !== port,
    steps: inOrder(state.steps),
    remembers: inOrder(state.remembers),
  };
}
