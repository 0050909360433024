#!/usr/bin/env node
// What Node reads first, in words that every Node with modules understands: an older one learns so, before it stumbles over
// the syntax of the rest.
import process from 'node:process';

// Node reads proxies from variables (`proxyEnv` of http.Agent) from these on; an older one would go round a proxy silently.
const LEAST: Readonly<Record<number, number>> = { 22: 21, 23: Infinity, 24: 8 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major >= 22 && minor >= (LEAST[major] ?? 0)) {
  // The process waits for it: nothing else is left to do here.
  void import('./main.ts');
} else {
  process.stderr.write(
    `✗ error: tagflow needs Node 22.21 or 24.8 or newer\n` +
      `  why   this is Node ${process.versions.node} (${process.execPath})\n` +
      `  fix   install a newer Node, or use the executable of tagflow, which needs no Node; where several Nodes are installed, put the newer one first on PATH\n`,
  );
  process.exitCode = 2;
}
