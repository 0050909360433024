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

/**
 * The name that a registry's host and a repository make together, without tag and digest; undefined where they make none: an
 * address, or what another tool completes.
 */
export function joinName(host: string, repository: string): string | undefined {
  if (/:\/\/|[\s$%<{]/.test(`${host}${repository}`)) return undefined;
  const base = splitImage(repository)?.name.replace(/^\/+|\/+$/g, '');
  if (base === undefined) return undefined;
  return host === '' ? base : `${host.replace(/\/+$/, '')}/${base}`;
}

/** The one spelling of a repository: host in lower case, Docker Hub's host and `library/` written out. */
export function canonicalName(name: string): string {
  const slash = name.indexOf('/');
  if (hasHost(name)) {
    const first = name.slice(0, slash);
    const host = first.toLowerCase() === 'index.docker.io' ? 'docker.io' : first.toLowerCase();
    const path = name.slice(slash + 1);
    return host === 'docker.io' && !path.includes('/') ? `docker.io/library/${path}` : `${host}/${path}`;
  }
  return slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}

/**
 * Whether text holds a placeholder that some tool fills in later: Helm and Argo parameters (`{{ .tag }}`), envsubst and
 * Flux post-build (`$TAG`, `${TAG}`), kustomize variables (`$(TAG)`), templates (`<%= tag %>`, `#{TAG}#`, `%TAG%`),
 * or what sops encrypted (`ENC[…]`). No image reference has any of these characters.
 */
export function hasPlaceholder(text: string): boolean {
  return /[$%<{]|^ENC\[/.test(text);
}

/** An image that is looked for: its key, and every name by which a field may mean it. */
export interface NamedImage {
  readonly image: string;
  readonly names: readonly string[];
  /** The moving tag of the environment. */
  readonly targetTag?: string | undefined;
}

/** Letters and digits alone, in lower case: `my-app`, `MY_APP` and `myApp` are one label. */
function foldLabel(label: string): string {
  return label.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function lastComponent(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/**
 * The images that a key may mean: by their own key and their names without a slash; and by the last component of a
 * repository where it is that of one image alone, and no image's key.
 */
function labelsOf<T extends NamedImage>(images: readonly T[]): ReadonlyMap<string, ReadonlySet<T>> {
  const labels = new Map<string, Set<T>>();
  const components = new Map<string, Set<T>>();
  for (const image of images) {
    for (const name of [image.image, ...image.names]) {
      const into = name.includes('/') ? components : labels;
      const label = foldLabel(lastComponent(name));
      into.set(label, (into.get(label) ?? new Set()).add(image));
    }
  }
  for (const [label, meant] of components) {
    if (meant.size === 1 && !labels.has(label)) labels.set(label, meant);
  }
  return labels;
}

/**
 * Whether a name begins with a registry's host, by the rule of github.com/distribution/reference: with a dot, a port, or
 * `localhost` before the first slash.
 */
function hasHost(name: string): boolean {
  const slash = name.indexOf('/');
  return slash > 0 && /[.:]|^localhost$/i.test(name.slice(0, slash));
}

/**
 * The names by which a field may mean an image, as they are compared. A name with a host means one repository, however it is
 * spelled (`docker.io/library/redis` is Docker Hub's `redis`). A name without one, an image's key for instance, stands for
 * itself alone: `redis` as a key of tagflow.yaml is nobody's `docker.io/library/redis`.
 */
function spellingOf(known: string): string {
  return hasHost(known) ? canonicalName(known) : known;
}

/** What a place says of its image. */
interface LabelledPlace {
  readonly names: readonly string[];
  readonly labels?: readonly string[] | undefined;
  readonly tag: string | undefined;
  readonly isWord?: boolean | undefined;
}

/** Finds the images that written names mean. */
export class NameIndex<T extends NamedImage> {
  readonly #byName = new Map<string, T[]>();
  readonly #byLabel: ReadonlyMap<string, ReadonlySet<T>>;
  /** Last path components: a file that holds none of them holds no pin. */
  readonly #needles = new Set<string>();
  /** The same, as keys spell them: `my-app` is `MY_APP` and `myApp` there. */
  readonly #labels: RegExp | undefined;

  constructor(images: readonly T[]) {
    this.#byLabel = labelsOf(images);
    for (const image of images) {
      for (const name of new Set(image.names.filter((name) => !name.startsWith('oci:')).map(spellingOf))) {
        this.#byName.set(name, [...(this.#byName.get(name) ?? []), image]);
        this.#needles.add(lastComponent(name));
      }
    }
    const spelled = [...this.#byLabel.keys()]
      .filter((label) => label !== '')
      .map((label) => label.replaceAll(/(?<=.)(?=.)/g, '[-_.]?'));
    this.#labels = spelled.length === 0 ? undefined : new RegExp(spelled.join('|'), 'i');
  }

  /** The images that any of the names means: normally none or one. */
  find(names: readonly string[]): readonly T[] {
    const spellings = new Set(names.flatMap((name) => [name, canonicalName(name)]));
    return [...new Set([...spellings].flatMap((name) => this.#byName.get(name) ?? []))];
  }

  /** The images that a place means, by its names, or by its labels where it has no name. */
  meant({ names, labels, isWord, tag }: LabelledPlace): readonly T[] {
    if (names.length > 0 || labels === undefined) return this.find(names);
    const [nearest] = labels.flatMap((label) => this.#byLabel.get(foldLabel(label)) ?? []);
    return [...(nearest ?? [])].filter(({ targetTag }) => isWord !== true || targetTag === tag);
  }

  /** Whether the text could name an image at all: cheap, and right for every text, as escapes need a backslash. */
  mayMention(text: string): boolean {
    if (text.includes('\\') || [...this.#needles].some((needle) => text.includes(needle))) return true;
    return this.#labels?.test(text) === true;
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
