// The contract of a ledger over a memory remote: what its remote can do, for every ledger that reads and writes one.
import type { BranchName } from '../../src/model/object-id.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { type LedgerRemote, describeLedgerContract } from '../contract/ledger.ts';
import { type MemoryRemote, createMemoryRemote } from './memory-ledger.ts';

/** Describes the contract of a ledger that `open` makes over a memory remote. */
export function describeMemoryContract(name: string, open: (remote: MemoryRemote) => Ledger): void {
  describeLedgerContract(name, async (): Promise<LedgerRemote> => {
    const remote = createMemoryRemote();
    return {
      open: async () => open(remote),
      commit: async (branch, files, how) => remote.commit(branch, files, how),
      move: async (branch, id) => {
        if (id) remote.branches.set(branch as BranchName, id);
        else remote.branches.delete(branch as BranchName);
      },
      head: async (branch) => remote.branches.get(branch as BranchName),
      file: async (branch, path) => remote.file(branch, path),
      protect: async (branch) => {
        remote.protected.add(branch as BranchName);
      },
      close: async () => undefined,
    };
  });
}
