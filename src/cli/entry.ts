#!/usr/bin/env node
// What Node reads first, in words that every Node with modules understands: an older one is told so, before it stumbles over
// the syntax of the rest.
import process from 'node:process';

const LEAST = [24, 8] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) {
  // The process waits for it: nothing else is left to do here.
  void import('./main.ts');
} else {
  process.stderr.write(
    `✗ error: tagflow needs Node ${LEAST.join('.')} or newer\n` +
      `  why   this is Node ${process.versions.node} (${process.execPath})\n` +
      `  fix   install a newer Node, or run the image node:24; where several are installed, put that one first on PATH\n`,
  );
  process.exitCode = 2;
}
