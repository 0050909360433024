// A credential: what a registry or its token server takes for an answer.

/** A user's password, or one of two kinds of token. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which only a token server takes. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A token to be sent as it is. */
  | { readonly kind: 'registry-token'; readonly token: string };

/** The credential that a user name and a password stand for: the user `<token>` marks an identity token. */
export function passwordOf(username: string, password: string): Credential {
  return username === '<token>'
    ? { kind: 'identity-token', token: password }
    : { kind: 'password', username, password };
}
