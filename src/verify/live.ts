// What runs now, by the account of what runs it: the version that a URL answers, the digests of a workload's Pods, or what Flux or
// Argo CD reported. Nothing is compared here but images with their names.
import type { LiveHttp, LiveKubernetes } from '../model/live.ts';
import { type VerifySubject, fillTemplate } from '../model/verification.ts';
import type { Asking } from './ask.ts';
import { get } from './get.ts';
import { fieldOf } from './http.ts';
import { type Kubectl, type Pods, type Workload, fetchWorkload, repositoryNameOf, runningPods } from './kubernetes.ts';
import type { Sighting, VerifyTarget } from './verify.ts';

/** Longest version that an answer can be. */
const LONGEST = 256;

/** Asks a URL which version of an image runs. */
export async function lookAtHttp(
  { url: template, json, image }: LiveHttp,
  subject: VerifySubject,
  asking: Asking,
  limitMs: number,
): Promise<readonly Sighting[]> {
  const filled = fillTemplate(template, subject, encodeURIComponent);
  const url = filled === undefined ? undefined : URL.parse(filled);
  if (!url) return nothing(`${template} cannot be filled in`, image);
  const refusal = asking.mayAsk(url);
  if (refusal !== undefined) return nothing(refusal, image);
  const { agents, signal } = asking;
  const page = await get(url, { agents, signal, limitMs });
  if (typeof page === 'string') return nothing(page, image);
  if (page.status !== 200) return nothing(`status ${page.status}, not 200`, image);
  if (page.isCut) return nothing('the answer is longer than 64 KiB', image);
  const said = json.length === 0 ? page.body.toString() : textAt(page.body.toString(), json);
  if (said === undefined) return nothing(`the answer has no text in ${json.join('.')}`, image);
  const version = said.trim();
  // A page of HTML is not a version, and would be taken for another one.
  if (version === '' || version.length > LONGEST || /\s/.test(version))
    return nothing(`the answer is not a version: ${version.slice(0, 80)}`, image);
  return [{ said: 'runs', image, what: [version] }];
}

/** Asks Kubernetes which digests of the release's images run. */
export async function lookAtKubernetes(
  place: LiveKubernetes,
  target: VerifyTarget,
  kubectl: Kubectl,
  limitMs: number,
): Promise<readonly Sighting[]> {
  const found = await fetchWorkload(place, target, kubectl, limitMs);
  if (typeof found === 'string') return nothing(found);
  const pods = await found.pods();
  if (typeof pods === 'string') return nothing(pods);
  const seen = digestsIn(found.workload, pods, target);
  return seen.length > 0 ? seen : nothing(`${found.name} runs no image of the release`);
}

/** The digests that running Pods have of each image of a release that the workload names or runs. */
function digestsIn({ spec }: Workload, pods: Pods, { images }: Pick<VerifyTarget, 'images'>): readonly Sighting[] {
  const named = new Set((spec.template?.spec.containers ?? []).map(({ image }) => repositoryNameOf(image)));
  const containers = runningPods(pods).flatMap(({ status }) => status?.containerStatuses ?? []);
  return images.flatMap(({ name, repository, digest }): readonly Sighting[] => {
    const own = containers.filter(
      ({ image, imageID }) =>
        repositoryNameOf(image) === repository ||
        repositoryNameOf(imageID) === repository ||
        imageID.endsWith(`@${digest}`),
    );
    if (own.length === 0 && !named.has(repository)) return [];
    const what = own.map(({ imageID }) => /@(sha(?:256|512):[0-9a-f]+)$/.exec(imageID)?.[1] ?? '');
    // While a container is created it has no id yet.
    if (what.includes('')) return nothing(`a Pod does not tell the digest of ${name} yet`, name);
    return [{ said: 'runs', image: name, what: [...new Set(what)].sort() }];
  });
}

function nothing(seen: string, image?: string): readonly Sighting[] {
  return [{ said: 'nothing', image, seen }];
}

function textAt(body: string, path: readonly string[]): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return undefined;
  }
  const found = fieldOf(document, path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
