// A forwarding HTTP proxy on loopback: CONNECT for https, absolute URLs for http. Names are resolved by a table, so that
// a test can give any name to a server of its own.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

/** A proxy that runs. */
export interface TestProxy {
  readonly url: string;
  /** `CONNECT host:port` and `GET http://…`, in order. */
  readonly lines: readonly string[];
  /** `Proxy-Authorization` of each of them. */
  readonly authorizations: readonly (string | undefined)[];
  stop(): Promise<void>;
}

/** Starts a proxy. `hosts` maps `name:port` to the `127.0.0.1:port` to go to; others are refused with 502. */
export async function startProxy(hosts: ReadonlyMap<string, string>): Promise<TestProxy> {
  const lines: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<net.Socket>();
  const note = (request: http.IncomingMessage): void => {
    lines.push(`${request.method} ${request.url}`);
    authorizations.push(request.headers['proxy-authorization']);
  };
  const server = http.createServer((request, response) => {
    note(request);
    const url = new URL(request.url ?? '');
    const target = hosts.get(`${url.hostname}:${url.port || '80'}`);
    if (!target) {
      response.writeHead(502).end();
      return;
    }
    const onward = http.request(new URL(url.pathname + url.search, `http://${target}`), {
      method: request.method ?? 'GET',
      headers: request.headers,
    });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  server.on('connect', (request, socket: net.Socket) => {
    note(request);
    const target = hosts.get(request.url ?? '');
    if (!target) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = target.split(':');
    const onward = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lines,
    authorizations,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
