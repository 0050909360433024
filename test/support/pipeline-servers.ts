// Pipelines for end-to-end tests over servers on loopback: a strict registry in this process that asks for a password, and
// `git http-backend` that asks for a token. Both secrets are canaries. Each pipeline has faults of its own, on either side.
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { buildImage } from '../../src/registry/layout/sample-image.ts';
import { CANARY } from './cli.ts';
import { type GitRequest, type HttpFault, startGitHttpServer } from './git-server.ts';
import { type HttpRegistry, type Interceptor, startHttpRegistry } from './http-registry.ts';
import { type TestPipeline, VERSIONS, createPipeline } from './pipeline.ts';

/** A pipeline over servers. */
export interface ServerPipeline extends TestPipeline {
  /** `p1`: the part of the registry that is this pipeline's. */
  readonly name: string;
  /** What goes wrong with requests to this pipeline's repository; set it at any time. */
  gitFault: ((request: GitRequest) => HttpFault | undefined) | undefined;
  /**
   * Puts an interceptor around requests to this pipeline's images: `line` is matched against `METHOD image/manifests/at`,
   * as in `PUT django/manifests/dev`.
   */
  readonly intercept: (line: RegExp, interceptor: Interceptor, times?: number) => void;
  /** Ends the faults of the registry. */
  readonly heal: () => void;
  /** `METHOD image/manifests/at` of every request for this pipeline's images so far. */
  readonly registryLines: () => readonly string[];
}

/** The servers of a test file. */
export interface TestServers {
  readonly registry: HttpRegistry;
  createPipeline(): Promise<ServerPipeline>;
  /** Ends the servers, and removes the pipelines. */
  stop(): Promise<void>;
}

const USER = 'ci';

/** Starts a registry and a Git server for any number of pipelines. */
export async function startServers(): Promise<TestServers> {
  const registry = await startHttpRegistry({ auth: { kind: 'basic', user: USER, password: CANARY.registryPassword } });
  const pipelines: ServerPipeline[] = [];
  let count = 0;
  let git: ReturnType<typeof startGitHttpServer> | undefined;
  return {
    registry,
    async createPipeline() {
      count += 1;
      const pipeline = await overServers(registry, `p${count}`);
      pipelines.push(pipeline);
      git ??= startGitServer(dirname(pipeline.folder), pipelines);
      const env = {
        ...pipeline.env,
        TAGFLOW_REPO: `${(await git).url}/${basename(pipeline.folder)}/repository.git`,
        TAGFLOW_GIT_USERNAME: USER,
        TAGFLOW_GIT_TOKEN: CANARY.gitToken,
        DOCKER_CONFIG: await dockerConfig(pipeline.folder, registry.host, CANARY.registryPassword),
      };
      Object.assign(pipeline.env, env);
      return pipeline;
    },
    async stop() {
      await (await git)?.close();
      for (const pipeline of pipelines) await pipeline.remove();
      await registry.stop();
    },
  };
}

/** A Docker configuration folder with a password for one host. */
export async function dockerConfig(folder: string, host: string, password: string): Promise<string> {
  const docker = join(folder, `docker-${Buffer.from(password).toString('hex').slice(0, 8)}`);
  await mkdir(docker, { recursive: true });
  const auth = Buffer.from(`${USER}:${password}`).toString('base64');
  await writeFile(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  return docker;
}

/** A port on loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startGitServer(
  root: string,
  pipelines: readonly ServerPipeline[],
): ReturnType<typeof startGitHttpServer> {
  const basicAuth = { username: USER, password: CANARY.gitToken };
  const git = await startGitHttpServer({ root, basicAuth });
  git.fault = (request) =>
    pipelines.find(({ folder }) => request.path.startsWith(`/${basename(folder)}/`))?.gitFault?.(request);
  return git;
}

async function overServers(registry: HttpRegistry, name: string): Promise<ServerPipeline> {
  for (const [image, versions] of Object.entries(VERSIONS)) {
    for (const version of versions) registry.publish(`${name}/${image}`, buildImage({ name: image, version }), version);
  }
  const pipeline = await createPipeline({
    prefix: `${registry.host}/${name}`,
    tags: async () =>
      Object.fromEntries(
        Object.keys(VERSIONS).flatMap((image) =>
          [...registry.tagsOf(`${name}/${image}`)].map(([tag, digest]) => [`${image}:${tag}`, digest]),
        ),
      ),
  });
  const start = `/v2/${name}/`;
  const shorten = (line: string): string => line.replace(start, '');
  const faults: { line: RegExp; interceptor: Interceptor; remaining: number }[] = [];
  registry.intercept(new RegExp(`^[A-Z]+ ${start}`), async (request, next) => {
    const fault = faults.find(({ line, remaining }) => remaining > 0 && line.test(shorten(request.line)));
    if (!fault) return next();
    fault.remaining -= 1;
    return fault.interceptor(request, next);
  });
  return Object.assign(pipeline, {
    name,
    gitFault: undefined,
    intercept: (line: RegExp, interceptor: Interceptor, times = Infinity) =>
      void faults.push({ line, interceptor, remaining: times }),
    heal: () => void faults.splice(0),
    registryLines: () => registry.lines.filter((line) => line.includes(start)).map(shorten),
  });
}
