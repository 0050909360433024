// Remote URLs: which are accepted, and what of them may be shown. Git itself would take `ext::sh -c …` or
// `--upload-pack=…` for a URL and run what it says (gitremote-helpers(7)); nothing that is not on this page's list
// ever reaches it.
import { isLoopback } from '../http/addresses.ts';
import { unescaped } from '../http/redact.ts';
import { TagflowError } from '../model/errors.ts';

/** A user name and a password, or a token in place of either. */
export interface GitCredentials {
  readonly username: string;
  readonly password: string;
}

/** A remote that was accepted. */
export interface RemoteUrl {
  /** The one protocol that Git may speak for it, by its name in GIT_ALLOW_PROTOCOL. */
  readonly protocol: 'https' | 'http' | 'ssh' | 'file';
  /** What Git is given, and people are shown: never with credentials in it. */
  readonly url: string;
  /** `https://host[:port]`, where credentials may go; undefined for other protocols. */
  readonly origin: string | undefined;
  /** What stood before the `@` of an HTTP URL. */
  readonly credentials: GitCredentials | undefined;
}

const SSH_URL =
  /^ssh:\/\/(?:[A-Za-z0-9_][A-Za-z0-9._+-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\/[^/-]/;
const SCP_LIKE = /^(?:[A-Za-z0-9_][A-Za-z0-9._+-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):[^:-]/;

/**
 * The remote that text names: `https://`, `ssh://`, `user@host:path`, `file:///` or an absolute path; `http://` for
 * loopback hosts, or for all with `allowPlainHttp`. Throws `usage` for everything else, and never repeats a password.
 */
export function parseRemoteUrl(text: string, options: { readonly allowPlainHttp?: boolean } = {}): RemoteUrl {
  // A path is one argument to Git, whatever letters it has.
  if (/^\/(?!\/)[^\x00-\x1f\x7f]*$/.test(text)) return plain('file', text);
  if (/[\x00-\x20\x7f\\]/.test(text)) throw refused(text, 'it holds a space, a backslash or a control character');
  if (/^https?:\/\/[^/]/i.test(text)) return parseHttp(text, options.allowPlainHttp === true);
  if (text.startsWith('file://')) return parseFile(text);
  if (/^ssh:\/\/[^/@]*:[^/@]*@/.test(text)) {
    throw refused(text, 'ssh does not take a password from a URL', 'use a key, by SSH_AUTH_SOCK or GIT_SSH_COMMAND');
  }
  if (SSH_URL.test(text)) return plain('ssh', text);
  if (!text.includes('://') && SCP_LIKE.test(text)) return plain('ssh', text);
  throw refused(text, 'its form is not one of https://, ssh://, user@host:path, file:/// and an absolute path');
}

function parseHttp(text: string, allowPlainHttp: boolean): RemoteUrl {
  const url = URL.parse(text);
  if (!url) throw refused(text, 'it cannot be read as a URL');
  if (url.search !== '' || url.hash !== '') throw refused(text, 'a remote’s URL has no query and no fragment');
  if (url.protocol === 'http:' && !allowPlainHttp && !isLoopback(url.hostname)) {
    throw refused(text, 'anybody on the network could read and change traffic over plain HTTP', 'write https://');
  }
  const credentials =
    url.username === '' && url.password === ''
      ? undefined
      : {
          username: unescaped(url.username) ?? url.username,
          password: unescaped(url.password) ?? url.password,
        };
  url.username = '';
  url.password = '';
  return { protocol: url.protocol === 'https:' ? 'https' : 'http', url: url.href, origin: url.origin, credentials };
}

function parseFile(text: string): RemoteUrl {
  const url = URL.parse(text);
  if (!url || url.host !== '' || url.search !== '' || url.hash !== '' || !text.startsWith('file:///')) {
    throw refused(text, 'a file URL is file:/// and an absolute path');
  }
  return plain('file', text);
}

function plain(protocol: 'ssh' | 'file', url: string): RemoteUrl {
  return { protocol, url, origin: undefined, credentials: undefined };
}

function refused(text: string, why: string, fix?: string): TagflowError {
  // Whatever stands before an `@` may be a password.
  const shown = text.replace(/^([a-z+.-]*:\/\/)?[^/]*:[^/]*@/i, '$1***@').replace(/[\x00-\x1f\x7f]/g, '?');
  return new TagflowError('usage', {
    what: `${JSON.stringify(shown)} is refused as the URL of a Git remote`,
    why,
    fix: fix ?? 'give a URL like https://git.example.org/team/app.git or git@git.example.org:team/app.git',
  });
}
