// The door of config/: tagflow.yaml, from its text to a Pipeline.
// schema -> normalise -> rules: all mistakes are found in one run, each with its line, the wrong value and what is right.
import type { ConfiguredPin, Environment, Image, Pipeline, SigningMethod } from '../model/pipeline.ts';
import { DEFAULT_POLICY } from '../model/gate-policy.ts';
import { ConfigDocument } from './document.ts';
import type { Draft, DraftEnvironment, DraftImage } from './draft.ts';
import { normalise } from './normalise.ts';
import { configInvalid } from './problems.ts';
import { checkRules, flowOrder } from './rules.ts';
import { SIGNERS_FILE } from './schema.ts';
import { checkShape } from './shape.ts';

/** The configuration's file, at the repository's root. */
export const CONFIG_FILE = 'tagflow.yaml';

/**
 * The pipeline that a configuration's text says; `file` is the name to show in errors. Pure.
 * Throws one `config-invalid` for all mistakes together: `details.problems` lists them, each a {@link Problem} with
 * line, column, path, what and fix; `why` shows them as `tagflow.yaml:12:5  environments.stg.from  …`, one a line.
 */
export function parseConfig(text: string, file: string = CONFIG_FILE): Pipeline {
  const document = new ConfigDocument(text);
  if (document.problems.length > 0) throw configInvalid(file, document.problems);
  checkShape(document);
  const draft = normalise(document);
  checkRules(draft, document);
  if (document.problems.length > 0) throw configInvalid(file, document.problems);
  return finish(draft);
}

// No mistake was reported, so every part of the draft is there; one that is not is a defect of the checks above.
function finish(draft: Draft): Pipeline {
  return {
    trunk: draft.trunk,
    images: new Map([...draft.images].map(([name, image]) => [name, finishImage(image)])),
    environments: new Map(
      flowOrder(draft).map((environment) => [environment.name, finishEnvironment(environment, draft.signing)]),
    ),
    maxFileBytes: draft.maxFileBytes,
    plainHttpHosts: draft.plainHttpHosts,
    ...(draft.forge && { forge: draft.forge }),
    ...(draft.signing && {
      signing: {
        method: draft.signing,
        signers: draft.signers ?? SIGNERS_FILE[draft.signing],
        revoked: draft.revoked,
      },
    }),
  };
}

function finishImage({ name, repository, versions, names }: DraftImage): Image {
  return { name, repository: there(repository, name), versions: there(versions, name), names };
}

function finishEnvironment(draft: DraftEnvironment, method: SigningMethod | undefined): Environment {
  const { name, from, repositories, keep, pin, retain, pullRequest, signedBy, signedAfter } = draft;
  return {
    name,
    from,
    branch: there(draft.branch, name),
    tag: there(draft.tag, name),
    path: there(draft.path, name),
    repositories,
    keep,
    pin,
    pins: draft.pins.map(({ image, file, path }): ConfiguredPin => ({
      image: there(image, name),
      file: there(file, name),
      path: there(path, name),
    })),
    retain,
    pullRequest,
    gates: DEFAULT_POLICY,
    ...(method && { signing: { method, signedBy, signedAfter } }),
  };
}

function there<T>(value: T | undefined, owner: string): T {
  if (value === undefined) throw new TypeError(`a part of ${owner} was not read, and no mistake was reported`);
  return value;
}
