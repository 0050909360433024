#!/usr/bin/env node
// The process: starts quickly, ends with an exit code that tells the truth, and stops within seconds when asked to.
import { enableCompileCache } from 'node:module';

enableCompileCache();

const { runProgram } = await import('./program.ts');
process.exitCode = await runProgram({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  signals: process,
});
