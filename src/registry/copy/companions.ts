// What is about an image travels with it: signatures, attestations, SBOMs. They are found in both ways there are: as
// referrers (OCI distribution-spec v1.1), and under cosign's tags `sha256-HEX.sig`, `.att` and `.sbom`
// (sigstore/cosign, specs/SIGNATURE_SPEC.md); and what is about them in turn.
import { type Digest, digestAlgorithm, digestHex } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import type { Tag } from '../../model/reference.ts';
import type { Descriptor } from '../registry.ts';
import type { Copying } from './walk.ts';
import type { Node } from './walk.ts';

const COSIGN = ['sig', 'att', 'sbom'] as const;
/** Subjects from which on the list of all tags is asked for first: a single one has no more tags to ask for than that. */
const MANY = 2;

/** Copies what is about any of the manifests, and about that, each once. Throws what copying throws. */
export async function copyCompanions(copying: Copying, nodes: readonly Node[], label: string): Promise<void> {
  const seen = new Set(nodes.map(({ digest }) => digest));
  const tags = seen.size < MANY ? undefined : await copying.source.tagsAtOnce(copying.from);
  for (let level = [...seen]; level.length > 0;) {
    const found = await Promise.all(level.map(async (subject) => companionsOf(copying, subject, tags)));
    const next: Digest[] = [];
    for (const { subject, referrers, tagged } of found) {
      const listed = referrers.length > 0 ? await copying.target.referrers(copying.to, subject) : [];
      for (const referrer of referrers) {
        const isListed = listed.some(({ digest }) => digest === referrer.digest);
        const copied = isListed ? [referrer] : await copyReferrer(copying, referrer, label);
        next.push(...copied.map(({ digest }) => digest));
      }
      for (const { tag, digest } of tagged) {
        const copied = await copyTagged(copying, tag, digest, label);
        next.push(...copied.map((each) => each.digest));
      }
    }
    level = [...new Set(next)].filter((digest) => !seen.has(digest));
    for (const digest of level) seen.add(digest);
  }
}

interface Companions {
  readonly subject: Digest;
  readonly referrers: readonly Descriptor[];
  readonly tagged: readonly { readonly tag: Tag; readonly digest: Digest }[];
}

async function companionsOf(
  { source, from }: Copying,
  subject: Digest,
  known: ReadonlySet<Tag> | undefined,
): Promise<Companions> {
  const names = COSIGN.map((suffix) => `${digestAlgorithm(subject)}-${digestHex(subject)}.${suffix}` as Tag);
  const tags = known ? names.filter((name) => known.has(name)) : names;
  const [referrers, digests] = await Promise.all([
    source.referrers(from, subject, known),
    Promise.all(tags.map(async (tag) => source.peek(from, tag))),
  ]);
  const tagged = tags.flatMap((tag, index) => {
    const digest = digests[index];
    return digest ? [{ tag, digest }] : [];
  });
  return { subject, referrers, tagged };
}

/** Copies a referrer, so that the target lists it. Resolves to what was copied. */
async function copyReferrer(
  copying: Copying,
  { digest, mediaType }: Descriptor,
  label: string,
): Promise<readonly { readonly digest: Digest }[]> {
  const { source, target, from, to, notify } = copying;
  const manifest = await source.readManifest(from, digest);
  if (!manifest) {
    // Lists under a tag are not kept in step with what is deleted.
    notify({ level: 'warning', text: `${from.name} lists ${digest} as a referrer of ${label}, but does not have it` });
    return [];
  }
  const nodes = await copying.copyGraph({ digest, mediaType, label: `a signature or attestation of ${label}` });
  // It was there and not in the list: an earlier copy ended between the two.
  if (nodes.at(-1)?.present) await target.putManifest(to, manifest);
  return nodes;
}

/** Copies what a cosign tag names, and the tag; one that names something else in the target stays as it is. */
async function copyTagged(
  copying: Copying,
  tag: Tag,
  digest: Digest,
  label: string,
): Promise<readonly { readonly digest: Digest }[]> {
  const { target, to, notify } = copying;
  const there = await target.peek(to, tag);
  if (there === digest) return [{ digest }];
  if (!there) {
    const nodes = await copying.copyGraph({ digest, label: `a signature or attestation of ${label}` });
    const tagging = target.tag(to, digest, tag, { expected: { digest: undefined } });
    if (!(await attempt(tagging, 'tag-moved')).problem) return nodes;
  }
  notify({
    level: 'warning',
    text: `${to.name}:${tag} already holds other signatures or attestations for ${label}, and was not changed`,
  });
  return [];
}
