export interface UsersOptions {
  /** Default: all addresses. */
  host?: string;
  /** 0: a free port. */
  port: number;
  /** The users by their ids. */
  names: ReadonlyMap<string, string | null>;
  /** Default: none. Then requests need no token, and `me` is null. */
  issuer?: Issuer;
}

/** The issuer of the tokens that every request needs. */
export interface Issuer {
  /** The `iss` of its tokens. */
  url: string;
  jwksUri: string;
  /** The `aud` of its tokens. */
  audience: string;
}

export function startUsers(options: UsersOptions): Promise<{
  /** The GraphQL endpoint. */
  url: string;
  sdl: string;
}>;
