// What every use case receives: the ports, and who runs the command. Wired once, in compose/context.ts.
import type { Forge } from '../forge/forge.ts';
import type { Ledger, LedgerReader } from '../ledger/ledger.ts';
import type { ReadBuildSource, SourceEnds, SourceRange } from '../model/build-source.ts';
import type { Clock, ReportProgress, Random } from '../model/effects.ts';
import type { FactKeeper } from '../model/kept-facts.ts';
import type { ForgeKind, Pipeline } from '../model/pipeline.ts';
import type { Repository } from '../model/reference.ts';
import type { AbleRegistry, CopyImage, RegistryReader } from '../registry/registry.ts';
import type { Renderer } from '../render/render.ts';
import type { Verifier } from '../verify/verify.ts';
import type { Signing } from '../signing/signing.ts';

/** Who runs this, as the record will say. Every text is one plain line. */
export interface Who {
  /** A person's or a job's name, for people. */
  readonly actor: string;
  /** Author of the commit, `Name <address>`. */
  readonly author: string;
  /** The person a job acts for. */
  readonly onBehalfOf?: string;
  /** URL of the CI job. */
  readonly job?: string;
}

/** A configuration given by `--config` instead of the trunk's: for experiments, and recorded as such. */
export interface ConfigFile {
  readonly file: string;
  readonly text: string;
}

/** What reading records and the journal takes. */
export interface RecordReading {
  readonly ledger: LedgerReader;
  /** Signs and judges signatures, where the configuration asks for them. */
  readonly signing?: Signing;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What finding lines by their names takes: reading records, and warnings. */
export interface LineReading extends RecordReading {
  readonly notify: ReportProgress;
}

/** What reading whole lines takes. */
export interface PastReading extends RecordReading {
  /** Keeps between runs what follows from objects alone; absent: everything is read again. */
  readonly keeper?: FactKeeper;
}

/** What a caller may say of reading. */
export interface ReadSettings {
  readonly config?: ConfigFile;
  /** How many release lines are read side by side, so that their requests go together; all when absent. */
  readonly linesAtOnce?: number;
}

/** What a caller says of a run, beside its request. */
export interface Settings extends ReadSettings {
  readonly who: Who;
  /** How long a promotion that loses races tries again, in milliseconds. */
  readonly raceTimeout: number;
  /** What the caller's CI says of a deploy freeze (GitLab's CI_DEPLOY_FREEZE); absent: there is none. */
  readonly deployFreeze?: string;
}

/** What reading a repository takes: ports without a method that changes anything. */
export interface Reading extends PastReading, LineReading {
  readonly settings: ReadSettings;
}

/** Ports to systems other than the repository and the registries. */
export interface OutsideSources {
  /** Asks programs, and whatever else says whether a release may come or runs as it should. */
  readonly verifier?: Verifier;
  /** Renders manifests through the tools of this machine. */
  readonly renderer?: Renderer;
  /**
   * The commits between two commits of a source repository, `kind` being what the configuration says of the forge; undefined where it
   * shows no such commits. Throws what a forge throws, and what reading a remote throws.
   */
  readonly compareSource?: (
    url: string,
    ends: SourceEnds,
    kind: ForgeKind | undefined,
  ) => Promise<SourceRange | undefined>;
  /** What the forge says of commits. Throws `forge-unknown`, `unauthorized`. */
  readonly forgeOf?: (kind: ForgeKind | undefined) => Promise<Pick<Forge, 'statuses' | 'reviews'>>;
}

/** What asking what runs takes. */
export interface LiveReading extends Reading {
  readonly outside: OutsideSources;
}

/** Finds the registry that serves a repository, to read from. */
export interface RegistryFinder {
  readonly registryOf: (repository: Repository) => RegistryReader;
}

/** What planning takes: reading, and sources without a method that changes anything. */
export interface PlanningPorts extends LiveReading {
  readonly registries: RegistryFinder;
  readonly settings: Settings;
}

/** The registries under one configuration. */
export interface Registries {
  /** The registry that serves a repository. */
  readonly registryOf: (repository: Repository) => AbleRegistry;
  /** Copies images between repositories, whichever registries serve them. */
  readonly copyImage: CopyImage;
  /** Reads where images were built from; absent: that is not asked. */
  readonly readBuildSource?: ReadBuildSource;
}

/** What is enough for work on registries alone. */
export interface RegistryContext {
  readonly registries: Registries;
  /** Aborts when the run shall stop: nothing new is started, what is being written is finished. */
  readonly signal: AbortSignal;
  readonly notify: ReportProgress;
}

/** Makes registries as a configuration says. */
export interface RegistryMaker {
  /** The registries that speak plain HTTP to these hosts (`host[:port]`), beside loopback. The same ones for the same hosts. */
  readonly registriesFor: (plainHttpHosts: ReadonlySet<string>) => Registries;
}

/** Sources outside, and the forge with all that it can do. */
export interface Outside extends OutsideSources {
  /** The forge that hosts the repository, of that kind where the configuration says so. Throws `forge-unknown`, `unauthorized`. */
  readonly forgeOf?: (kind: ForgeKind | undefined) => Promise<Forge>;
}

/** What comparing releases with their registries takes. */
export interface RegistryReading extends RecordReading {
  readonly registries: RegistryFinder;
}

/** What putting and removing a release's tags takes. */
export interface TagPorts extends RegistryReading, LineReading {
  readonly registries: Registries;
}

/** What writing commits of releases takes. */
export interface CommitPorts extends LineReading {
  readonly ledger: Ledger;
  readonly settings: Settings;
}

/** What writing entries of the journal takes. */
export interface EntryPorts extends CommitPorts {
  readonly random: Random;
}

/** What doing a plan takes: copies, commits, pull requests and tags. */
export interface ExecutionPorts extends CommitPorts, TagPorts, RegistryMaker {
  readonly ledger: Ledger;
  readonly outside: Outside;
}

/** What auditing and diagnosing takes, before the configuration is read. */
export interface AuditPorts extends LiveReading, RegistryMaker {
  readonly settings: Settings;
  readonly outside: Outside;
}

/** What making a release takes, before the configuration is read. */
export interface ReleasePorts extends AuditPorts {
  readonly ledger: Ledger;
}

/** The ports and settings of one run, before its configuration is read: what composing gives. */
export interface Given extends ReleasePorts {
  readonly random: Random;
}

/** The ports and settings of one run under its configuration. */
export interface Context extends Given {
  readonly registries: Registries;
}

/** Adds the registries that a configuration asks for. */
export function configured<T extends RegistryMaker>(
  given: T,
  { pipeline }: { readonly pipeline: Pick<Pipeline, 'plainHttpHosts'> },
): T & { readonly registries: Registries } {
  return { ...given, registries: given.registriesFor(pipeline.plainHttpHosts) };
}
