const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

/** Whether a host name or address can only be this machine. Takes no port; an IPv6 address may be in brackets. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Whether a text is a URL that credentials and keys may be exchanged with: `https:`, or `http:` to this machine. A URL
 * with a user name or password is refused, because `https://api.example@evil.example` is a URL of `evil.example`.
 */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
