// Signals that end containers: as the API names them (`SIGRTMIN+3`), and as CRI numbers them.
import { stopSignals } from '../../api/core/v1/pod/stop-signals.ts';

/** 0 of a name that CRI does not know: that of the image, or else the runtime's own. */
export const stopSignalNumber = (name = ''): number => Math.max(0, stopSignals.indexOf(name));

/** Undefined where the runtime does not tell. */
export const stopSignalName = (number: number): string | undefined => stopSignals[number] || undefined;
