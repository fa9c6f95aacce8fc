const KEY = 'access-token';

/**
 * Takes the token of a link that ends with `#token=<JWT>`, and removes it from the address bar, so that it is in no history,
 * bookmark or screenshot.
 *
 * The token is in sessionStorage: a reload keeps it, the end of the tab removes it, and no other tab can read it.
 *
 * @returns The token of this tab, or null if there is none.
 */
export function takeToken(): string | null {
  if (location.hash.startsWith('#token=')) {
    const token = location.hash.slice('#token='.length);
    history.replaceState(null, '', location.pathname + location.search);
    // Any other character has no place in a JWT, and would make the header invalid.
    if (/^[\w.-]+$/.test(token)) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  }
  return sessionStorage.getItem(KEY);
}

export function dropToken(): void {
  sessionStorage.removeItem(KEY);
}
