import { Report } from './report.ts';
import { run } from './.tmp-retag.ts';
await run(new Report());
