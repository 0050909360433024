// What work costs, on a machine that does other things as well.

/** The milliseconds of processor time that a call took in this process. */
export function cpuTime(call: () => unknown): number {
  const before = process.cpuUsage();
  call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
