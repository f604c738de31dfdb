// Sends packets through the rules of a node, without a kernel: hooks, routing between them, and all that dice may give.
import { isLoopbackAddress, Routing } from './address.ts';
import { Hooks } from './hooks.ts';
import type { HookName, Memory, NodeNetwork, Outcome, Packet, Route, Ruleset, Verdict } from './packet.ts';
import { decided, firstState, outcomeOf, type PacketState } from './state.ts';

const nothing: Memory = new Map();

export interface SimulatorOptions {
  readonly ruleset: Ruleset;
  readonly network: NodeNetwork;
}

/** A node that only thinks. Reading the ruleset costs as much as it is large; sending costs what the packet meets. */
export class PacketSimulator {
  readonly #hooks: Hooks;
  readonly #routing: Routing;

  constructor({ ruleset, network }: SimulatorOptions) {
    this.#routing = new Routing(network, ruleset.addresses ?? []);
    this.#hooks = new Hooks(ruleset, this.#routing);
  }

  /**
   * All that may become of the packet, with every step on the way. `memory` is who stays with which endpoint; the
   * outcomes say what is to be added to it.
   */
  send(packet: Packet, memory: Memory = nothing): Outcome[] {
    const address = packet.source?.address ?? this.#routing.sourceFor(packet.destination.address);
    const source = packet.source ?? { address: address ?? '', port: 0 };
    const state = firstState(packet, source);
    if (address === undefined) return [outcomeOf(routed(state, 'nowhere'), { kind: 'unreachable' })];
    return this.#enter(state, memory);
  }

  #enter(state: PacketState, memory: Memory): Outcome[] {
    return this.#hooks.run(state, memory).flatMap((passage) => {
      if (passage.kind === 'end') return [outcomeOf(passage.state, passage.verdict)];
      if (passage.kind === 'enter') return this.#enter({ ...passage.state, hook: passage.hook }, memory);
      return this.#after(passage.state, memory);
    });
  }

  /** What comes after a hook that let the packet pass. */
  #after(state: PacketState, memory: Memory): Outcome[] {
    const end = (verdict: Verdict, at = state) => [outcomeOf(at, verdict)];
    switch (state.hook) {
      case 'prerouting':
        if (this.#isMartian(state)) return end({ kind: 'martian' });
        return this.#route(state, { own: 'input', others: 'forward' }, memory);
      case 'input':
        return end({ kind: 'local' });
      case 'forward':
        return this.#enter({ ...state, hook: 'postrouting' }, memory);
      case 'output':
        return this.#route(state, { own: 'postrouting', others: 'postrouting' }, memory);
      case 'postrouting':
        if (state.outInterface === loopback) {
          return this.#enter({ ...state, hook: 'prerouting', inInterface: loopback }, memory);
        }
        if (isLoopbackAddress(state.source.address)) return end({ kind: 'martian' });
        return end({
          kind: 'sent',
          device: state.outInterface ?? '',
          via: this.#routing.routeTo(state.destination.address)?.via,
        });
    }
  }

  #route(state: PacketState, next: { readonly own: HookName; readonly others: HookName }, memory: Memory): Outcome[] {
    const { address } = state.destination;
    if (this.#routing.isLocal(address)) {
      return this.#enter({ ...routed(state, 'this node'), outInterface: loopback, hook: next.own }, memory);
    }
    const route = this.#routing.routeTo(address);
    if (!route) return [outcomeOf(routed(state, 'nowhere'), { kind: 'unreachable' })];
    return this.#enter({ ...routed(state, route), outInterface: route.device, hook: next.others }, memory);
  }

  #isMartian({ inInterface, destination }: PacketState): boolean {
    return inInterface !== loopback && isLoopbackAddress(destination.address) && !this.#routing.routesLocalnet;
  }
}

const loopback = 'lo';

function routed(state: PacketState, to: Route | 'this node' | 'nowhere'): PacketState {
  return decided(state, { by: 'routing', to });
}
