// What a registry can beyond the floor of the protocol. No registry says so; each ability is learnt from the first answer to
// a request that needs it, by the table below, and kept for the run: registries differ by what stands here, not by `if`s.
// OCI distribution-spec v1.1: "Deleting tags", "Listing Referrers", "Mounting a blob".
import type { RemoteRepository } from '../../model/reference.ts';
import { errorOf, headerOf } from './answer.ts';
import type { HttpResponse } from '../../http/http.ts';

/**
 * `referrers-api`: `GET referrers/DIGEST`. `tag-deletion`: `DELETE manifests/TAG` removes the tag and leaves the image.
 * `mount`: `POST blobs/uploads/?mount=DIGEST` takes a blob from another repository.
 */
export type Ability = 'referrers-api' | 'tag-deletion' | 'mount';

/** Whether a registry has an ability, and why. */
export interface AbilityVerdict {
  readonly has: boolean;
  /** The evidence: one line, lower case, no full stop. */
  readonly why: string;
}

/** What has been learnt in a run, by repository: a registry's projects may differ in version and in rights. */
export interface Abilities {
  /** Undefined while nothing is known. */
  known(repository: RemoteRepository, ability: Ability): AbilityVerdict | undefined;
  learn(repository: RemoteRepository, ability: Ability, verdict: AbilityVerdict): void;
}

/** What the response to a request that needs an ability says about it. */
export type Meaning =
  /** It was done. */
  | 'has'
  /** The registry does not know the request, or these credentials may never make it. */
  | 'lacks'
  /** Nothing of the ability: it is about this one tag or image. */
  | 'says-nothing';

interface Row {
  readonly when: (response: HttpResponse) => boolean;
  readonly means: Meaning;
}

const status =
  (...codes: readonly number[]) =>
  (response: HttpResponse): boolean =>
    codes.includes(response.status);

const TABLE: Readonly<Record<Ability, readonly Row[]>> = {
  'referrers-api': [
    { when: isIndex, means: 'has' },
    // Registries of before the API answer 404, or every path with a page of their own.
    { when: () => true, means: 'lacks' },
  ],
  mount: [
    { when: status(201), means: 'has' },
    // 202 opens an upload instead. It may be about this one blob; who asks takes the first answer for all.
    { when: () => true, means: 'lacks' },
  ],
  'tag-deletion': [
    { when: status(200, 202, 204), means: 'has' },
    // Docker's registry 2.8 takes a digest only and answers 400 or 405; Docker Hub and GHCR 405; rights that end before it 403.
    { when: status(400, 403, 405, 501), means: 'lacks' },
    // Not the protocol's 404: there is no such route.
    { when: (response) => response.status === 404 && errorOf(response).code === '', means: 'lacks' },
    { when: () => true, means: 'says-nothing' },
  ],
};

/** What a response says about an ability, by the first matching row of the table. */
export function meaningOf(ability: Ability, response: HttpResponse): Meaning {
  return TABLE[ability].find(({ when }) => when(response))?.means ?? 'says-nothing';
}

/** Nothing is known yet. */
export function createAbilities(): Abilities {
  const verdicts = new Map<string, AbilityVerdict>();
  const keyOf = ({ name }: RemoteRepository, ability: Ability): string => `${ability} ${name}`;
  return {
    known: (repository, ability) => verdicts.get(keyOf(repository, ability)),
    learn: (repository, ability, verdict) => void verdicts.set(keyOf(repository, ability), verdict),
  };
}

function isIndex(response: HttpResponse): boolean {
  if (response.status !== 200) return false;
  const type = headerOf(response, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/vnd.oci.image.index.v1+json' && type !== 'application/json') return false;
  try {
    const body: unknown = JSON.parse(response.body.toString('utf8'));
    return typeof body === 'object' && body !== null && 'manifests' in body;
  } catch {
    return false;
  }
}
