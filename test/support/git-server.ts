// Real Git servers on loopback: `git http-backend` behind a small bridge, with faults on demand, and sshd.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CLEAN_ENVIRONMENT, run, temporaryFolder } from './git-repository.ts';
import { findProgram } from './real.ts';

/** One request as it came in. */
export interface GitRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly service: 'upload-pack' | 'receive-pack' | undefined;
  readonly authorization: string | undefined;
  /** Counted from 0 over the life of the server. */
  readonly index: number;
}

/**
 * What goes wrong with a request. `refuse`: the connection is cut at once. `drop-after`: Git does its work, and the
 * connection is cut before a byte of the answer. `status-after`: it does its work, and the answer is that status.
 * `status`, `redirect`, `rubbish`, `hang`: Git never sees the request. `delay`: all is well, once something is settled.
 */
export type HttpFault =
  | { readonly kind: 'refuse' | 'drop-after' | 'rubbish' | 'hang' }
  | { readonly kind: 'status' | 'status-after'; readonly status: number }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'delay'; readonly until: Promise<unknown> };

/** A Git server over HTTP. */
export interface GitHttpServer {
  /** `http://127.0.0.1:PORT`; a repository `x.git` below the root is at `URL/x.git`. */
  readonly url: string;
  readonly requests: GitRequest[];
  /** Decides over each request; set it at any time. */
  fault: ((request: GitRequest) => HttpFault | undefined) | undefined;
  close(): Promise<void>;
}

