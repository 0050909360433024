// Faults that wait for their operation.

/** A fault that strikes the operation at which `remaining` of those that match have come; once. */
export interface Armed<Operation, Fault> {
  readonly fault: Fault;
  remaining: number;
  readonly matches: (operation: Operation) => boolean;
}

/** The armed fault that this operation sets off, if any; every matching one counts it. */
export function strike<Operation, Fault>(armed: Armed<Operation, Fault>[], operation: Operation): Fault | undefined {
  let struck: Fault | undefined;
  for (const entry of armed.filter(({ matches }) => matches(operation))) {
    entry.remaining -= 1;
    if (entry.remaining > 0) continue;
    armed.splice(armed.indexOf(entry), 1);
    struck ??= entry.fault;
  }
  return struck;
}
