// Gates of programs: what a program of the trunk says of a release.
import { type Gate, defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** The exit code of "not yet" (EX_TEMPFAIL of sysexits.h). */
const NOT_YET = 75;

/** The gate of a program: 0 passes, 75 is not yet, anything else refuses; a program that did not end is unknown. */
export function runGate(name: string): Gate {
  const gate = `run/${name}`;
  return defineGate({
    name: gate,
    needs: ['runs'],
    judge(_, { runs }) {
      const { exitCode, seen = 'it was not run' } = runs.get(name) ?? {};
      if (exitCode === 0) return pass(seen);
      const fix = advise`see what ${name} asks for, or: ${{ act: 'override', gate }}`;
      if (exitCode === undefined) {
        const text = { what: `cannot tell whether gate ${gate} passes`, why: seen, fix, details: { gate } };
        return { decision: 'unknown', code: 'gate-unknown', text };
      }
      const isEarly = exitCode === NOT_YET;
      const what = isEarly ? `${name} says not yet` : `${name} refuses the release`;
      return { decision: isEarly ? 'wait' : 'refuse', code: 'run', text: { what, why: seen, fix } };
    },
  });
}