/** Serves the bare repositories below a folder. With `basicAuth`, to that user only. */
export async function startGitHttpServer(options: {
  readonly root: string;
  readonly basicAuth?: { readonly username: string; readonly password: string };
}): Promise<GitHttpServer> {
  const { root, basicAuth } = options;
  const expected =
    basicAuth && `Basic ${Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString('base64')}`;
  const children = new Set<ChildProcess>();
  const served: GitHttpServer = { url: '', requests: [], fault: undefined, close };
  const http = createHttpServer((message, response) => {
    const request = describeRequest(message, served.requests.length);
    served.requests.push(request);
    const fault = served.fault?.(request);
    if (fault && beforeGit(fault, message, response)) return;
    if (expected !== undefined && request.authorization !== expected) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const serve = async (): Promise<void> => {
      if (fault?.kind === 'delay') await fault.until;
      const child = bridge(root, message, response, fault, basicAuth?.username);
      children.add(child);
      child.on('close', () => children.delete(child));
    };
    void serve();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  async function close(): Promise<void> {
    for (const child of children) child.kill('SIGKILL');
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  }
  return Object.assign(served, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
}

function describeRequest(message: IncomingMessage, index: number): GitRequest {
  const path = message.url ?? '/';
  const service = /git-(upload-pack|receive-pack)/.exec(path)?.[1] as GitRequest['service'];
  return { method: message.method ?? 'GET', path, service, authorization: message.headers.authorization, index };
}

/** Answers in place of Git; false when Git shall see the request. */
function beforeGit(fault: HttpFault, message: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.kind) {
    case 'refuse':
      message.socket.destroy();
      return true;
    case 'status':
      response.writeHead(fault.status).end('the server says no\n');
      return true;
    case 'redirect':
      response.writeHead(302, { Location: fault.to }).end();
      return true;
    case 'rubbish':
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>welcome to the captive portal</html>');
      return true;
    case 'hang':
      return true;
    default:
      return false;
  }
}

function bridge(
  root: string,
  message: IncomingMessage,
  response: ServerResponse,
  fault: HttpFault | undefined,
  user: string | undefined,
): ChildProcess {
  const url = new URL(message.url ?? '/', 'http://localhost');
  const header = (name: string): string => String(message.headers[name] ?? '');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...CLEAN_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header('git-protocol'),
      REQUEST_METHOD: message.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      REMOTE_ADDR: '127.0.0.1',
      // Without a length http-backend reads to the end, as chunked requests need.
      ...(header('content-length') !== '' && { CONTENT_LENGTH: header('content-length') }),
      ...(user !== undefined && { REMOTE_USER: user }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  message.pipe(child.stdin);
  if (fault?.kind === 'drop-after' || fault?.kind === 'status-after') {
    const status = fault.kind === 'status-after' ? fault.status : 0;
    child.stdout.resume();
    child.on('close', () => {
      if (status === 0) message.socket.destroy();
      else response.writeHead(status).end('bad gateway\n');
    });
  } else {
    answer(child, response);
  }
  return child;
}

/** Passes the answer of a CGI program on, RFC 3875: header lines, an empty line, the body. */
function answer(child: ChildProcess, response: ServerResponse): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout?.on('data', (chunk: Buffer) => {
    if (!head) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    let status = 200;
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name === 'Status') status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.on('close', () => response.end());
}

/** A server that speaks SSH and gives its one user a shell, as Git wants it. */
export interface SshServer {
  /** `ssh://user@127.0.0.1:PORT`; a repository is at that and its absolute path. */
  readonly url: string;
  /** For GIT_SSH_COMMAND: the right key, and no configuration of the user. */
  readonly command: string;
  /** The same with a key that the server does not know. */
  readonly strangerCommand: string;
  close(): Promise<void>;
}

/**
 * sshd on loopback for the user of this process, root or not, one process for each connection. Needs `sshd`.
 * With `protocolV2: false` it drops GIT_PROTOCOL, as servers do that are not told to accept it.
 */
export async function startSshServer(options: { readonly protocolV2?: boolean } = {}): Promise<SshServer> {
  const folder = await temporaryFolder('sshd');
  for (const key of ['host', 'client', 'stranger']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', join(folder, key)]);
  }
  const settings = [
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'client.pub')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    'LogLevel QUIET',
    // Nothing of the user's own start-up files or Git configuration on the far side.
    `SetEnv HOME=${folder}`,
    ...(options.protocolV2 === false ? [] : ['AcceptEnv GIT_PROTOCOL']),
  ];
  await writeFile(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
  // sshd as root insists on the folder that its service would have made.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const children = new Set<ChildProcess>();
  // As inetd does it: sshd gets the connection itself; no port to choose, and nothing to wait for.
  const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
    const child = spawn(findProgram('sshd')!, ['-i', '-f', join(folder, 'sshd_config')], {
      stdio: [socket, socket, 'ignore'],
      env: CLEAN_ENVIRONMENT,
    });
    children.add(child);
    child.on('close', () => children.delete(child));
    child.on('spawn', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const host = (await run('cat', [join(folder, 'host.pub')])).split(' ').slice(0, 2).join(' ');
  await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${host}\n`);
  const base = (key: string): string =>
    [
      `ssh -F /dev/null -i ${join(folder, key)} -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes`,
      `-o UserKnownHostsFile=${join(folder, 'known_hosts')} -o StrictHostKeyChecking=yes -o LogLevel=ERROR`,
      // Git says so itself, but a shared connection sends only what the first command named.
      '-o SendEnv=GIT_PROTOCOL',
    ].join(' ');
  const target = `${userInfo().username}@127.0.0.1`;
  // One connection for all: a handshake costs some 400 ms, a session within it 20.
  const command = `${base('client')} -o ControlPath=${join(folder, 'c')}`;
  await run('sh', [
    '-c',
    `${command} -p ${port} -o ControlMaster=yes -o ControlPersist=yes ${target} true 2>/dev/null`,
  ]);
  return {
    url: `ssh://${target}:${port}`,
    command,
    strangerCommand: base('stranger'),
    async close() {
      await run('sh', ['-c', `${command} -p ${port} -O exit ${target} 2>/dev/null`]).catch(() => undefined);
      for (const child of children) child.kill('SIGTERM');
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
