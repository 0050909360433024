// Which image a piece of text means. Manifests write names loosely (`django`, `docker.io/library/django:dev`), so names
// are compared after normalising, as github.com/distribution/reference does (ParseNormalizedNamed).

/** An image name as a manifest writes it, taken apart; nothing is validated, as templates may stand in any part. */
export interface WrittenImage {
  /** As written, without tag and digest. */
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const IMAGE = /^(?<name>\[[0-9A-Fa-f:.]+\](?::[0-9]+)?\/[^\s:@]+|[^\s:@]+(?::[0-9]+\/[^\s:@]+)?)(?<rest>[:@].*)?$/s;

/** The parts of `NAME[:TAG][@DIGEST]`; undefined for text that names nothing. */
export function splitImage(text: string): WrittenImage | undefined {
  const { name, rest = '' } = IMAGE.exec(text)?.groups ?? {};
  if (name === undefined) return undefined;
  const at = rest.indexOf('@');
  const tag = at < 0 ? rest.slice(1) : rest.slice(1, Math.max(at, 1));
  return { name, tag: tag === '' ? undefined : tag, digest: at < 0 ? undefined : rest.slice(at + 1) };
}

/** The text that `splitImage` takes apart. */
export function joinImage(name: string, tag: string | undefined, digest: string | undefined): string {
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The one spelling of a repository: host in lower case, Docker Hub's host and `library/` written out. */
export function canonicalName(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (first.includes('.') || first.includes(':') || first.toLowerCase() === 'localhost') {
    const host = first.toLowerCase() === 'index.docker.io' ? 'docker.io' : first.toLowerCase();
    const path = name.slice(slash + 1);
    return host === 'docker.io' && !path.includes('/') ? `docker.io/library/${path}` : `${host}/${path}`;
  }
  return slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}

/**
 * Whether text holds a placeholder that some tool fills in later: Helm and Argo parameters (`{{ .tag }}`), envsubst and
 * Flux post-build (`$TAG`, `${TAG}`), kustomize variables (`$(TAG)`), templates (`<%= tag %>`, `#{TAG}#`, `%TAG%`). No
 * image reference has any of these characters.
 */
export function hasPlaceholder(text: string): boolean {
  return /[$%<{]/.test(text);
}

/** An image that is looked for: its key, and every name by which a field may mean it. */
export interface NamedImage {
  readonly image: string;
  readonly names: readonly string[];
}

/** Finds the images that written names mean. */
export class NameIndex<T extends NamedImage> {
  readonly #byName = new Map<string, T[]>();
  /** Last path components: a file that holds none of them holds no pin. */
  readonly #needles = new Set<string>();

  constructor(images: readonly T[]) {
    for (const image of images) {
      for (const name of new Set(image.names.filter((name) => !name.startsWith('oci:')).map(canonicalName))) {
        this.#byName.set(name, [...(this.#byName.get(name) ?? []), image]);
        this.#needles.add(name.slice(name.lastIndexOf('/') + 1));
      }
    }
  }

  /** The images that any of the names means: normally none or one. */
  find(names: readonly string[]): readonly T[] {
    return [...new Set(names.flatMap((name) => this.#byName.get(canonicalName(name)) ?? []))];
  }

  /** Whether the text could name an image at all: cheap, and right for every text, as escapes need a backslash. */
  mayMention(text: string): boolean {
    return text.includes('\\') || [...this.#needles].some((needle) => text.includes(needle));
  }

  /**
   * The 1-based line at which text that cannot be parsed seems to name an image. A name without a slash is a common word,
   * so it counts only where `bare` says that a line's key holds images.
   */
  mention(text: string, bare: RegExp): { readonly line: number; readonly image: T } | undefined {
    let line = 0;
    for (const row of text.split('\n')) {
      line += 1;
      if (/^\s*#/.test(row) || ![...this.#needles].some((needle) => row.includes(needle))) continue;
      const bareCounts = bare.test(row);
      for (const [token] of row.matchAll(/[^\s"'`,[\]{}()<>|=]+/g)) {
        const image = this.#mentioned(token.replace(/[:@]+$/, ''), bareCounts);
        if (image) return { line, image };
      }
    }
    return undefined;
  }

  #mentioned(token: string, bare: boolean): T | undefined {
    const name = splitImage(token)?.name;
    if (name === undefined) return undefined;
    // `{{ .registry }}/acme/django`: the host is a placeholder, the path is ours
    if (name.startsWith('/')) return [...this.#byName].find(([known]) => known.endsWith(name))?.[1][0];
    return bare || name.includes('/') ? this.find([name])[0] : undefined;
  }
}
